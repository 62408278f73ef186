package http1

import (
	"net"
	"runtime"
	"syscall"
)

const (
	tcpCongestion = 13     // TCP_CONGESTION of linux/tcp.h
	unpaced       = "reno" // every Linux has it, and lets everybody choose it
)

// hasten lets a connection to this very machine send as fast as it is read. Linux may be set to pace
// what it sends (BBR): between machines that spares the queues on the way, on one machine there are
// none, and the timers cost as much as a tenth of an upload. Where it cannot be set all stays as it is.
func hasten(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok || runtime.GOOS != "linux" || !sameMachine(tcp) {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return // the exchange will tell
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptString(int(fd), syscall.IPPROTO_TCP, tcpCongestion, unpaced) // slower is no failure
	})
}

// sameMachine reports whether both ends of a connection have one address.
func sameMachine(nc net.Conn) bool {
	here, ok := nc.LocalAddr().(*net.TCPAddr)
	there, ok2 := nc.RemoteAddr().(*net.TCPAddr)
	return ok && ok2 && (there.IP.IsLoopback() || there.IP.Equal(here.IP))
}
