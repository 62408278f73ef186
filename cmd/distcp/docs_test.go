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
	page, err := os.ReadFile("../../docs/s3distcp-compat.md")
	if err != nil {
		t.Fatal(err)
	}
	s3 := testenv.MinIO(t)
	dir := t.TempDir()
	buckets := regexp.MustCompile(`s3://(\w+)/`)
	here := strings.NewReplacer("/data", dir+"/data", "/days", dir+"/days", "/var/log/app", dir+"/app", "https://minio.example", s3.Endpoint,
		"alias/lake", "skep-test", "STANDARD_IA", "REDUCED_REDUNDANCY")
	examples := 0
	run := func(line string) string {
		t.Helper()
		cmd := program(t.Context(), t, s3)
		cmd.Args, cmd.Dir = []string{"sh", "-c", line}, dir
		if cmd.Path, err = exec.LookPath("sh"); err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "SKEP_DEFAULT_FS=block://hdfs", "AWS_SHARED_CREDENTIALS_FILE="+dir+"/profiles")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	prepareExamples(t, s3, dir)
	run("distcp --src lake --dest " + s3.URL("lake/") + " --quiet && distcp --src lake --dest " + s3.URL("landing/") +
		" --quiet && distcp --src lake --dest " + s3.URL("a/") + " --quiet")
	for _, block := range strings.Split(string(page), "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			line, comment, _ := strings.Cut(strings.TrimSpace(line), "  #")
			out := run(here.Replace(buckets.ReplaceAllString(line, s3.URL("$1/"))))
			if strings.HasPrefix(line, "distcp --src") && strings.Contains(out, "copied 0 objects") &&
				!strings.Contains(comment, "since") && !strings.Contains(comment, "later") {
				t.Errorf("%s: %s", line, out)
			}
			examples++
		}
	}
	if examples < 25 {
		t.Errorf("there are %d examples", examples)
	}
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
