package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skepdata/skep/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"distcp": main})
}

// The scripts in testdata/script run the program against a real MinIO server, on which each has
// a bucket of its own, $BUCKET. $PARQUET has Parquet files of one schema, $ORC ORC files,
// and $OTHERORC some of another. Commands besides
// testscript's own:
//
//	file PATH SIZE [SEED]    makes a file of random text
//	gunzip PATH              prints a gzip file to standard output
//	keepversions             makes $BUCKET keep versions
//	versionid KEY VAR        sets $VAR to the version of an object
//	now VAR                  sets $VAR to the time
//	attributes KEY           prints what the server tells of an object besides its content
//	putrich KEY FILE         stores a file with all that can be said of an object, by another program than ours
//	profiles FILE            writes AWS profiles: good, with the server's keys, and bad
//	role FILE PROFILE ACTION...  adds a profile for somebody who may do no more than that in $BUCKET
//	busy FRACTION            goes on by way of a proxy that answers such a fraction of requests with 503
//	forwarder VAR            starts a proxy for HTTP and HTTPS, and sets $VAR to its URL; all hosts that it is asked for are the server
//	locked BUCKET            makes a bucket whose objects nobody may delete for a day
//	public                   lets everybody read $BUCKET
//	touchat SECONDS PATH     sets the modification time of a file
//	secure BUCKET            starts a MinIO that speaks https, and goes on with a bucket on it
//	sorted                   sorts the lines of the last standard output into the file "sorted"
func TestScripts(t *testing.T) {
	parquetFiles, err := filepath.Abs("../../internal/parquetmerge/testdata")
	if err != nil {
		t.Fatal(err)
	}
	orcFiles, err := filepath.Abs("../../internal/orcmerge/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			s3 := testenv.MinIO(t)
			for _, pair := range s3.Env() {
				name, value, _ := strings.Cut(pair, "=")
				env.Setenv(name, value)
			}
			env.Setenv("BUCKET", s3.Bucket)
			env.Setenv("PARQUET", parquetFiles)
			env.Setenv("ORC", orcFiles)
			env.Setenv("OTHERORC", filepath.Join(orcFiles, "../../../hiveql/orc/testdata"))
			env.Setenv("OTHER_ADDRESS", strings.Replace(s3.Config().Endpoint, "127.0.0.1", "localhost", 1))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, ".state"))
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, ".data"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, ".config"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"file": makeFile, "gunzip": gunzipFile, "sorted": sortOutput, "attributes": printAttributes, "putrich": putRich, "keepversions": keepVersions,
			"versionid": setVersionID, "now": setNow, "profiles": writeProfiles, "touchat": touchAt, "secure": secureServer, "role": writeRole,
			"busy": busyServer, "forwarder": startForwarder, "locked": lockedBucket, "public": publishBucket,
		},
	})
}

func makeFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: file PATH SIZE [SEED]")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	seed := uint64(1)
	if len(args) > 2 {
		seed, err = strconv.ParseUint(args[2], 10, 64)
		ts.Check(err)
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, randomText(seed, size), 0o644))
}

func randomText(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return b
}

func touchAt(ts *testscript.TestScript, _ bool, args []string) {
	whole, fraction, _ := strings.Cut(args[0], ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	ts.Check(err)
	nanos, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	ts.Check(err)
	ts.Check(os.Chtimes(ts.MkAbs(args[1]), time.Time{}, time.Unix(seconds, nanos)))
}

func secureServer(ts *testscript.TestScript, _ bool, args []string) {
	server, err := testenv.StartMinIOTLS(context.Background(), "")
	ts.Check(err)
	ts.Defer(func() { _ = server.Stop() }) // it ends with the process at the latest
	ts.Check(server.MakeBucket(context.Background(), args[0]))
	for _, pair := range server.Env() {
		name, value, _ := strings.Cut(pair, "=")
		ts.Setenv(name, value)
	}
}

func gunzipFile(ts *testscript.TestScript, _ bool, args []string) {
	r, err := gzip.NewReader(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	_, err = io.Copy(ts.Stdout(), r)
	ts.Check(err)
}

func sortOutput(ts *testscript.TestScript, _ bool, _ []string) {
	lines := slices.Sorted(strings.Lines(ts.ReadFile("stdout")))
	ts.Check(os.WriteFile(ts.MkAbs("sorted"), []byte(strings.Join(lines, "")), 0o644))
}

// No error text may show a key, whatever is wrong with it.
func TestNoSecretIsPrinted(t *testing.T) {
	s3 := testenv.MinIO(t)
	const secret = "verySecretKeyThatNobodyMaySee"
	for _, endpoint := range []string{s3.Endpoint, "http://127.0.0.1:1", "https" + strings.TrimPrefix(s3.Endpoint, "http"), "::bad::"} {
		for _, args := range [][]string{
			{"ls", s3.URL("")},
			{"--src", s3.URL("x/"), "--dest", t.TempDir()},
			{"--src", "testdata", "--dest", s3.URL("y/"), "--json"},
		} {
			env := map[string]string{
				"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL_S3": endpoint,
				"HOME": t.TempDir(), "SKEP_S3_ATTEMPTS": "1",
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), args, nil, &stdout, &stderr, func(name string) string { return env[name] })
			out := stdout.String() + stderr.String()
			want := exitError
			if endpoint == "::bad::" {
				want = exitUsage
			}
			if code != want {
				t.Errorf("%s %v: exit code %d\n%s", endpoint, args, code, out)
			}
			if strings.Contains(out, secret) || strings.Contains(out, "Signature=") || strings.Contains(out, "goroutine ") {
				t.Errorf("%s %v: %s", endpoint, args, out)
			}
			if n := strings.Count(stderr.String(), "\n"); n != 1 || !strings.HasPrefix(stderr.String(), "distcp: ") {
				t.Errorf("%s %v: want one line, got %d: %s", endpoint, args, n, &stderr)
			}
		}
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1024: "1.0 KiB", 5 << 30: "5.0 GiB", 1 << 62: "4.0 EiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
