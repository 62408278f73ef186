package http1

import (
	"net"
	"runtime"
	"syscall"
)

// wakeBytes is how much of a long body must have come before who waits for it is woken. Each time
// costs as much as copying some KiB; without it a server nearby wakes its reader for every write.
const wakeBytes = 64 << 10

// longWakeBytes is the same for who reads into longRead bytes or more: who has that much room wants to be
// woken seldom, and has a long body to read.
const (
	longWakeBytes = 256 << 10
	longRead      = 2 * longWakeBytes
)

// wake is the low-water mark of a connection: how many bytes must be there before the kernel says
// that there are some. It is for connections whose bytes are those of the answer, not TLS's records.
type wake struct {
	raw  syscall.RawConn // nil where the mark stays 1
	mark int
}

func newWake(nc net.Conn) wake {
	tcp, ok := nc.(*net.TCPConn)
	if !ok || runtime.GOOS != "linux" {
		return wake{mark: 1}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return wake{mark: 1} // the exchange will tell
	}
	return wake{raw, 1}
}

// reading sets the mark for a read into so many bytes, of a body of which left bytes are still to come
// off the connection. The mark is never more than will come, or the reader would not wake at all.
func (w *wake) reading(left int64, into int) error {
	switch {
	case left >= longWakeBytes && into >= longRead:
		return w.at(longWakeBytes)
	case left >= wakeBytes && into >= wakeBytes:
		return w.at(wakeBytes)
	}
	return w.at(1)
}

// at sets the mark.
func (w *wake) at(mark int) error {
	if w.raw == nil || mark == w.mark {
		return nil
	}
	var failed error
	err := w.raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, mark)
	})
	if err != nil {
		return err
	}
	if failed == nil {
		w.mark = mark
		return nil
	}
	if mark > 1 {
		w.raw = nil // it cannot be set, and is 1 as it was
		return nil
	}
	return failed
}
