package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// python is a racer in a process of its own, a program in Python. It is asked a question a line,
// as JSON, and answers with a line.
type python struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
}

// installPython makes an environment with packages in the cache directory, whole or not at all,
// and returns its interpreter.
func installPython(ctx context.Context, name string, packages []string, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	env := filepath.Join(cache, "skep", "benchsql", name)
	interpreter, done := filepath.Join(env, "bin", "python"), filepath.Join(env, "done")
	if _, err := os.Stat(done); err == nil {
		return interpreter, nil
	}
	fmt.Fprintf(progress, "benchsql: installing %s into %s, once\n", name, env)
	if out, err := exec.CommandContext(ctx, "python3", "-m", "venv", "--clear", env).CombinedOutput(); err != nil {
		return "", fmt.Errorf("python3 -m venv: %w: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, interpreter, append([]string{"-m", "pip", "install", "--quiet"}, packages...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pip install: %w: %s", err, out)
	}
	return interpreter, os.WriteFile(done, nil, 0o600)
}

// startPython starts a program, whose text is given, with arguments and an environment.
func startPython(ctx context.Context, name, interpreter, text, tmp string, env []string, args ...string) (*python, error) {
	program := filepath.Join(tmp, name+".py")
	if err := os.WriteFile(program, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p := &python{name: name, cmd: exec.CommandContext(ctx, interpreter, append([]string{program}, args...)...)}
	p.cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+tmp)
	p.cmd.Dir = tmp
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	return p, p.cmd.Start()
}

// run runs a query and reads its rows.
func (p *python) run(sql string) (time.Duration, error) {
	took, _, err := p.ask(map[string]any{"query": sql})
	return took, err
}

// ask returns how long the answer took, and of how many rows it is.
func (p *python) ask(what map[string]any) (time.Duration, int, error) {
	if err := json.NewEncoder(p.in).Encode(what); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", p.name, err)
	}
	if !p.out.Scan() {
		return 0, 0, fmt.Errorf("%s has ended: %w", p.name, errors.Join(p.out.Err(), io.ErrUnexpectedEOF))
	}
	var answer struct {
		Seconds float64
		Rows    int
		Error   string
	}
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", p.name, err)
	}
	if answer.Error != "" {
		return 0, 0, fmt.Errorf("%s: %s", p.name, answer.Error)
	}
	return time.Duration(answer.Seconds * float64(time.Second)), answer.Rows, nil
}

func (p *python) close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}
