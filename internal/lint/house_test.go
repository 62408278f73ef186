package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// What a reader is asked to hold in mind at once, in lines. Tests are left alone, and suites of tests: tables
// of cases, each of which is read by itself.
const (
	mostOfFile     = 500
	mostOfFunction = 60
)

var tests = regexp.MustCompile(`_test\.go$|test/[^/]*$`)

func TestSizes(t *testing.T) {
	goFiles(t, func(path string, src []byte) {
		if tests.MatchString(path) {
			return
		}
		if n := strings.Count(string(src), "\n"); n > mostOfFile {
			t.Errorf("%s has %d lines, more than %d: divide it by what is in it", path, n, mostOfFile)
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := files.Position(fn.End()).Line - files.Position(fn.Pos()).Line + 1; n > mostOfFunction {
				t.Errorf("%s: %s has %d lines, more than %d: divide it where a part has a name", path, fn.Name.Name, n, mostOfFunction)
			}
		}
	})
}

// TestTree requires that the tree of ARCHITECTURE.md shows every package, by itself or by a directory of which
// it shows nothing else.
func TestTree(t *testing.T) {
	shown := readTree(t)
	for _, p := range packages(t) {
		room := roomOf(p.ImportPath)
		dir := room
		for !shown[dir] && dir != "." {
			dir = path.Dir(dir)
		}
		if dir == "." || dir != room && anyBelow(shown, dir) {
			t.Errorf("the tree of ARCHITECTURE.md does not show %s", room)
		}
	}
	for dir := range shown {
		if _, err := os.Stat(root + "/" + dir); err != nil {
			t.Errorf("the tree of ARCHITECTURE.md shows %s, and there is none", dir)
		}
	}
}

func anyBelow(shown map[string]bool, dir string) bool {
	for other := range shown {
		if strings.HasPrefix(other, dir+"/") {
			return true
		}
	}
	return false
}

// readTree is the directories of the tree: each line has one or more, below that of the line above it that is
// indented less, and what is in them.
func readTree(t *testing.T) map[string]bool {
	text, err := os.ReadFile(root + "/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tree, _ := strings.Cut(string(text), "## The tree")
	_, tree, _ = strings.Cut(tree, "```\n")
	tree, _, ok := strings.Cut(tree, "```\n")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no tree")
	}
	shown := map[string]bool{}
	above := []string{""} // by the depth
	for line := range strings.Lines(tree) {
		rest := strings.TrimLeft(line, " ")
		depth := (len(line) - len(rest)) / 2
		if depth >= len(above) {
			t.Fatalf("a line of the tree is below none: %q", line)
		}
		names, _, _ := strings.Cut(rest, "  ")
		for name := range strings.FieldsSeq(names) {
			if dir, ok := strings.CutSuffix(name, "/"); ok {
				dir = path.Join(above[depth], dir)
				shown[dir] = true
				above = append(above[:depth+1], dir)
			}
		}
	}
	return shown
}
