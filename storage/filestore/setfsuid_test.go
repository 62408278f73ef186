package filestore

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// setfsuid makes the thread access files as another user.
func setfsuid(uid int) error {
	_, _, errno := syscall.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0)
	if errno != 0 {
		return errno
	}
	if now, _, _ := syscall.RawSyscall(unix.SYS_SETFSUID, ^uintptr(0), 0, 0); int(now) != uid {
		return fmt.Errorf("setfsuid %d: the thread still is %d", uid, now)
	}
	return nil
}
