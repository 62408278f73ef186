package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/testenv"
)

// Random jobs run by way of a proxy that does to them what networks do, and are killed at random
// moments. Whatever is visible meanwhile is whole, and the same command run once more in peace
// ends as the serial copy does. The number of a round is its seed, which also names it for -run.
func TestFaults(t *testing.T) {
	for n := range rounds(t) {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel() // most of the time is spent waiting before a request is sent again
			newFaultRound(t, uint64(n)).run(t)
		})
	}
}

// faultRound is one random job.
type faultRound struct {
	random *rand.Rand
	s3     *testenv.S3
	proxy  *testenv.Proxy
	blocks string // root of the block store

	src, dest      place
	args           []string
	source         fileSet
	stale          fileSet // what is at the destination before
	want           fileSet
	faults         testenv.Faults
	flipped        float64 // the fraction of objects' bodies with a bit that is another
	kills, orderly bool
}

// serialCopy is what a copy is to do. A group is a directory, and its output is named like it.
func serialCopy(source fileSet, group bool) fileSet {
	dest := fileSet{}
	for _, name := range slices.Sorted(maps.Keys(source)) {
		to := name
		if dir, _, _ := strings.Cut(name, "/"); group {
			to = dir + "/" + dir
		}
		dest[to] = append(slices.Clip(dest[to]), source[name]...)
	}
	return dest
}

func newFaultRound(t *testing.T, seed uint64) *faultRound {
	r := &faultRound{random: rand.New(rand.NewPCG(seed, 7)), s3: testenv.MinIO(t), blocks: filepath.Join(t.TempDir(), "blocks")}
	r.proxy = testenv.NewProxy(t, r.s3)
	r.source, r.stale = r.files(), fileSet{}
	files := func(name string) place { return dirPlace(filepath.Join(t.TempDir(), name)) }
	bucket := func(prefix string) place { return storePlace{r.s3, r.blocks, r.s3.URL(prefix)} }
	switch r.random.IntN(4) {
	case 0:
		r.src, r.dest = bucket("src/"), files("dest")
	case 1:
		r.src, r.dest = files("src"), bucket("dest/")
	case 2: // two names of one service are two services, so that nothing is copied on the server
		r.src, r.dest = bucket("src/"), bucket("dest/")
		other := strings.Replace(r.proxy.Endpoint, "127.0.0.1", "localhost", 1)
		r.args = append(r.args, "--srcEndpoint", r.proxy.Endpoint, "--destEndpoint", other)
	case 3:
		r.src, r.dest = bucket("src/"), storePlace{r.s3, r.blocks, "block://faults/dest/"}
		r.args = append(r.args, "--blockRoot", r.blocks)
	}
	r.args = append(r.args, "--src", r.src.url(), "--dest", r.dest.url(), "--multipartUploadChunkSize=5", "--quiet")
	group := r.random.IntN(3) == 0
	switch {
	case group:
		r.args = append(r.args, "--groupBy", `.*/(d\d)/[^/]*`)
	case r.random.IntN(2) == 0:
		r.args = append(r.args, "--update")
		for name, content := range r.source {
			switch r.random.IntN(4) {
			case 0:
				r.stale[name] = content
			case 1:
				r.stale[name] = append([]byte("old "), content[:len(content)/2]...)
				if len(r.stale[name]) == len(content) { // it would be taken for the same
					r.stale[name] = append(r.stale[name], '!')
				}
			}
		}
	}
	if more := rand.New(rand.NewPCG(seed, 9)); slices.Contains(r.args, "--update") && more.IntN(2) == 0 {
		r.args = append(r.args, "--delete")
		for n := range 1 + more.IntN(20) {
			r.stale[fmt.Sprintf("d%d/only there %d", more.IntN(6), n)] = []byte("to be deleted, but not before all is copied")
		}
	}
	r.want = serialCopy(r.source, group)
	r.src.write(t, r.source)
	r.dest.write(t, r.stale)
	r.chooseFaults(seed)
	return r
}

