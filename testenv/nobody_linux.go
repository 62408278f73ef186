package testenv

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// AsNobody runs do on a thread of its own that has no power over other people's files, unless this process has
// none anyway. What do starts runs on other threads, as before.
func AsNobody(t testing.TB, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		const nobody = 65534
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
			done <- errno
			return
		}
		do()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatalf("become nobody: %v", err)
	}
}
