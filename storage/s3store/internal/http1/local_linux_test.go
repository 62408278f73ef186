package http1

import (
	"net"
	"syscall"
	"testing"
	"unsafe"
)

// A connection within the machine is not paced; what it is to be is for the kernel to say.
func TestConnectionsWithinTheMachineAreNotPaced(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	hasten(nc)
	if got := congestionControl(t, nc.(*net.TCPConn)); got != unpaced {
		t.Errorf("congestion control is %q, not %q", got, unpaced)
	}
}

func TestSameMachine(t *testing.T) {
	for _, c := range []struct {
		here, there string
		want        bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", true},
		{"::1", "::1", true},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.8", false},
	} {
		nc := addressed{here: net.ParseIP(c.here), there: net.ParseIP(c.there)}
		if got := sameMachine(nc); got != c.want {
			t.Errorf("from %s to %s: %v, not %v", c.here, c.there, got, c.want)
		}
	}
}

// addressed is a connection of which only the ends are asked.
type addressed struct {
	net.Conn
	here, there net.IP
}

func (a addressed) LocalAddr() net.Addr  { return &net.TCPAddr{IP: a.here} }
func (a addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: a.there} }

func congestionControl(t *testing.T, nc *net.TCPConn) string {
	t.Helper()
	raw, err := nc.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	name := make([]byte, 16)
	size := uint32(len(name))
	var errno syscall.Errno
	if err := raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, tcpCongestion,
			uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&size)), 0)
	}); err != nil || errno != 0 {
		t.Fatal(err, errno)
	}
	for i, b := range name {
		if b == 0 {
			return string(name[:i])
		}
	}
	return string(name)
}