// files makes many small files and few large ones.
func (r *faultRound) files() fileSet {
	files := fileSet{}
	content := rand.NewChaCha8([32]byte{byte(r.random.Uint32()), byte(r.random.Uint32())})
	add := func(size int) {
		name := fmt.Sprintf("d%d/f+ é-%03d", r.random.IntN(6), len(files))
		files[name] = make([]byte, size)
		_, _ = content.Read(files[name])
	}
	for range 1 + r.random.IntN(80) {
		add(r.random.IntN(20_000))
	}
	for range r.random.IntN(3) {
		add(r.random.IntN(13 << 20))
	}
	if r.random.IntN(10) == 0 {
		add(r.random.IntN(40 << 20))
	}
	return files
}

// chooseFaults makes some kinds of trouble more or less frequent. Bits flip in objects alone: a
// listing has no checksum by which anybody could tell.
func (r *faultRound) chooseFaults(seed uint64) {
	f := testenv.Faults{Seed: seed}
	for _, fraction := range []*float64{&f.Busy, &f.CutUp, &f.CutDown, &f.LostAnswer, &f.Truncate, &r.flipped} {
		if r.random.IntN(2) == 0 {
			*fraction = 0.12 * r.random.Float64()
		}
	}
	r.kills = r.random.IntN(4) > 0
	r.faults = f
	// What becomes of a request can be lost on the way, but not in these rounds.
	r.orderly = !r.kills && f.LostAnswer == 0 && f.CutDown == 0 && f.Truncate == 0
}

func (r *faultRound) disturb() {
	r.proxy.SetFaults(r.faults)
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(r.random.Uint64(), 8))
	at := func(size int64) (int64, bool) {
		mu.Lock()
		defer mu.Unlock()
		return int64(random.Float64() * float64(size)), size > 0 && random.Float64() < r.flipped
	}
	r.proxy.Change(func(q *http.Request) {
		if n, ok := at(q.ContentLength); ok && q.Method == http.MethodPut {
			q.Body = testenv.FlipBit(q.Body, n)
		}
	}, func(p *http.Response) error {
		query := p.Request.URL.Query()
		object := p.Request.Method == http.MethodGet && !query.Has("list-type") && !query.Has("location") &&
			!query.Has("uploads") && !query.Has("uploadId")
		if n, ok := at(p.ContentLength); ok && object {
			p.Body = testenv.FlipBit(p.Body, n)
		}
		return nil
	})
}

func (r *faultRound) run(t *testing.T) {
	r.disturb()
	done := fileSet{} // what the last attempt has left, if it has told the journal of all of it
	for range 1 + r.random.IntN(3) {
		code, output := r.attempt(t)
		what := fmt.Sprintf("%q with %v and %g flipped ended with %d: %s", r.args, r.faults, r.flipped, code, output)
		if !slices.Contains([]int{exitOK, exitError, exitSomeFailed, -1}, code) || strings.Contains(output, "goroutine ") {
			t.Fatal(what)
		}
		there := r.dest.read(t)
		for name, content := range there {
			old, wasThere := r.stale[name]
			if want, ok := r.want[name]; (!ok || !bytes.Equal(content, want)) && (!wasThere || !bytes.Equal(content, old)) {
				t.Errorf("%s has %d bytes that are neither the old ones nor the %d new ones; %s", name, len(content), len(want), what)
			}
		}
		if code == exitOK {
			r.want.compare(t, there, what)
		} else if only := r.onlyThere(there); len(only) < len(r.onlyThere(r.stale)) { // some have been deleted
			copied := maps.Clone(there)
			maps.DeleteFunc(copied, func(name string, _ []byte) bool { return slices.Contains(only, name) })
			r.want.compare(t, copied, what)
		}
		if r.orderly || code == exitOK {
			done = there
		}
	}
	r.proxy.SetFaults(testenv.Faults{})
	what := fmt.Sprintf("in peace after %v and %g flipped: %q", r.faults, r.flipped, r.args)
	moved := r.watched(t)
	for _, name := range moved {
		if content, ok := done[name]; ok && bytes.Equal(content, r.want[name]) {
			t.Errorf("%s was done, and is copied again; %s", name, what)
		}
	}
	r.want.compare(t, r.dest.read(t), what)
	r.dest.wantNoLeftovers(t, what)
	if moved := r.watched(t); len(moved) > 0 {
		t.Errorf("%q are copied again; once more %s", moved, what)
	}
	r.dest.wantNoLeftovers(t, "once more "+what)
}

