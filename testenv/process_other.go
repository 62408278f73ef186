//go:build !linux

package testenv

import (
	"os/exec"
	"syscall"
)

// bindToParent keeps the terminal's signals from cmd's process. Where the kernel knows no
// death signal, the janitor alone ends it.
func bindToParent(cmd *exec.Cmd, _ syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
}
