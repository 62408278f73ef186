package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// client runs statements in one session and prints what they give.
type client struct {
	p       *program
	o       *options
	session *hiveql.Session
	out     *bufio.Writer
	format  string
	header  bool
	depth   int // of files that run files
	opener  *storage.Opener

	running     *progress // of the statement that runs; nil where none is shown
	typedBefore *history  // of the shell; nil outside of it
}

// errQuit ends the program at quit or exit.
var errQuit = errors.New("quit")

// execute runs the program's main job.
func (p *program) execute(ctx context.Context, o *options) (err error) {
	c := &client{p: p, o: o, out: bufio.NewWriterSize(p.stdout, 64<<10)}
	c.chooseFormat()
	if !c.interactive() {
		var stop context.CancelFunc
		ctx, stop = interruptible(ctx)
		defer stop()
		context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	}
	if u, err := user.Current(); err == nil {
		ctx = metastore.WithUser(ctx, u.Username)
	}
	opened, err := p.openEngine(ctx, o, func(cfg *hiveql.Config) { c.opener, cfg.Command = cfg.Storage, c.command })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.close()) }()
	c.session = opened.engine.NewSession()
	if isTerminal(p.stderr) && !o.silent {
		c.session.Watch(c.watch)
	}
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, c.session.Close(cleanup))
	}()
	if err = c.scripts(ctx); errors.Is(err, errQuit) {
		err = nil
	}
	return err
}

// chooseFormat fills in what the command line leaves open.
func (c *client) chooseFormat() {
	c.format, c.header = c.o.format, c.o.header
	terminal := isTerminal(c.p.stdout)
	if c.format == "" {
		c.format = "tsv2"
		if terminal {
			c.format = "table"
		}
	}
	if !c.o.headerGiven {
		c.header = c.format == "table" || c.o.format != "" && c.format != "raw"
	}
}

