//go:build !linux

package sqlstore

import "syscall"

// breakUnreceipted does nothing where there is no such option; read_timeout bounds the wait.
func breakUnreceipted(string, string, syscall.RawConn) error { return nil }
