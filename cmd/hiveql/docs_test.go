package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// What the pages show works as it is written. The blocks of a page run one after the other, in one directory
// and with one metastore:
//
//   - sh is run by sh, and sql by hiveql: it must succeed
//   - console is what is typed behind "$ " and then exactly what is printed, of which "..." may stand for any part
//   - others are not run
func TestDocs(t *testing.T) {
	for page, least := range map[string]int{"../../docs/hiveql.md": 15, "../../README.md": 3, "../../docs/metastore.md": 1} {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			x := newExamples(t)
			ran := 0
			for _, b := range blocksOf(t, page) {
				if slices.ContainsFunc([]string{"make ", "bin/up"}, func(s string) bool { return strings.Contains(b.text, s) }) {
					continue // these build programs and start servers, which the test has done
				}
				switch b.language {
				case "sh":
					x.sh(b)
				case "sql":
					x.sql(b)
				case "console":
					x.console(b)
				default:
					continue
				}
				ran++
			}
			if ran < least {
				t.Errorf("there are %d examples", ran)
			}
		})
	}
}

// block is what stands between two fences.
type block struct {
	at, language, text string
}

func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && !inside:
			all = append(all, block{at: fmt.Sprintf("%s:%d", filepath.Base(page), i+1), language: fence})
			inside = true
		case isFence:
			inside = false
		case inside:
			all[len(all)-1].text += line + "\n"
		}
	}
	return all
}

// examples runs blocks.
type examples struct {
	t    *testing.T
	dir  string
	env  []string
	here *strings.Replacer
}

func newExamples(t *testing.T) *examples {
	s3 := testenv.MinIO(t)
	x := &examples{t: t, dir: t.TempDir()}
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../distcp")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	x.here = strings.NewReplacer("s3://lake", strings.TrimSuffix(s3.URL("lake"), "/"), "/tmp/lake", x.dir+"/lake", " testenv/", " "+root+"/testenv/",
		"/srv/jobs", x.dir)
	home := filepath.Join(x.dir, "home")
	x.env = append(os.Environ(), s3.Env()...)
	x.env = append(x.env, "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "PWD="+x.dir, "SKEP_BLOCK_ROOT="+home+"/blocks",
		"XDG_DATA_HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home)
	return x
}

func (x *examples) run(args ...string) (string, error) {
	cmd := exec.CommandContext(x.t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = x.dir, x.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (x *examples) sh(b block) {
	if out, err := x.run("sh", "-ec", x.here.Replace(b.text)); err != nil {
		x.t.Errorf("%s: %v\n%s", b.at, err, out)
	}
}

// sql runs statements; where they begin with the name of a file as a comment, they are also put there.
func (x *examples) sql(b block) {
	text := x.here.Replace(b.text)
	if name, _, _ := strings.Cut(strings.TrimPrefix(text, "-- "), "\n"); strings.HasSuffix(name, ".sql") {
		if err := os.WriteFile(filepath.Join(x.dir, name), []byte(text), 0o600); err != nil {
			x.t.Fatal(err)
		}
		return // the page says how it is run
	}
	if out, err := x.run("hiveql", "-S", "-e", text); err != nil {
		x.t.Errorf("%s: %v\n%s", b.at, err, out)
	}
}

func (x *examples) console(b block) {
	for _, example := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(example, "\n")
		for strings.Count(command, `"`)%2 == 1 { // a string goes on
			var more string
			more, want, _ = strings.Cut(want, "\n")
			command += "\n" + more
		}
		out, _ := x.run("sh", "-c", x.here.Replace(command))
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(x.here.Replace(want))), `\.\.\.`, `.*`)
		if !regexp.MustCompile(`(?s)^` + pattern + `$`).MatchString(strings.TrimSpace(out)) {
			x.t.Errorf("%s: $ %s\nprinted:\n%s\nthe page has:\n%s", b.at, command, out, want)
		}
	}
}
