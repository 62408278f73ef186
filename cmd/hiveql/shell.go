package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/skepdata/skep/hiveql/syntax"
)

// shell reads statements from a terminal, each possibly over several lines, until the end of
// input. Ctrl-C throws away what is typed, or cancels the statement that runs.
func (c *client) shell(ctx context.Context) error {
	in, ok := c.p.stdin.(*os.File)
	if !ok {
		return c.file(ctx, "-")
	}
	fmt.Fprintf(c.p.stderr, "hiveql %s. Statements end with ';'. quit; or Ctrl-D leaves.\n", version)
	keys := &keyReader{in: in}
	console := newConsole(keys, c.p.stderr)
	var typed strings.Builder
	for ctx.Err() == nil {
		prompt := c.session.Database() + "> "
		if typed.Len() > 0 {
			prompt = strings.Repeat(" ", max(len(prompt)-2, 0)) + "> "
		}
		console.SetPrompt(prompt)
		line, err := readLine(in, console)
		if keys.interrupted {
			keys.interrupted = false
			typed.Reset()
			console = newConsole(keys, c.p.stderr)
			fmt.Fprintln(c.p.stderr, "^C")
			continue
		}
		if err != nil {
			fmt.Fprintln(c.p.stderr)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		typed.WriteString(line + "\n")
		text := typed.String()
		if strings.TrimSpace(text) != "" && !syntax.Complete(text) {
			continue
		}
		typed.Reset()
		if err := c.typed(ctx, text); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// typed runs what was typed. Only the end of the program is an error.
func (c *client) typed(ctx context.Context, text string) error {
	statement, stop := interruptible(ctx)
	defer stop()
	err := c.script(statement, text, "")
	switch {
	case errors.Is(err, errQuit):
		return err
	case statement.Err() != nil && ctx.Err() == nil:
		fmt.Fprintln(c.p.stderr, "the statement was cancelled")
	}
	return nil
}

func newConsole(in io.Reader, out io.Writer) *term.Terminal {
	return term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")
}

// readLine edits one line with the terminal in raw mode.
func readLine(in *os.File, console *term.Terminal) (string, error) {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(in.Fd()), state) }()
	if w, h, err := term.GetSize(int(in.Fd())); err == nil && w > 0 {
		if err := console.SetSize(w, h); err != nil {
			return "", err
		}
	}
	return console.ReadLine()
}

// keyReader notes Ctrl-C, which the terminal library does not tell from the end of input.
type keyReader struct {
	in          io.Reader
	interrupted bool
}

func (k *keyReader) Read(p []byte) (int, error) {
	n, err := k.in.Read(p)
	for _, b := range p[:n] {
		if b == 3 {
			k.interrupted = true
		}
	}
	return n, err
}
