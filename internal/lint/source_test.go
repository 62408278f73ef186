package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// pkg is what go list says of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Imports      []string
	TestImports  []string
	XTestImports []string
	GoFiles      []string
	CgoFiles     []string
	TestGoFiles  []string
}

func usesCgo(p pkg) bool { return len(p.CgoFiles) > 0 }

// packages lists the project's packages, with what they and their tests import.
func packages(t *testing.T) []pkg {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,GoFiles,CgoFiles,TestGoFiles", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// goFiles calls fn with every Go file of the project, its path relative to the root.
func goFiles(t *testing.T, fn func(path string, src []byte)) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		fn(filepath.ToSlash(rel), src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormatted(t *testing.T) {
	goFiles(t, func(path string, src []byte) {
		want, err := format.Source(src)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if !bytes.Equal(src, want) {
			t.Errorf("%s: not formatted; run make fmt", path)
		}
	})
}

// TestPackageComments requires of every package a comment worth reading: a sentence alone is
// not enough to say what a package is for and what it must not know.
func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		text := ""
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.TestGoFiles) {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil,
				parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			text += f.Doc.Text()
		}
		if len(text) < 150 {
			t.Errorf("%s: its package comment is missing or says too little: %q", p.ImportPath, text)
		}
	}
}

// forbidden are patterns that may not stand in the source, each with the files it is allowed in.
var forbidden = []struct {
	pattern *regexp.Regexp
	why     string
	except  *regexp.Regexp
}{
	{regexp.MustCompile(`^func init\(\)`), "no init: register explicitly", nil},
	{regexp.MustCompile(`\bt\.Skip(f|Now)?\(`), "tests do not skip: testenv starts what they need", nil},
	{regexp.MustCompile(`\btime\.Sleep\(`), "no sleeping: use testing/synctest, a timer with a context, or polling with a deadline",
		nil},
	{regexp.MustCompile(`\bfmt\.Print(f|ln)?\(`), "only programs and examples print",
		regexp.MustCompile(`^(cmd|testenv)/|(^|/)example(_\w+)?_test\.go$`)},
	{regexp.MustCompile(`"math/rand"`), "use math/rand/v2", nil},
}

// marks are words by which unfinished work is left behind in comments.
var marks = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

func TestForbidden(t *testing.T) {
	goFiles(t, func(path string, src []byte) {
		if strings.HasPrefix(path, "internal/lint/") {
			return
		}
		if mark := marks.Find(src); mark != nil {
			t.Errorf("%s: %s: finish it, or say it in an issue", path, mark)
		}
		for _, f := range forbidden {
			if f.except != nil && f.except.MatchString(path) {
				continue
			}
			for n, line := range strings.Split(string(src), "\n") {
				if !strings.HasPrefix(strings.TrimSpace(line), "//") && f.pattern.MatchString(line) {
					t.Errorf("%s:%d: %s: %s", path, n+1, strings.TrimSpace(line), f.why)
				}
			}
		}
	})
}

// TestCopierName requires that package copier is imported under its name: the directory is
// called copy, and an import without the name would read as if it shadowed the builtin.
func TestCopierName(t *testing.T) {
	bare := regexp.MustCompile(`(?m)^\s*(import )?"` + module + `/copy"`)
	goFiles(t, func(path string, src []byte) {
		if bare.Match(src) {
			t.Errorf(`%s: write: copier "%s/copy"`, path, module)
		}
	})
}

func TestVet(t *testing.T) {
	cmd := exec.Command("go", "vet", "./...")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}
