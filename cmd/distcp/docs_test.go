package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// The examples in the page about S3DistCp's options work as they are written, one after the other,
// but for the places, and what a service elsewhere has and a MinIO has not.
func TestExamplesOfS3DistCp(t *testing.T) {
	x := newExamples(t)
	x.run("distcp --src lake --dest s3://lake/ --quiet && distcp --src lake --dest s3://landing/ --quiet && distcp --src lake --dest s3://a/ --quiet")
	n := 0
	for _, line := range x.lines("../../docs/s3distcp-compat.md", "") {
		line, comment, _ := strings.Cut(line, "  #")
		out := x.run(line)
		if strings.HasPrefix(line, "distcp --src") && strings.Contains(out, "copied 0 objects") &&
			!strings.Contains(comment, "since") && !strings.Contains(comment, "later") {
			t.Errorf("%s: %s", line, out)
		}
		n++
	}
	if n < 25 {
		t.Errorf("there are %d examples", n)
	}
}

// So do those of the guide, but for the sections about what only others have: versions, cron, other shells. A
// section finds what those before it have made.
func TestExamplesOfTheGuide(t *testing.T) {
	x := newExamples(t)
	x.run(`mkdir -p data/tmp && echo 1 >data/1.csv && echo 2 >data/2.csv && echo 3 >data/tmp/3.csv && echo 1.csv >today && echo 2.csv >yesterday &&
		mkdir -p lake/daily "lake/events/dt=2024-02-03/country=de" lake/day && cp app/app.log lake/logs/a.txt && touch lake/day/_SUCCESS &&
		cp lake/logs/a.gz lake/daily/2024-01-01.csv.gz && cp lake/logs/a.gz lake/daily/2024-01-02.csv.gz && cp data/1.csv "lake/events/dt=2024-02-03/country=de/" &&
		cp lake/logs/a.gz app/b.gz && distcp --src lake --dest s3://lake/ --quiet && distcp --src lake --dest s3://landing/ --quiet &&
		distcp --src data --dest s3://lake/raw/ --outputManifest manifest-2024-05-31.gz --quiet && distcp --src data --dest s3://lake/tmp/ --quiet &&
		distcp --src lake/daily --dest "block://lake/ds=2024-01-01" --quiet && distcp --src data --dest block://lake/tmp/job1 --quiet &&
		distcp --src data --dest s3://lake/ --outputManifest manifest-0.gz --quiet`)
	n := 0
	for _, title := range []string{"# distcp", "## Selecting", "## Keeping two places alike", "## Joining small files", "## Manifests",
		"## Two services, two accounts", "## What outputs have besides their content", "## Jobs", "## Preconditions", "## Trouble that passes",
		"## Looking, moving, deleting"} {
		for _, line := range x.lines("../../docs/distcp.md", title) {
			if strings.HasPrefix(line, "distcp limit") { // of a run that is going on
				continue
			}
			x.run("YESTERDAY=0 TODAY=1; " + line)
			n++
		}
	}
	if n < 30 {
		t.Errorf("there are %d examples", n)
	}
}

// examples run the command lines of a page.
type examples struct {
	t    *testing.T
	s3   *testenv.S3
	dir  string
	here *strings.Replacer
}

func newExamples(t *testing.T) *examples {
	x := &examples{t: t, s3: testenv.MinIO(t), dir: t.TempDir()}
	x.here = strings.NewReplacer("/data", x.dir+"/data", "/days", x.dir+"/days", "/var/log/app", x.dir+"/app", "/restore", x.dir+"/restore", "/site", x.dir+"/data", "https://minio.example", x.s3.Endpoint,
		"alias/lake", "skep-test", "STANDARD_IA", "REDUCED_REDUNDANCY")
	prepareExamples(t, x.s3, x.dir)
	return x
}

// lines are the command lines of a page, or of one of its sections, whose title is given.
func (x *examples) lines(path, title string) (all []string) {
	x.t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		x.t.Fatal(err)
	}
	text := "\n" + string(page)
	if title != "" {
		_, rest, ok := strings.Cut(text, "\n"+title+"\n")
		if !ok {
			x.t.Fatalf("%s has no section %q", path, title)
		}
		text, _, _ = strings.Cut(rest, "\n## ")
		text, _, _ = strings.Cut(text, "\n### Older versions\n")
	}
	for _, block := range strings.Split(text, "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", "")) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// run runs a command line, with buckets and local places of the test's own.
func (x *examples) run(line string) string {
	x.t.Helper()
	line = x.here.Replace(regexp.MustCompile(`s3://(\w+)/`).ReplaceAllString(line, x.s3.URL("$1/")))
	cmd := program(x.t.Context(), x.t, x.s3)
	cmd.Args, cmd.Dir = []string{"bash", "-c", line}, x.dir
	var err error
	if cmd.Path, err = exec.LookPath("bash"); err != nil {
		x.t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "SKEP_DEFAULT_FS=block://hdfs", "AWS_SHARED_CREDENTIALS_FILE="+x.dir+"/profiles")
	out, err := cmd.CombinedOutput()
	if err != nil {
		x.t.Errorf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// prepareExamples makes what the examples copy.
func prepareExamples(t *testing.T, s3 *testenv.S3, dir string) {
	t.Helper()
	files := map[string]string{
		"app/app.log": "a line", "profiles": "",
		"lake/logs/app-1-2024-01-02T03.log": "3\n", "lake/logs/app-2-2024-01-02T03.log": "3\n",
		"lake/raw/x.csv": "a,b\n", "lake/raw/y.csv": "c,d\n",
	}
	for _, profile := range []string{"minio", "aws"} {
		files["profiles"] += "[" + profile + "]\naws_access_key_id = " + s3.AccessKey + "\naws_secret_access_key = " + s3.SecretKey + "\n"
	}
	packed, err := os.ReadFile("../../copy/internal/codec/testdata/text.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.gz", "2024/x/2024-01-03.log.gz", "2024-01/b.log.gz", "2024-01-05.gz", "2024-01-06.gz", "2024-02-01.gz"} {
		files["lake/logs/"+name] = string(packed)
	}
	for _, name := range []string{"1", "2"} {
		parquet, err := os.ReadFile("../../internal/parquetmerge/testdata/duckdb-" + name + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		files["lake/events/dt=2024-01-02/"+name+".parquet"] = string(parquet)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