// onlyThere are the names of what is to be deleted when everything else is done.
func (r *faultRound) onlyThere(files fileSet) (names []string) {
	for name := range files {
		if _, ok := r.want[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// watched runs the command, and returns the names of the objects of which bytes go by.
func (r *faultRound) watched(t *testing.T) []string {
	t.Helper()
	var mu sync.Mutex
	names := map[string]bool{}
	r.proxy.Change(func(q *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for method, prefix := range map[string]string{http.MethodGet: "src/", http.MethodPut: "dest/"} {
			name, ok := strings.CutPrefix(q.URL.Path, "/"+r.s3.Bucket+"/"+prefix)
			if ok && q.Method == method && name != "" && !strings.HasPrefix(name, ".distcp/") {
				names[name] = true
			}
		}
	}, nil)
	defer r.proxy.Change(nil, nil)
	if out, err := r.program(t.Context(), t).CombinedOutput(); err != nil {
		t.Fatalf("in peace: %q: %v\n%s", r.args, err, out)
	}
	return slices.Sorted(maps.Keys(names))
}

// program is the command with the proxy for its S3 service.
func (r *faultRound) program(ctx context.Context, t *testing.T) *exec.Cmd {
	cmd := program(ctx, t, &r.proxy.S3, r.args...)
	cmd.Env = append(cmd.Env, "SKEP_S3_ATTEMPTS=4")
	return cmd
}

// patience is after how long a run that trouble holds up is killed, in rounds with kills.
const patience = 4 * time.Second

// attempt runs the command and returns its exit code, -1 if it was killed, and what it printed.
func (r *faultRound) attempt(t *testing.T) (code int, output string) {
	cmd := r.program(t.Context(), t)
	var all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if r.kills {
		after := patience
		if r.random.IntN(3) > 0 {
			after = time.Duration(r.random.Int64N(int64(500 * time.Millisecond)))
		}
		defer time.AfterFunc(after, func() { _ = cmd.Process.Kill() }).Stop()
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), all.String()
}

// fileSet is files by their names.
type fileSet map[string][]byte

func (want fileSet) compare(t *testing.T, got fileSet, what string) {
	t.Helper()
	for name, content := range want {
		if other, ok := got[name]; !ok || !bytes.Equal(other, content) {
			t.Errorf("%s has %d bytes (there: %v), want %d others; %s", name, len(other), ok, len(content), what)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is there; %s", name, what)
		}
	}
}

// dirPlace is a local directory.
type dirPlace string

func (p dirPlace) url() string { return string(p) }

func (p dirPlace) write(t *testing.T, files fileSet) {
	for name, content := range files {
		path := filepath.Join(string(p), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// walk yields the files, hidden ones too.
func (p dirPlace) walk(t *testing.T, visit func(name string)) {
	err := filepath.WalkDir(string(p), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			visit(strings.TrimPrefix(path, string(p)+"/"))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func (p dirPlace) read(t *testing.T) fileSet {
	files := fileSet{}
	p.walk(t, func(name string) {
		if isHidden(name) || strings.HasPrefix(name, ".distcp/") {
			return
		}
		content, err := os.ReadFile(filepath.Join(string(p), name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = content
	})
	return files
}

// isHidden tells the names that files have only until they are whole.
func isHidden(name string) bool {
	return strings.HasPrefix(filepath.Base(name), ".skep-")
}

// wantNoLeftovers looks into the directory above as well, where uploads are as long as there is no
// other.
func (p dirPlace) wantNoLeftovers(t *testing.T, what string) {
	dirPlace(filepath.Dir(string(p))).walk(t, func(name string) {
		if isHidden(name) {
			t.Errorf("%s is left; %s", name, what)
		}
	})
}
