package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"

	"github.com/skepdata/skep/internal/thrift"
)

// errLogin does not say whether it was the name or the password.
var errLogin = errors.New("wrong name or password")

// userFile reads a file of lines NAME:HASH, with hashes of bcrypt, and checks logins against it.
func userFile(path string) (thrift.Authenticator, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	defer f.Close()
	hashes := map[string][]byte{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return nil, fmt.Errorf("read the users: %s:%d: want NAME:HASH", path, n)
		}
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return nil, fmt.Errorf("read the users: %s:%d: the hash is not of bcrypt; make one with htpasswd -nB %s", path, n, name)
		}
		hashes[name] = []byte(hash)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	if len(hashes) == 0 {
		return nil, fmt.Errorf("read the users: %s has none", path)
	}
	dummy, err := bcrypt.GenerateFromPassword([]byte("nobody"), bcrypt.DefaultCost)
	if err != nil {
		return nil, err
	}
	return (&logins{hashes: hashes, dummy: dummy}).check, nil
}

// logins checks passwords. It remembers, in a form that says nothing to others, which were right:
// bcrypt is slow on purpose, and clients over HTTP log in for every call.
type logins struct {
	hashes map[string][]byte
	dummy  []byte // for names that do not exist, which must take as long

	mu    sync.Mutex
	right map[string][sha256.Size]byte
}

func (l *logins) check(_ context.Context, user, password string) error {
	sum := sha256.Sum256([]byte(user + "\x00" + password))
	l.mu.Lock()
	known, ok := l.right[user]
	l.mu.Unlock()
	if ok && known == sum {
		return nil
	}
	hash, exists := l.hashes[user]
	if !exists {
		hash = l.dummy
	}
	if err := bcrypt.CompareHashAndPassword(hash, []byte(password)); err != nil || !exists {
		return errLogin
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.right == nil {
		l.right = map[string][sha256.Size]byte{}
	}
	l.right[user] = sum
	return nil
}
