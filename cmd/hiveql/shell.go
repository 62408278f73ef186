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
	fmt.Fprintf(c.p.stderr, "hiveql %s. Statements end with ';'. !help tells more; quit; or Ctrl-D leaves.\n", version)
	c.typedBefore = openHistory(c.p.getenv)
	e := &editor{client: c, in: in, keys: &keyReader{in: in}}
	e.open()
	defer e.console.SetBracketedPasteMode(false)
	for ctx.Err() == nil {
		text, err := e.statement()
		if err != nil {
			fmt.Fprintln(c.p.stderr)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		c.typedBefore.remember(text)
		if err := c.typed(ctx, text); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// editor reads statements from a terminal, line by line.
type editor struct {
	client  *client
	in      *os.File
	keys    *keyReader
	console *term.Terminal
	typed   strings.Builder // the lines of the statement so far
}

// open starts editing anew, with nothing typed.
func (e *editor) open() {
	e.typed.Reset()
	e.console = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{e.keys, e.client.p.stderr}, "")
	e.console.History = e.client.typedBefore
	tab := &completer{
		complete: e.client.session.Complete, out: e.console, before: e.typed.String,
		width: func() int {
			if w, _, err := term.GetSize(int(e.in.Fd())); err == nil && w > 0 {
				return w
			}
			return 80
		},
	}
	e.console.AutoCompleteCallback = tab.key
	e.console.SetBracketedPasteMode(true) // a tab in pasted text completes nothing
}

// statement reads lines until a statement is complete; "" when it was given up.
func (e *editor) statement() (string, error) {
	for {
		e.console.SetPrompt(e.prompt())
		line, err := e.readLine()
		switch {
		case e.keys.interrupted:
			e.keys.interrupted = false
			e.open()
			fmt.Fprintln(e.client.p.stderr, "^C")
			return "", nil
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return "", err
		}
		if e.typed.Len() == 0 {
			if word, ok := bareCommand(line); ok {
				return word, nil
			}
		}
		e.typed.WriteString(line + "\n")
		text := e.typed.String()
		if strings.TrimSpace(text) == "" || syntax.Complete(text) {
			e.typed.Reset()
			return text, nil
		}
	}
}

// bareCommand recognises what people type without a semicolon.
func bareCommand(line string) (string, bool) {
	switch word := strings.ToLower(strings.TrimSpace(line)); word {
	case "quit", "exit":
		return word + ";", true
	case "help", "?":
		return "!help", true
	}
	return "", false
}

func (e *editor) prompt() string {
	prompt := e.client.session.Database() + "> "
	if e.typed.Len() > 0 {
		return strings.Repeat(" ", max(len(prompt)-2, 0)) + "> "
	}
	return prompt
}

// readLine edits one line with the terminal in raw mode.
func (e *editor) readLine() (string, error) {
	state, err := term.MakeRaw(int(e.in.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(e.in.Fd()), state) }()
	if w, h, err := term.GetSize(int(e.in.Fd())); err == nil && w > 0 {
		if err := e.console.SetSize(w, h); err != nil {
			return "", err
		}
	}
	return e.console.ReadLine()
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
