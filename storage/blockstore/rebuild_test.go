package blockstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

// state is what can be seen of the volume and of its snapshots: a line for each object.
func state(t *testing.T, roots []string, volumes ...string) string {
	t.Helper()
	var lines []string
	for _, volume := range volumes {
		b := openAt(t, volume, 0, roots...)
		for o, err := range b.List(t.Context(), "") {
			if errors.Is(err, storage.ErrNotExist) {
				lines = append(lines, volume+" is not there")
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := b.Open(t.Context(), o.Key, storage.ReadOptions{})
			if err != nil {
				t.Fatalf("open %s/%s: %v", volume, o.Key, err)
			}
			content, err := io.ReadAll(r)
			if err != nil {
				t.Fatalf("read %s/%s: %v", volume, o.Key, err)
			}
			r.Close()
			lines = append(lines, fmt.Sprintf("%s/%s %s %d %s %q %v %v %d %d", volume, o.Key, o.ETag, o.Size,
				storage.CRC32C(content), o.ContentType, o.Metadata, o.Headers, o.TagCount, o.ModTime.UnixNano()))
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(lines, "\n")
}

// TestRebuild makes changes of every kind at random, loses the namespace, and makes it anew: it is as it
// was. An image is written in some rounds, in the middle.
func TestRebuild(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	roots := []string{t.TempDir(), t.TempDir()}
	volumes := []string{"test", "test@one", "test@two", "other"}
	for round := range soakRounds(t, 6) {
		changeAtRandom(t, rnd, roots, round)
		want := state(t, roots, volumes...)
		loseNamespace(t, rnd, roots[0], round)
		report, err := Rebuild(t.Context(), roots)
		if err != nil || report.Losses > 0 {
			t.Fatalf("seed %d, round %d: %+v, %v", seed, round, report, err)
		}
		if got := state(t, roots, volumes...); got != want {
			t.Fatalf("seed %d, round %d: rebuilt, the store has\n%s\nwant\n%s", seed, round, got, want)
		}
		s, err := OpenStore(t.Context(), roots)
		if err != nil {
			t.Fatal(err)
		}
		if got := kinds(t, s, CheckOptions{Deep: true}); strings.Contains(got, "lost") || strings.Contains(got, "damaged") {
			t.Errorf("seed %d, round %d: the check found %q", seed, round, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// changeAtRandom makes some changes, by two writers one after the other.
func changeAtRandom(t *testing.T, rnd *rand.Rand, roots []string, round int) {
	t.Helper()
	for writer := range 2 {
		b := openAt(t, "test", testBlock, roots...)
		other := openAt(t, "other", chunkSize, roots...)
		key := func() string { return fmt.Sprintf("dir%d/%d", rnd.IntN(3), rnd.IntN(5)) }
		for range 25 {
			if err := changeOnce(t, rnd, b, other, key); err != nil && !errors.Is(err, storage.ErrNotExist) && !errors.Is(err, storage.ErrExist) {
				t.Fatal(err)
			}
		}
		if round%2 == 1 && writer == 0 {
			if _, err := b.forWriting(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := b.open.writeImage(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(b.Close(), other.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func changeOnce(t *testing.T, rnd *rand.Rand, b, other *Bucket, key func() string) error {
	switch rnd.IntN(12) {
	case 0:
		return b.Delete(t.Context(), key(), key())
	case 1:
		return b.Rename(t.Context(), key(), key())
	case 2:
		return b.RenameDir(t.Context(), fmt.Sprintf("dir%d/", rnd.IntN(3)), fmt.Sprintf("dir%d/", 3+rnd.IntN(2)))
	case 3:
		if rnd.IntN(3) == 0 {
			return b.DeleteTree(t.Context(), fmt.Sprintf("dir%d/", rnd.IntN(5)))
		}
	case 4:
		from := key()
		o, err := b.Stat(t.Context(), from)
		if err == nil {
			_, err = other.CopyFrom(t.Context(), key(), b, o)
		}
		return err
	case 5:
		s, err := OpenStore(t.Context(), b.roots)
		if err != nil {
			return err
		}
		defer s.Close()
		name := []string{"one", "two"}[rnd.IntN(2)]
		if rnd.IntN(2) == 0 {
			return s.RemoveSnapshot(t.Context(), "test", name)
		}
		return s.CreateSnapshot(t.Context(), "test", name)
	}
	content := bytes.Repeat([]byte{byte(rnd.Uint32())}, []int{0, 10, 5000, 100_000, 300_000}[rnd.IntN(5)])
	w, err := b.Create(t.Context(), key(), storage.CreateOptions{
		ContentType: "text/csv", Metadata: map[string]string{"k": "v"},
		Headers: storage.Headers{ContentEncoding: "gzip", Expires: "0"}, Tags: map[string]string{"t": "u"},
	})
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		_, err = w.Commit()
	}
	return err
}

// loseNamespace removes it, or spoils it.
func loseNamespace(t *testing.T, rnd *rand.Rand, home string, round int) {
	t.Helper()
	path := filepath.Join(home, namespaceFile)
	if round%3 == 0 {
		if err := removeDatabase(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	garbage := make([]byte, 100_000)
	for i := range garbage {
		garbage[i] = byte(rnd.Uint32())
	}
	if err := os.WriteFile(path, garbage, 0o666); err != nil {
		t.Fatal(err)
	}
	b := openAt(t, "test", 0, home)
	if _, err := b.Stat(t.Context(), "a"); err == nil || errors.Is(err, storage.ErrNotExist) {
		t.Errorf("a namespace of garbage: %v, want an error that says so", err)
	}
}

// TestRebuildOfOneDisk loses the home directory as a whole: the other disk has the journals too, and the
// replicas.
func TestRebuildOfOneDisk(t *testing.T) {
	b, s := newReplicated(t, 2, 2)
	content := strings.Repeat("0123456789", 30_000)
	put(t, b, "big", content)
	put(t, b, "tiny", "content")
	if err := errors.Join(b.Close(), s.Close(), os.RemoveAll(b.roots[0])); err != nil {
		t.Fatal(err)
	}
	report, err := Rebuild(t.Context(), b.roots[1:])
	if err != nil || report.Losses > 0 || report.Objects != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	again := openAt(t, "test", 0, b.roots[1])
	wantContent(t, again, "big", content)
	wantContent(t, again, "tiny", "content")
}

func TestRebuildReportsLosses(t *testing.T) {
	b := newBucket(t, testBlock, 1)
	content := strings.Repeat("0123456789", 30_000)
	put(t, b, "a", content)
	put(t, b, "b", content)
	path := pathsOf(t, b, "a")[1]
	if err := errors.Join(b.Close(), os.Remove(path), os.Remove(filepath.Join(b.roots[0], namespaceFile))); err != nil {
		t.Fatal(err)
	}
	report, err := Rebuild(t.Context(), b.roots)
	if err != nil || report.Losses != 1 || report.Lost[0].Kind != BlockMissing || report.Objects != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	again := openAt(t, "test", 0, b.roots...)
	wantContent(t, again, "b", content)
	wantKinds(t, openStoreOf(t, again), CheckOptions{Deep: true}, "1 block missing lost")
}

func TestRebuildRefuses(t *testing.T) {
	b := newBucket(t, testBlock, 1)
	put(t, b, "a", "content")
	if _, err := Rebuild(t.Context(), b.roots); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while a writer lives: %v", err)
	}
	wantContent(t, b, "a", "content")
	if _, err := Rebuild(t.Context(), []string{t.TempDir()}); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("of no store: %v", err)
	}
}

// TestTornJournal cuts a journal at every place: what is before the cut is what there is.
func TestTornJournal(t *testing.T) {
	var whole []byte
	var ends []int
	for i := range 5 {
		e := entry{N: int64(i), Op: opPut, Key: []byte{0xff, byte(i)}, content: bytes.Repeat([]byte("x"), i*10)}
		var err error
		if whole, err = appendFrame(whole, &e); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, len(whole))
	}
	path := filepath.Join(t.TempDir(), "a.log")
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o666); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := eachEntry(path, func(e entry) error {
			if e.N != int64(n) || len(e.content) != n*10 {
				t.Errorf("entry %d is %+v", n, e)
			}
			n++
			return nil
		})
		atEnd := cut == 0 || slices.Contains(ends, cut)
		if want := len(ends) - len(slices.DeleteFunc(slices.Clone(ends), func(end int) bool { return end <= cut })); n != want {
			t.Errorf("cut at %d: %d entries, want %d", cut, n, want)
		}
		if atEnd != (err == nil) || err != nil && !errors.Is(err, errTorn) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	for at := range whole {
		damaged := slices.Clone(whole)
		damaged[at] ^= 0x10
		if err := os.WriteFile(path, damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := eachEntry(path, func(entry) error { n++; return nil }); !errors.Is(err, errTorn) || n == len(ends) {
			t.Errorf("a bit at %d: %d entries, %v", at, n, err)
		}
	}
}