// interactive reports whether there is a person to ask for statements.
func (c *client) interactive() bool {
	return len(c.o.statements)+len(c.o.files) == 0 && isTerminal(c.p.stdin)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// scripts runs what the command line says, in Hive's order.
func (c *client) scripts(ctx context.Context) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	for _, name := range c.o.inits {
		if err := c.file(ctx, name); err != nil {
			return err
		}
	}
	if len(c.o.statements)+len(c.o.files) == 0 {
		if c.interactive() {
			return c.shell(ctx)
		}
		return c.file(ctx, "-")
	}
	for _, text := range c.o.statements {
		if err := c.script(ctx, text, ""); err != nil {
			return err
		}
	}
	for _, name := range c.o.files {
		if err := c.file(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// begin chooses the database, and runs ~/.hiverc where no file of -i stands for it. Both are silent but for
// errors.
func (c *client) begin(ctx context.Context) error {
	silent := c.o.silent
	c.o.silent = true
	defer func() { c.o.silent = silent }()
	if c.o.database != "" {
		if err := c.script(ctx, "USE `"+strings.ReplaceAll(c.o.database, "`", "``")+"`", ""); err != nil {
			return err
		}
	}
	home := c.p.getenv("HOME")
	if len(c.o.inits) > 0 || home == "" {
		return nil
	}
	rc := filepath.Join(home, ".hiverc")
	if _, err := os.Stat(rc); err != nil {
		return nil
	}
	return c.file(ctx, rc)
}

// file runs the statements of a file.
func (c *client) file(ctx context.Context, name string) error {
	text, err := c.p.readScript(ctx, c.opener, name)
	if err != nil {
		return err
	}
	return c.script(ctx, text, name)
}

// maxScript bounds a script, which is held in memory.
const maxScript = 256 << 20

// readScript reads a script from a file, from any store by its URL, or from standard input.
func (p *program) readScript(ctx context.Context, opener *storage.Opener, name string) (string, error) {
	if strings.Contains(name, "://") {
		return readObject(ctx, opener, name)
	}
	if name == "-" {
		text, err := io.ReadAll(p.stdin)
		return string(text), err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return "", fmt.Errorf("cannot read the script %s: %w", name, err)
	}
	return string(text), nil
}

func readObject(ctx context.Context, opener *storage.Opener, url string) (string, error) {
	loc, err := opener.Open(ctx, url)
	if err != nil {
		return "", fmt.Errorf("cannot read the script %s: %w", url, err)
	}
	r, err := loc.Bucket.Open(ctx, loc.Prefix, storage.ReadOptions{})
	if err != nil {
		return "", fmt.Errorf("cannot read the script %s: %w", url, err)
	}
	defer r.Close()
	if r.Object().Size > maxScript {
		return "", fmt.Errorf("cannot read the script %s: it has %d bytes, and a script may have %d", url, r.Object().Size, maxScript)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("cannot read the script %s: %w", url, err)
	}
	return string(text), nil
}

// script runs statements until one fails; with hive.cli.errors.ignore it goes on, and only the
// last one's error counts.
func (c *client) script(ctx context.Context, text, file string) error {
	var last error
	for r, err := range c.session.Execute(ctx, text) {
		if c.o.verbose && r.Text != "" {
			fmt.Fprintln(c.p.stderr, r.Text)
		}
		if err != nil || r.Rows == nil {
			c.running.end()
		}
		if err == nil {
			err = c.print(ctx, r)
		}
		c.running.end()
		if flushErr := c.out.Flush(); flushErr != nil {
			return flushErr
		}
		if errors.Is(err, errQuit) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if last = err; err == nil {
			continue
		}
		c.report(r, err, file)
		last = errReported
		if !strings.EqualFold(c.session.Setting("hive.cli.errors.ignore"), "true") {
			return last
		}
	}
	return last
}

// watch shows the progress of a statement that begins.
func (c *client) watch(r *hiveql.Result) {
	switch r.Statement.(type) {
	case *syntax.Set, *syntax.Reset, *syntax.ShellCommand:
		return
	}
	c.running = startProgress(c.p.stderr, r)
}

func isReported(err error) bool { return errors.Is(err, errReported) || errors.Is(err, errQuit) }

// report prints an error, and in a script which statement it is of.
func (c *client) report(r *hiveql.Result, err error, file string) {
	if errors.Is(err, errReported) {
		return
	}
	text := "FAILED: " + err.Error()
	var e *hiveql.Error
	if errors.As(err, &e) {
		text = e.Report()
	}
	if file != "" && file != "-" && r.At.Line > 0 {
		text += fmt.Sprintf("\nin the statement at %s:%d", filepath.Base(file), r.At.Line)
	}
	fmt.Fprintln(c.p.stderr, text)
}

// print prints the rows of a result and, unless silenced, what it cost.
func (c *client) print(ctx context.Context, r *hiveql.Result) error {
	if !c.o.silent {
		for _, m := range r.Messages {
			fmt.Fprintln(c.p.stderr, m)
		}
	}
	shown := r.Rows != nil
	if shown {
		if err := c.rows(r); err != nil {
			return err
		}
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	if c.o.silent {
		return nil
	}
	if n := r.Stats().TimestampsCut; n > 0 {
		fmt.Fprintf(c.p.stderr, "WARN: digits behind the microseconds were cut off %d timestamps (skep.timestamp.nanos)\n", n)
	}
	switch r.Statement.(type) {
	case *syntax.Set, *syntax.Reset, *syntax.ShellCommand:
		return nil // as in Hive: no work, no time
	}
	if c.typedBefore != nil {
		fmt.Fprintln(c.p.stderr, selected(r.Stats(), shown))
		return nil
	}
	fmt.Fprintln(c.p.stderr, "OK")
	st, partitions := r.Stats(), ""
	if st.PartitionsRead > 0 {
		var err error
		if partitions, err = r.PartitionsRead(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(c.p.stderr, costs(st, partitions, shown))
	return nil
}

// selected is the line that Beeline prints after a statement.
func selected(st hiveql.Stats, shown bool) string {
	seconds := fmt.Sprintf("(%.3f seconds)", st.Elapsed.Seconds())
	switch n := max(st.RowsWritten, st.Rows); {
	case n == 0 && !shown:
		return "No rows affected " + seconds
	case n == 0:
		return "No rows selected " + seconds
	default:
		verb := "selected"
		if !shown {
			verb = "affected"
		}
		if n == 1 {
			return "1 row " + verb + " " + seconds
		}
		return fmt.Sprintf("%d rows %s %s", n, verb, seconds)
	}
}

// costs is the line that Hive prints after a statement, with what was read.
func costs(st hiveql.Stats, partitions string, shown bool) string {
	s := fmt.Sprintf("Time taken: %.3f seconds", st.Elapsed.Seconds())
	if shown {
		s += fmt.Sprintf(", Fetched: %d row(s)", st.Rows)
	}
	if st.PartitionsRead > 0 {
		s += fmt.Sprintf(", Read: %d file(s) of %s partition(s), %s", st.Files, partitions, bytesText(st.BytesRead))
		var from []string
		if st.BytesFetched > 0 {
			from = append(from, fmt.Sprintf("%s fetched by %d GET(s)", bytesText(st.BytesFetched), st.Gets))
		}
		if st.BytesFound > 0 {
			from = append(from, bytesText(st.BytesFound)+" from the cache")
		}
		if st.Lists > 0 {
			from = append(from, fmt.Sprintf("%d LIST(s)", st.Lists))
		}
		if from != nil {
			s += " (" + strings.Join(from, ", ") + ")"
		}
		if st.RowGroupsPruned > 0 {
			s += fmt.Sprintf(", %d of %d row group(s) pruned", st.RowGroupsPruned, st.RowGroups)
		}
		if st.FirstRow > 0 {
			s += fmt.Sprintf(", first row after %.3f seconds", st.FirstRow.Seconds())
		}
	}
	if st.FilesWritten > 0 {
		s += fmt.Sprintf(", Wrote: %d row(s) in %d file(s), %s", st.RowsWritten, st.FilesWritten, bytesText(st.BytesWritten))
	}
	return s
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// rows prints the rows of a result.
func (c *client) rows(r *hiveql.Result) error {
	header := c.header
	if strings.EqualFold(c.session.Setting("hive.cli.print.header"), "true") && !c.o.headerGiven {
		header = true
	}
	_, isQuery := r.Statement.(*syntax.QueryStmt)
	f := newFormatter(c.format, c.out, formatOptions{
		columns: r.Rows.Columns(), header: header, delimiter: c.o.delimiter[0], trim: !isQuery && c.format != "raw",
		escape: strings.EqualFold(c.session.Setting("hive.cli.print.escape.crlf"), "true"), emptyNull: c.o.emptyNull,
	})
	for r.Rows.Next() {
		c.running.end()
		if err := f.row(r.Rows.Row()); err != nil {
			return err
		}
	}
	// What was read is printed, also before an error.
	return errors.Join(f.end(r.Rows.Err() == nil), r.Rows.Err())
}

// maxDepth bounds files that source each other.
const maxDepth = 32

// command carries out the orders to the client.
func (c *client) command(ctx context.Context, n *syntax.ShellCommand) error {
	switch n.Command {
	case "quit", "exit":
		return errQuit
	case "source":
		if err := c.source(ctx, n.Args); err != nil {
			return c.commandError(n, "source", err)
		}
		return nil
	case "!":
		return c.bang(ctx, n)
	}
	return &hiveql.Error{Phase: hiveql.Analysis, SQLState: "0A000", Msg: strings.ToUpper(n.Command) + " is not supported yet",
		Pos: n.Pos(), Err: syntax.ErrUnsupported}
}

// source runs a file on behalf of a command.
func (c *client) source(ctx context.Context, name string) error {
	if c.depth++; c.depth > maxDepth {
		return fmt.Errorf("files source each other more than %d deep", maxDepth)
	}
	defer func() { c.depth-- }()
	return c.file(ctx, strings.Trim(name, `'" `))
}

// parseOnly prints for each statement whether it parses.
func (p *program) parseOnly(ctx context.Context, o *options) error {
	out := bufio.NewWriter(p.stdout)
	defer func() { _ = out.Flush() }()
	texts := o.statements
	files := o.files
	if len(texts)+len(files) == 0 {
		files = []string{"-"}
	}
	opener, closeOpener := p.scriptOpener(o)
	defer closeOpener()
	for _, name := range files {
		text, err := p.readScript(ctx, opener, name)
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	failed := false
	for _, text := range texts {
		for err := range hiveql.Check(hiveql.Config{Settings: o.hiveconf, Variables: o.hivevar}, text) {
			if err != nil {
				failed = true
				fmt.Fprintf(out, "error: %s\n", strings.TrimPrefix(err.Error(), "FAILED: "))
				continue
			}
			fmt.Fprintln(out, "ok")
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// interruptible is a context that Ctrl-C cancels; the program ends, or in the shell only the
// statement does.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt)
}
