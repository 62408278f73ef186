package main

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	ldapserver "github.com/vjeantet/ldapserver"

	"github.com/skepdata/skep/internal/thrift"
)

// startLDAP is a directory with one user, and counts who binds. It serves until the process ends: the
// library panics when it is stopped while a client leaves.
func startLDAP(t *testing.T, binds *atomic.Int64) string {
	t.Helper()
	routes := ldapserver.NewRouteMux()
	routes.Bind(func(w ldapserver.ResponseWriter, m *ldapserver.Message) {
		binds.Add(1)
		r := m.GetBindRequest()
		res := ldapserver.NewBindResponse(ldapserver.LDAPResultInvalidCredentials)
		if r.Name() == `uid=ann\,x,ou=people` && r.AuthenticationSimple() == "secret" || r.AuthenticationSimple() == "" {
			res.SetResultCode(ldapserver.LDAPResultSuccess) // nobody, without a password, is let in by LDAP
		}
		w.Write(res)
	})
	server := ldapserver.NewServer()
	server.Handle(routes)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() { _ = server.ListenAndServe(address, func(*ldapserver.Server) { close(ready) }) }()
	<-ready
	return "ldap://" + address
}

// TestLDAP: who can bind is let in, and asked for once a minute; who cannot is not, and nobody is with an empty password.
func TestLDAP(t *testing.T) {
	var binds atomic.Int64
	url := startLDAP(t, &binds)
	check, err := ldapUsers(url, "uid=%s,ou=people")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user, password string
		ok             bool
		binds          int64
	}{
		{"ann,x", "secret", true, 1}, {"ann,x", "secret", true, 1}, {"ann,x", "wrong", false, 2}, {"ann,x", "", false, 2},
		{"", "secret", false, 2}, {"bob", "secret", false, 3}, {"ann,x,ou=people", "secret", false, 4},
	} {
		err := check(t.Context(), test.user, test.password)
		if (err == nil) != test.ok || err != nil && !errors.Is(err, errLogin) || binds.Load() != test.binds {
			t.Errorf("%s, %s: %v, %d binds", test.user, test.password, err, binds.Load())
		}
	}
	for _, bad := range [][2]string{{"http://x", "uid=%s"}, {"ldap://", "uid=%s"}, {url, "uid=ann"}, {url, "uid=%s,%s"}, {url, "uid=%d"}} {
		if _, err := ldapUsers(bad[0], bad[1]); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	gone, err := ldapUsers("ldap://127.0.0.1:1", "uid=%s")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone(t.Context(), "ann", "secret"); err == nil || errors.Is(err, errLogin) {
		t.Errorf("a directory that is away: %v", err)
	}
}

// TestServeLDAP logs in to a service by SASL.
func TestServeLDAP(t *testing.T) {
	var binds atomic.Int64
	i := install(t)
	address, _ := i.startServe("--ldap-url", startLDAP(t, &binds), "--ldap-bind", "uid=%s,ou=people")
	for password, ok := range map[string]bool{"secret": true, "wrong": false} {
		c, err := thrift.Dialer{Address: address, User: "ann,x", Password: password}.Dial(t.Context())
		if err == nil {
			var names []string
			err = c.Call(t.Context(), "get_all_databases", &struct{}{}, &names)
			c.Close()
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", password, err)
		}
	}
}
