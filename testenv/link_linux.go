package testenv

import (
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// linkLoop carries the connections of a link: one goroutine, on a thread of its own, that waits for
// sockets and for the time that what is on its way arrives. It is a loop around epoll and not
// a goroutine for each direction, because it shares the processors with the racers of a
// benchmark: waking goroutines costs more than what they do.
type linkLoop struct {
	target   unix.SockaddrInet4
	delay    time.Duration // of one way
	listener int
	poll     int
	timer    int
	stop     int // an event that close raises
	ended    chan error

	ways  map[int32]*way // by the socket they are read from
	due   appointments
	armed time.Time  // for when the timer is set
	spare []linkPipe // empty
}

// startLinkLoop returns the port that it listens on.
func startLinkLoop(target *net.TCPAddr, roundTrip time.Duration) (l *linkLoop, port int, err error) {
	l = &linkLoop{
		delay: roundTrip / 2, listener: -1, poll: -1, timer: -1, stop: -1,
		ended: make(chan error, 1), ways: map[int32]*way{},
	}
	l.target.Port = target.Port
	copy(l.target.Addr[:], target.IP.To4())
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	if port, err = l.open(); err != nil {
		return nil, 0, err
	}
	go func() {
		runtime.LockOSThread() // it waits in the kernel, and not in the scheduler
		l.ended <- errors.Join(l.run(), l.release())
	}()
	return l, port, nil
}

func (l *linkLoop) open() (port int, err error) {
	if l.listener, err = newSocket(); err != nil {
		return 0, err
	}
	if err := unix.Bind(l.listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(l.listener, unix.SOMAXCONN); err != nil {
		return 0, os.NewSyscallError("listen", err)
	}
	name, err := unix.Getsockname(l.listener)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return 0, os.NewSyscallError("epoll_create1", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return 0, os.NewSyscallError("timerfd_create", err)
	}
	if l.stop, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return 0, os.NewSyscallError("eventfd", err)
	}
	for _, fd := range []int{l.listener, l.timer, l.stop} {
		events := uint32(unix.EPOLLIN)
		if fd == l.timer {
			events |= unix.EPOLLET // nobody reads it
		}
		if err := l.watch(fd, events); err != nil {
			return 0, err
		}
	}
	return name.(*unix.SockaddrInet4).Port, nil
}

func newSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return fd, os.NewSyscallError("socket", err)
}

