package hiveqltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// Config says what to run the files against.
type Config struct {
	// New makes an engine over an empty metastore and warehouse. Its Variables need not hold
	// those of Vars.
	New func(t testing.TB) Target
	// Rewrite replaces what the files expect by what comes out. Review the difference.
	Rewrite bool
}

// Target is one engine under test.
type Target struct {
	Engine *hiveql.Engine
	// Vars are substituted in the files: warehouse, data ...
	Vars map[string]string
	// Put makes a file at a URL.
	Put func(ctx context.Context, url, content string) error
}

// Run runs every .slt file of a directory, each in a session of a target of its own.
func Run(t *testing.T, dir string, cfg Config) {
	files, err := filepath.Glob(filepath.Join(dir, "*.slt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no .slt files in %s", dir)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".slt"), func(t *testing.T) { runFile(t, name, cfg) })
	}
}

func runFile(t *testing.T, name string, cfg Config) {
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := parse(name, string(src))
	if err != nil {
		t.Fatal(err)
	}
	target := cfg.New(t)
	r := &runner{t: t, name: name, target: target, session: target.Engine.NewSession(), rewrite: cfg.Rewrite}
	r.vars = map[string]string{}
	for k, v := range target.Vars {
		r.vars[k] = v
	}
	r.blocks(blocks)
	if err := r.session.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if cfg.Rewrite && !t.Failed() {
		if out := format(blocks); out != string(src) {
			if err := os.WriteFile(name, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

type runner struct {
	t       *testing.T
	name    string
	target  Target
	session *hiveql.Session
	vars    map[string]string
	rewrite bool
}

func (r *runner) blocks(blocks []*block) {
	for i := 0; i < len(blocks); i++ {
		b := blocks[i]
		if b.kind != "foreach" {
			r.run(b)
			continue
		}
		end := i + 1
		for end < len(blocks) && blocks[end].kind != "endloop" {
			end++
		}
		if end == len(blocks) {
			r.t.Fatalf("%s:%d: foreach without endloop", r.name, b.line)
		}
		for _, word := range b.args[1:] {
			r.vars[b.args[0]] = word
			r.blocks(blocks[i+1 : end])
		}
		delete(r.vars, b.args[0])
		i = end
	}
}

// expand substitutes ${name}.
func (r *runner) expand(s string) string {
	for k, v := range r.vars {
		s = strings.ReplaceAll(s, "${"+k+"}", v)
	}
	return s
}

// collapse puts names back in the place of the values of the target's variables.
func (r *runner) collapse(s string) string {
	for k, v := range r.target.Vars {
		s = strings.ReplaceAll(s, v, "${"+k+"}")
	}
	return padding.ReplaceAllString(s, "$1\t")
}

// padding are blanks that align what follows a value whose length depends on the target.
var padding = regexp.MustCompile(`(\$\{[a-z]+\}\S*) +\t`)

func (r *runner) errorf(b *block, format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s:%d: %s\n%s", r.name, b.line, fmt.Sprintf(format, args...), b.text)
}

func (r *runner) run(b *block) {
	switch b.kind {
	case "file":
		content := r.expand(b.text) + "\n"
		if err := r.target.Put(r.t.Context(), r.expand(b.args[0]), content); err != nil {
			r.errorf(b, "%v", err)
		}
	case "ok":
		if _, _, err := r.execute(b); err != nil {
			r.errorf(b, "%v", err)
		}
	case "error":
		r.wantError(b)
	case "query":
		r.wantRows(b)
	}
}

// execute runs the statements of a block. It gives the columns and rows of the last one.
func (r *runner) execute(b *block) (columns []analysis.Output, rows []string, err error) {
	for res, err := range r.session.Execute(r.t.Context(), r.expand(b.text)) {
		if err != nil {
			return nil, nil, err
		}
		columns, rows = nil, nil
		if res.Rows == nil {
			continue
		}
		columns = res.Rows.Columns()
		for res.Rows.Next() {
			rows = append(rows, r.collapse(line(columns, res.Rows.Row())))
		}
		if err := res.Rows.Err(); err != nil {
			return nil, nil, err
		}
	}
	return columns, rows, nil
}

func line(columns []analysis.Output, row []hivetype.Value) string {
	var b []byte
	for i, v := range row {
		if i > 0 {
			b = append(b, '\t')
		}
		b = hivetype.AppendText(b, v, columns[i].Type)
	}
	s := strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(string(b))
	if s == "" {
		return "(empty)"
	}
	return s
}

func (r *runner) wantError(b *block) {
	_, _, err := r.execute(b)
	if err == nil {
		r.errorf(b, "it succeeded, and should have failed")
		return
	}
	text := err.Error()
	var user *hiveql.Error
	if errors.As(err, &user) {
		text = user.Report()
	} else {
		r.errorf(b, "the error is no *hiveql.Error: %v", err)
	}
	text = r.collapse(text)
	if strings.Contains(text, strings.Join(b.want, "\n")) && len(b.want) > 0 {
		return
	}
	if r.rewrite {
		b.rewritten = strings.Split(text, "\n")
		return
	}
	r.errorf(b, "got the error\n%s\nwant\n%s", text, strings.Join(b.want, "\n"))
}

func (r *runner) wantRows(b *block) {
	columns, rows, err := r.execute(b)
	if err != nil {
		r.errorf(b, "%v", err)
		return
	}
	if why := kindsDiffer(b.args[0], columns); why != "" {
		r.errorf(b, "%s", why)
	}
	want := slices.Clone(b.want)
	for i := range want {
		want[i] = r.expandLoop(want[i])
	}
	if len(b.args) == 2 && b.args[1] == "rowsort" {
		slices.Sort(rows)
		slices.Sort(want)
	}
	if slices.Equal(rows, want) {
		return
	}
	if r.rewrite {
		if b.rewritten == nil {
			b.rewritten = append([]string{}, rows...)
		}
		return
	}
	r.errorf(b, "got %d rows\n%s\nwant %d\n%s", len(rows), strings.Join(rows, "\n"), len(want), strings.Join(want, "\n"))
}

// expandLoop substitutes the variables of loops, which results show as they are.
func (r *runner) expandLoop(s string) string {
	for k, v := range r.vars {
		if _, fixed := r.target.Vars[k]; !fixed {
			s = strings.ReplaceAll(s, "${"+k+"}", v)
		}
	}
	return s
}

// kindsDiffer says where the kinds of the columns are not as expected.
func kindsDiffer(want string, columns []analysis.Output) string {
	if len(want) != len(columns) {
		return fmt.Sprintf("%d columns, and the query should have %d", len(columns), len(want))
	}
	for i, c := range columns {
		if k := kindOf(c.Type); want[i] != '?' && want[i] != k {
			return fmt.Sprintf("column %d is of kind %c (%s), and should be %c", i+1, k, c.Type, want[i])
		}
	}
	return ""
}

func kindOf(t hivetype.Type) byte {
	switch {
	case t.Integer():
		return 'I'
	case t.Numeric():
		return 'R'
	case t.Kind == hivetype.Boolean:
		return 'B'
	case t.Kind == hivetype.Date, t.Kind == hivetype.Timestamp, t.Kind == hivetype.TimestampLocalTZ:
		return 'D'
	case t.Text():
		return 'T'
	}
	return '?'
}
