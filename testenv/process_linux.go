package testenv

import (
	"os/exec"
	"syscall"
)

// bindToParent makes the kernel send the signal to cmd's process when the thread that
// starts it ends, and keeps the terminal's signals from it.
func bindToParent(cmd *exec.Cmd, death syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = death
	cmd.SysProcAttr.Setsid = true
}
