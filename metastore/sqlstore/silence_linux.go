package sqlstore

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// breakUnreceipted makes a connection break when what was sent has had no receipt for deadPatience, in place
// of the system's quarter of an hour. Signs of life alone do not: none are sent while something is on its way.
func breakUnreceipted(network, _ string, c syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadPatience.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
