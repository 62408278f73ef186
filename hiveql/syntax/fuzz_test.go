package syntax_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/syntax"
)

// goldenInputs are the scripts of the golden files.
func goldenInputs(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	var inputs []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split(string(b), "\n\n") {
			cmd, rest, _ := strings.Cut(strings.TrimLeft(c, "\n"), "\n")
			input, _, ok := strings.Cut(rest, "\n----")
			switch {
			case ok && cmd == "expr":
				inputs = append(inputs, "SELECT "+input)
			case ok:
				inputs = append(inputs, input)
			}
		}
	}
	return inputs
}

// FuzzParse: no text makes the parser panic, whatever parses prints to text that parses to
// the same tree, and the pieces of a script are where they say.
func FuzzParse(f *testing.F) {
	for _, in := range goldenInputs(f) {
		f.Add(in)
	}
	f.Add(everyBranch)
	f.Fuzz(func(t *testing.T, src string) {
		last := 0
		for s := range syntax.Statements(src) {
			if s.At.Offset < last || !strings.HasPrefix(src[s.At.Offset:], s.Text) {
				t.Fatalf("statement %q is not at %+v", s.Text, s.At)
			}
			last = s.At.Offset + len(s.Text)
			if s.Err != nil {
				if s.Err.At.Line < 1 || s.Err.At.Offset > len(src) || s.Err.Error() == "" {
					t.Fatalf("error %+v", s.Err)
				}
				syntax.Caret(src, s.Err.At)
				continue
			}
			checkRoundTrip(t, s.Stmt)
		}
		syntax.Complete(src)
		syntax.ParseFragment(src)
		checkFormat(t, src, syntax.FormatScript(src))
	})
}

// FuzzQuote: every string survives being quoted.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "it's", `a\b`, `\%\_`, "\x00\x1f\x7f", "é\n", `\\%`, "`x`", "select", "1e5", "a b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, err := syntax.ParseExpr(syntax.Quote(s))
		if err != nil {
			t.Fatalf("%q: %v", syntax.Quote(s), err)
		}
		if l, ok := x.(*syntax.Literal); !ok || l.Value != s {
			t.Fatalf("%q became %q", s, l.Value)
		}
		if s == "" {
			return
		}
		x, err = syntax.ParseExpr(syntax.QuoteIdent(s))
		if err != nil {
			t.Fatalf("%q: %v", syntax.QuoteIdent(s), err)
		}
		if n, ok := x.(*syntax.Name); !ok || n.Ident.Name != s {
			t.Fatalf("%q became %+v", s, x)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var all strings.Builder
	for _, in := range goldenInputs(b) {
		if _, err := syntax.Parse(in); err == nil {
			all.WriteString(in + ";\n")
		}
	}
	src := all.String()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := syntax.Parse(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	stmts, err := syntax.Parse(everyBranch)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(everyBranch)))
	for b.Loop() {
		for _, s := range stmts {
			syntax.Print(s)
		}
	}
}
