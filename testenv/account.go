package testenv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// account is the system account that a database server runs as: the servers refuse to run
// as root. The zero value is our own account.
type account struct{ credential *syscall.Credential }

// serverAccount is our own account or, if we are root, the first of the named ones that
// exists.
func serverAccount(names ...string) (account, error) {
	if os.Getuid() != 0 {
		return account{}, nil
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return account{}, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return account{}, err
		}
		return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, fmt.Errorf("no account to run the server as: it refuses to run as root, and there is no user %s",
		strings.Join(append(names, "nobody"), " or "))
}

// command prepares a program that runs as the account, in a directory it can read.
func (a account) command(run *runDir, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = run.path
	cmd.Env = minimalEnv(run.path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential}
	return cmd
}

// run runs a program as the account to its end, or to that of ctx.
func (a account) run(ctx context.Context, run *runDir, path string, args ...string) error {
	prepared := a.command(run, path, args...)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = prepared.Dir, prepared.Env, prepared.SysProcAttr
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w:\n%s", path, err, strings.TrimSpace(out.String()))
	}
	return nil
}

// makeDir makes a directory that is the account's own.
func (a account) makeDir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	return a.own(path)
}

// writeFile writes a file that only the account, and root, can read.
func (a account) writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return a.own(path)
}

func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}
