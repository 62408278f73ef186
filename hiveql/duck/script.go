package duck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/formats"
)

// transform feeds what a program writes. The rows that the program reads come from a query of
// their own, on a connection of its own.
func (l *lowerer) transform(t *analysis.Transform) string {
	p := &analysis.Project{Input: t.Input}
	q := &analysis.Query{Root: p}
	s := &script{exec: l.exec, query: q, transform: t, source: l.src}
	for i, x := range t.Args {
		c := analysis.Column{ID: 1<<30 + i, Name: fmt.Sprintf("a%d", i), Type: x.Type()}
		p.Exprs = append(p.Exprs, analysis.Computed{Column: c, X: x})
		q.Output = append(q.Output, analysis.Output{Name: c.Name, ID: c.ID, Type: c.Type})
		s.in = append(s.in, formats.Field{Name: c.Name, Type: c.Type})
	}
	f := &feed{files: []feedFile{{open: s.open}}}
	var list []string
	for i, c := range t.Cols {
		if err := checkType(c.Type); err != nil {
			return l.fail(err)
		}
		s.out = append(s.out, formats.Field{Name: c.Name, Type: c.Type})
		name := fmt.Sprintf("d%d", i)
		f.columns = append(f.columns, feedColumn{name: name, t: c.Type, index: i})
		list = append(list, name+" AS "+column(c.ID))
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + l.feeds.add(f)
}

// script is a program between two queries.
type script struct {
	exec      *Executor
	query     *analysis.Query
	transform *analysis.Transform
	source    hiveql.Source
	in, out   []formats.Field
}

// open starts the program and reads what it writes.
func (s *script) open(ctx context.Context, projection []int) (func() (arrow.RecordBatch, error), func() error, error) {
	argv := splitCommand(s.transform.Command)
	if len(argv) == 0 {
		return nil, nil, s.fail(errors.New("there is no program"))
	}
	cmd := exec.CommandContext(ctx, programIn(s.transform.Dir, argv[0]), argv[1:]...)
	cmd.Dir = s.transform.Dir
	stderr := &tail{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, s.fail(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, s.fail(err)
	}
	r, err := formats.NewReader(formats.Spec{Kind: formats.LazySimple, Params: s.transform.Out}, s.out, projection, stdout, batchRows)
	if err != nil {
		return nil, nil, s.fail(err)
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, s.fail(errors.Join(err, r.Close()))
	}
	p := &program{s: s, cmd: cmd, stderr: stderr, stdout: stdout, r: r, fed: make(chan error, 1)}
	go func() { p.fed <- s.write(ctx, stdin) }()
	return p.next, func() error { return p.done(ctx) }, nil
}

// program is one that runs. Its rows are read by one goroutine.
type program struct {
	s      *script
	cmd    *exec.Cmd
	stderr *tail
	stdout io.Closer
	r      formats.Reader
	fed    chan error // how sending it rows has ended

	finished bool
	ended    error // how it has, once it is finished
}

// next is the next rows that the program writes; at their end it must have ended well.
func (p *program) next() (arrow.RecordBatch, error) {
	b, err := p.r.Next()
	if errors.Is(err, io.EOF) {
		if err := p.finish(); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, p.s.fail(err)
	}
	return b, err
}

// finish waits for the program's end.
func (p *program) finish() error {
	if p.finished {
		return p.ended
	}
	p.finished = true
	p.ended = <-p.fed
	if err := p.cmd.Wait(); err != nil && p.ended == nil {
		p.ended = p.s.fail(fmt.Errorf("%w%s", err, p.stderr.text()))
	}
	return p.ended
}

// done ends a program of which no more rows are wanted.
func (p *program) done(ctx context.Context) error {
	if p.finished { // and next has said how
		return p.r.Close()
	}
	err := p.stdout.Close() // ends a program that is not done
	if ended := p.finish(); ctx.Err() == nil && err == nil {
		err = ended
	}
	return errors.Join(err, p.r.Close())
}

// programIn finds a program: one in dir comes before those in PATH.
func programIn(dir, name string) string {
	if dir == "" || strings.Contains(name, "/") {
		return name
	}
	path := filepath.Join(dir, name)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return path
	}
	return name
}

func (s *script) fail(err error) error {
	return &Error{Op: "run", Msg: fmt.Sprintf("the program '%s' of TRANSFORM failed: %v", s.transform.Command, err), Err: err}
}

// write sends the rows to the program. One that reads no further has had enough.
func (s *script) write(ctx context.Context, stdin io.WriteCloser) (err error) {
	defer func() {
		closing := stdin.Close()
		if err == nil && !gone(closing) {
			err = closing
		}
	}()
	w, err := formats.NewWriter(formats.Spec{Kind: formats.LazySimple, Params: s.transform.In}, s.in, stdin)
	if err != nil {
		return s.fail(err)
	}
	rows, err := s.exec.Query(ctx, s.query, s.source)
	if err != nil {
		return err
	}
	for rows.Next() && err == nil {
		err = w.Write(rows.Row())
	}
	if err == nil {
		err = w.Close()
	}
	if gone(err) {
		err = nil
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

func gone(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) }

// tail keeps the last of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	t.b = append(t.b, p...)
	if len(t.b) > most {
		t.b = bytes.Clone(t.b[len(t.b)-most:])
	}
	return len(p), nil
}

func (t *tail) text() string {
	if s := strings.TrimSpace(string(t.b)); s != "" {
		return ": " + s
	}
	return ""
}

// splitCommand splits at spaces that are not quoted, as Hive does; no shell is asked.
func splitCommand(s string) []string {
	var list []string
	var word strings.Builder
	quote, started := rune(0), false
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, started = r, true
		case r == ' ':
			if started {
				list = append(list, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if started {
		list = append(list, word.String())
	}
	return list
}
