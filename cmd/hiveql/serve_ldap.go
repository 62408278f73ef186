package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/skepdata/skep/internal/thrift"
)

const (
	// ldapTimeout is how long the directory may take.
	ldapTimeout = 10 * time.Second
	// ldapMemory is how long a password that was right is not asked again: clients over HTTP log in
	// for every call.
	ldapMemory = time.Minute
)

// directoryUsers checks logins by binding to an LDAP server as the user.
type directoryUsers struct {
	url     string
	bind    string // the DN of a user, with %s for the name
	encrypt bool   // by StartTLS

	mu    sync.Mutex
	right map[[sha256.Size]byte]time.Time // until when
}

// ldapUsers is an authenticator by the LDAP server at a URL, ldap:// or ldaps://. Passwords do not
// leave the machine in the clear: ldap:// begins TLS, but for a server of this machine.
func ldapUsers(rawURL, bind string) (thrift.Authenticator, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return nil, usagef("serve: --ldap-url wants ldap://host or ldaps://host, not %q", rawURL)
	}
	if strings.Count(bind, "%s") != 1 || strings.Count(bind, "%") != 1 {
		return nil, usagef("serve: --ldap-bind wants the name of a user with %%s in it, as uid=%%s,ou=people,dc=example,dc=org")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return (&directoryUsers{url: rawURL, bind: bind, encrypt: u.Scheme == "ldap" && !local}).check, nil
}

func (d *directoryUsers) check(ctx context.Context, user, password string) error {
	if user == "" || password == "" { // with which a server would let anybody in, as nobody
		return errLogin
	}
	sum := sha256.Sum256([]byte(user + "\x00" + password))
	now := time.Now()
	d.mu.Lock()
	until := d.right[sum]
	d.mu.Unlock()
	if now.Before(until) {
		return nil
	}
	if err := d.ask(ctx, user, password); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.right == nil || len(d.right) >= 10_000 {
		d.right = map[[sha256.Size]byte]time.Time{}
	}
	d.right[sum] = now.Add(ldapMemory)
	return nil
}

// ask binds as the user. Its error tells a client no more than that the login is wrong, or that
// there is no telling.
func (d *directoryUsers) ask(ctx context.Context, user, password string) error {
	c, err := ldap.DialURL(d.url, ldap.DialWithDialer(&net.Dialer{Timeout: ldapTimeout}))
	if err != nil {
		return fmt.Errorf("the directory of users cannot be reached: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer func() { _ = c.Close() }()
	c.SetTimeout(ldapTimeout)
	if d.encrypt {
		u, err := url.Parse(d.url)
		if err == nil {
			err = c.StartTLS(&tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
		}
		if err != nil {
			return fmt.Errorf("the directory of users does not speak TLS: %w", err)
		}
	}
	err = c.Bind(strings.Replace(d.bind, "%s", ldap.EscapeDN(user), 1), password)
	var answer *ldap.Error
	if errors.As(err, &answer) && answer.ResultCode < ldap.ErrorNetwork && answer.ResultCode != ldap.LDAPResultBusy &&
		answer.ResultCode != ldap.LDAPResultUnavailable {
		return errLogin
	}
	if err != nil {
		return fmt.Errorf("the directory of users does not answer: %w", err)
	}
	return nil
}
