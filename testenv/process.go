package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	stopTimeout  = 15 * time.Second
	portAttempts = 5
)

// launch says how to start one kind of server.
type launch struct {
	name    string                                    // as people call it
	command func(port int) *exec.Cmd                  // Env and Args complete
	ready   func(ctx context.Context, port int) error // nil once it serves our credentials
	timeout time.Duration                             // to become ready in
	stop    syscall.Signal                            // asks for a clean end
	death   syscall.Signal                            // ends it when its parent is dead
}

// process is a running server, its run directory and the janitor that outlives us.
type process struct {
	launch
	dir     *runDir
	port    int
	pid     int
	janitor *janitor
	done    chan struct{} // closed when the server has ended
	waited  error         // why; valid once done is closed
}

// start runs the server on a free port and returns when it is ready.
func (l launch) start(ctx context.Context, dir *runDir) (*process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.timeout,
		fmt.Errorf("not ready after %s", l.timeout))
	defer cancel()
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		p, err := l.startOn(ctx, dir, port)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", l.name, err)
		}
		err = p.awaitReady(ctx)
		if err == nil {
			return p, nil
		}
		log := p.logTail()
		err = errors.Join(err, p.kill())
		if attempt < portAttempts && ctx.Err() == nil && portTaken(log) {
			continue
		}
		return nil, fmt.Errorf("start %s: %w; its log ends:\n%s", l.name, err, log)
	}
}

// again starts a server that has been killed, on its port and its run directory.
func (p *process) again(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("not ready after %s", p.timeout))
	defer cancel()
	n, err := p.startOn(ctx, p.dir, p.port)
	if err != nil {
		return nil, fmt.Errorf("start %s again: %w", p.name, err)
	}
	if err := n.awaitReady(ctx); err != nil {
		log := n.logTail()
		return nil, fmt.Errorf("start %s again: %w; its log ends:\n%s", p.name, errors.Join(err, n.kill()), log)
	}
	return n, nil
}

// startOn starts the server on the given port, and its janitor.
//
// The kernel ties the death signal to the thread that forked, not to the process, so the
// server is started from a goroutine that keeps its thread until the server has ended.
func (l launch) startOn(ctx context.Context, dir *runDir, port int) (*process, error) {
	log, err := os.OpenFile(dir.file("log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := l.command(port)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{dir.lock}
	if cmd.Dir == "" {
		cmd.Dir = dir.path
	}
	bindToParent(cmd, l.death)

	p := &process{launch: l, dir: dir, port: port, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			p.waited = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	if p.janitor, err = startJanitor(p.pid, l.death, dir); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, ctx.Err()
}

// awaitReady polls until the server answers as it should, or has ended, or ctx has.
func (p *process) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.ready(ctx, p.port)
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %w", p.ending())
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-p.done:
		case <-tick.C:
		}
	}
}

// ending words the end of a server that was not asked to end.
func (p *process) ending() error {
	if p.waited == nil {
		return errors.New("exit status 0")
	}
	return p.waited
}

// close ends the server cleanly, and its janitor, and removes the run directory. Calling it
// again does nothing.
func (p *process) close() error {
	if p.janitor == nil {
		return nil
	}
	return errors.Join(p.end(p.launch.stop), p.dir.close())
}

// end sends the server a signal to end, and leaves the run directory alone.
func (p *process) end(by syscall.Signal) error {
	_ = syscall.Kill(p.pid, by)
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	return p.kill()
}

// kill ends the server at once, and its janitor, and leaves the run directory alone.
func (p *process) kill() error {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.done
	}
	if p.janitor == nil {
		return nil
	}
	j := p.janitor
	p.janitor = nil
	return j.dismiss()
}

// logTail is the end of the server's log, for an error message.
func (p *process) logTail() string {
	text, err := os.ReadFile(p.dir.file("log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	return "  " + strings.Join(lines, "\n  ")
}

// portTaken recognises the servers' ways of saying that somebody was quicker.
func portTaken(log string) bool {
	log = strings.ToLower(log)
	return strings.Contains(log, "already in use") || strings.Contains(log, "port is already") ||
		strings.Contains(log, "can't start server: bind")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// janitor is a shell that waits for our end and then tidies up.
type janitor struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// janitorScript reads until the pipe closes, which the kernel does for us however we end.
// The word "done" means that nothing is left to do.
const janitorScript = `read word && [ "$word" = done ] && exit 0
kill -"$2" "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries+1)); done
kill -KILL "$1" 2>/dev/null
[ -z "$3" ] || rm -rf -- "$3"`

func startJanitor(pid int, death syscall.Signal, dir *runDir) (*janitor, error) {
	remove := dir.path
	if dir.keep {
		remove = ""
	}
	cmd := exec.Command("/bin/sh", "-c", janitorScript, "skep-testenv-janitor",
		fmt.Sprint(pid), fmt.Sprint(int(death)), remove)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // the terminal's ^C is not for it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &janitor{cmd, pipe}, nil
}

// dismiss ends the janitor without its doing anything.
func (j *janitor) dismiss() error {
	_, err := io.WriteString(j.pipe, "done\n")
	return errors.Join(err, j.pipe.Close(), j.cmd.Wait())
}