func (l *linkLoop) watch(fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

// close ends the loop and waits for it.
func (l *linkLoop) close() error {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	if _, err := unix.Write(l.stop, one[:]); err != nil {
		return os.NewSyscallError("write", err)
	}
	return <-l.ended
}

// release closes all there is.
func (l *linkLoop) release() error {
	for _, w := range l.ways {
		l.cut(w)
	}
	for _, p := range l.spare {
		p.close()
	}
	var errs []error
	for _, fd := range []int{l.listener, l.poll, l.timer, l.stop} {
		if fd >= 0 {
			errs = append(errs, os.NewSyscallError("close", unix.Close(fd)))
		}
	}
	return errors.Join(errs...)
}

// run goes on until close, or until the kernel refuses what it needs.
func (l *linkLoop) run() error {
	var events [64]unix.EpollEvent
	for {
		n, err := unix.EpollWait(l.poll, events[:], -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range events[:n] {
			switch int(e.Fd) {
			case l.stop:
				return nil
			case l.listener:
				err = l.accept()
			case l.timer:
				// deliver sees what has come.
			default:
				l.ready(e)
			}
			if err != nil {
				return err
			}
		}
		if err := l.deliver(); err != nil {
			return err
		}
	}
}

// ready goes on with a connection that can be read or written again. It may have been cut meanwhile.
func (l *linkLoop) ready(e unix.EpollEvent) {
	if w := l.ways[e.Fd]; w != nil && e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		w.readable = true
		w.ending = w.ending || e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
		l.take(w)
	}
	if w := l.ways[e.Fd]; w != nil && e.Events&unix.EPOLLOUT != 0 {
		w.back.blocked = false
		l.pass(w.back)
	}
}

// accept connects whoever has come with the target.
func (l *linkLoop) accept() error {
	for {
		near, _, err := unix.Accept4(l.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("accept", err)
		}
		far, err := newSocket()
		if err != nil {
			return errors.Join(err, unix.Close(near))
		}
		if err := l.connect(near, far); err != nil {
			_ = unix.Close(near)
			_ = unix.Close(far)
			return err
		}
	}
}

// connect makes the two ways of a connection. Its first bytes wait for the handshake as well.
func (l *linkLoop) connect(near, far int) error {
	for _, fd := range []int{near, far} {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	// Whether it succeeds, the first reading or writing tells.
	if err := unix.Connect(far, &l.target); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect to port %d: %w", l.target.Port, err)
	}
	for _, fd := range []int{near, far} {
		if err := l.watch(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET); err != nil {
			return err
		}
	}
	ready := time.Now().Add(2 * l.delay)
	there := &way{from: near, to: far, ready: ready}
	back := &way{from: far, to: near, ready: ready, back: there}
	there.back = back
	l.ways[int32(near)], l.ways[int32(far)] = there, back
	return nil
}

// way is one direction of a connection.
type way struct {
	from, to int
	back     *way
	ready    time.Time // before which nothing has been sent

	readable bool // perhaps
	ending   bool // nothing more will be sent
	blocked  bool // the other side takes no more at the moment
	over     bool // the end of what was sent has arrived
	cut      bool
	queued   bool // in linkLoop.due

	packets []packet
	pipes   []linkPipe // with what is on its way; new bytes go into the last
	bytes   int        // in them
}

// packet is what has been read at once, and when it arrives. The end takes its time, too: it is a packet
// without bytes.
type packet struct {
	size int
	due  time.Time
}

// take reads what there is, as far as the window goes.
func (l *linkLoop) take(w *way) {
	for w.readable && w.bytes < linkWindow {
		n, err := l.fill(w)
		switch {
		case errors.Is(err, unix.EAGAIN):
			w.readable = false
			return
		case err != nil:
			l.cut(w)
			return
		}
		sent := time.Now()
		if sent.Before(w.ready) {
			sent = w.ready
		}
		w.packets = append(w.packets, packet{n, sent.Add(l.delay)})
		l.schedule(w)
		w.readable = n > 0 && w.more() // of what comes from now on the kernel tells
	}
}

// more reports whether bytes, or the end, can be read.
func (w *way) more() bool {
	waiting, err := unix.IoctlGetInt(w.from, unix.SIOCINQ)
	return w.ending || waiting > 0 && err == nil
}

// fill moves bytes from the connection to the last pipe, or to another where that is full.
func (l *linkLoop) fill(w *way) (int, error) {
	for {
		if len(w.pipes) == 0 || w.pipes[len(w.pipes)-1].full {
			p, err := l.pipe()
			if err != nil {
				return 0, err
			}
			w.pipes = append(w.pipes, p)
		}
		p := &w.pipes[len(w.pipes)-1]
		n, err := splice(w.from, p.in, linkWindow-w.bytes)
		p.size += n
		w.bytes += n
		if !errors.Is(err, unix.EAGAIN) || p.size == 0 || !w.more() {
			return n, err
		}
		p.full = true
	}
}

// pass sends on what has arrived.
func (l *linkLoop) pass(w *way) {
	for len(w.packets) > 0 && !w.blocked && !w.over {
		now := &w.packets[0]
		if time.Now().Before(now.due) {
			l.schedule(w)
			return
		}
		if now.size == 0 {
			l.end(w)
			return
		}
		p := &w.pipes[0]
		n, err := splice(p.out, w.to, min(now.size, p.size))
		switch {
		case errors.Is(err, unix.EAGAIN):
			w.blocked = true
			return
		case err != nil:
			l.cut(w)
			return
		}
		l.passed(w, n)
		l.take(w)
	}
}

// passed accounts for bytes that have been sent on.
func (l *linkLoop) passed(w *way, n int) {
	p := &w.pipes[0]
	p.size -= n
	w.bytes -= n
	if w.packets[0].size -= n; w.packets[0].size == 0 {
		w.packets = w.packets[1:]
	}
	if p.size == 0 && (p.full || len(w.packets) == 0) {
		p.full = false
		l.spare = append(l.spare, *p)
		w.pipes = w.pipes[1:]
	}
}

// end tells the other side that nothing more comes, and forgets the connection when that is so both ways.
func (l *linkLoop) end(w *way) {
	w.over = true
	if w.back.over {
		l.cut(w)
		return
	}
	_ = unix.Shutdown(w.to, unix.SHUT_WR) // it may have been cut by its other end
}

// cut ends a connection.
func (l *linkLoop) cut(w *way) {
	for _, w := range []*way{w, w.back} {
		if w.cut {
			continue
		}
		w.cut, w.over = true, true
		delete(l.ways, int32(w.from))
		_ = unix.Close(w.from) // both ends know already, or nobody is left to be told
		for _, p := range w.pipes {
			p.close()
		}
		w.pipes, w.packets = nil, nil
	}
}

// schedule sees to it that a way is looked at when its first packet arrives.
func (l *linkLoop) schedule(w *way) {
	if !w.queued {
		w.queued = true
		heap.Push(&l.due, appointment{w.packets[0].due, w})
	}
}

// deliver passes on what is due, and sets the timer for what is next.
func (l *linkLoop) deliver() error {
	for len(l.due) > 0 {
		next := l.due[0].at
		wait := time.Until(next)
		if wait > 0 {
			if l.armed.Equal(next) {
				return nil
			}
			l.armed = next
			spec := unix.ItimerSpec{Value: unix.NsecToTimespec(wait.Nanoseconds())}
			return os.NewSyscallError("timerfd_settime", unix.TimerfdSettime(l.timer, 0, &spec, nil))
		}
		w := heap.Pop(&l.due).(appointment).way
		w.queued = false
		l.pass(w)
	}
	return nil
}

// appointment is when to look at a way.
type appointment struct {
	at  time.Time
	way *way
}

// appointments is a heap, the next first.
type appointments []appointment

func (a appointments) Len() int           { return len(a) }
func (a appointments) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a appointments) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *appointments) Push(x any)        { *a = append(*a, x.(appointment)) }
func (a *appointments) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = appointment{}
	*a = (*a)[:last]
	return x
}

// linkPipe is a pipe of the kernel, which holds bytes on their way as pages that it does not copy.
type linkPipe struct {
	in, out int
	size    int  // bytes in it
	full    bool // no more go in until it is empty
}

// linkPipeSize is the most that everybody may have.
const linkPipeSize = 1 << 20

// pipe is an empty one.
func (l *linkLoop) pipe() (linkPipe, error) {
	if last := len(l.spare) - 1; last >= 0 {
		p := l.spare[last]
		l.spare = l.spare[:last]
		return p, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return linkPipe{}, os.NewSyscallError("pipe2", err)
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, linkPipeSize) // a smaller one does, too: there will be more
	return linkPipe{in: fds[1], out: fds[0]}, nil
}

func (p linkPipe) close() {
	_ = unix.Close(p.in) // what is in it is not wanted
	_ = unix.Close(p.out)
}

// splice moves at most so many bytes, without waiting.
func splice(from, to, most int) (int, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if !errors.Is(err, unix.EINTR) {
			return int(max(n, 0)), err
		}
	}
}
