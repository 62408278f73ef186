package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/storage"
)

func (s *suite) readTests() []test {
	tests := []test{
		{"stat describes what Commit described", s.statDescribes},
		{"what is missing does not exist", func(f *fixture) {
			f.putAll("a/b")
			for _, key := range []string{"x", "x/y", "a/b2", "a/", "a", "a/b/c"} {
				_, err := f.b.Stat(f.Context(), key)
				if s.holds(key) || !errors.Is(err, storage.ErrInvalidKey) {
					f.wantError(fmt.Sprintf("stat %q", key), err, storage.ErrNotExist)
				}
				_, err = f.b.Open(f.Context(), key, storage.ReadOptions{})
				if s.holds(key) || !errors.Is(err, storage.ErrInvalidKey) {
					f.wantError(fmt.Sprintf("open %q", key), err, storage.ErrNotExist)
				}
			}
		}},
		{"objects of every size come back", s.readSizes},
		{"ranges", s.readRanges},
		{"a range beyond the end is invalid", func(f *fixture) {
			f.put("a", []byte("0123456789"))
			for _, opts := range []storage.ReadOptions{
				{Offset: 11}, {Offset: 11, Length: 1}, {Offset: 1 << 40}, {Offset: -1}, {Length: -1},
			} {
				_, _, err := f.read("a", opts)
				f.wantError(fmt.Sprintf("open %+v", opts), err, storage.ErrInvalidRange)
			}
		}},
		{"If-Match the current version", func(f *fixture) {
			o := f.put("a", []byte("first"))
			got, _, err := f.read("a", storage.ReadOptions{IfMatch: o.ETag})
			if err != nil || string(got) != "first" {
				f.Errorf("read %q, %v, want %q", got, err, "first")
			}
		}},
		{"If-Match another version reports the change", func(f *fixture) {
			o := f.put("a", []byte("first"))
			f.put("a", []byte("other"))
			for _, opts := range []storage.ReadOptions{{IfMatch: o.ETag}, {IfMatch: o.ETag, Offset: 2}} {
				_, _, err := f.read("a", opts)
				f.wantError("open", err, storage.ErrChanged)
			}
		}},
		{"a reader stays with its version when it is replaced", func(f *fixture) {
			s.readAcross(f, func() { f.put("a", random(2, 3<<20)) })
		}},
		{"a reader stays with its version when it is deleted", func(f *fixture) {
			s.readAcross(f, func() {
				if err := f.b.Delete(f.Context(), "a"); err != nil {
					f.Fatal(err)
				}
			})
		}},
		{"a dead context stops it with its cause", func(f *fixture) {
			f.putAll("a")
			cause := errors.New("the user went home")
			_, err := f.b.Stat(dead(f, cause), "a")
			f.wantError("stat", err, cause)
			_, err = f.b.Open(dead(f, cause), "a", storage.ReadOptions{})
			f.wantError("open", err, cause)
		}},
	}
	if s.Corrupt != nil {
		tests = append(tests, test{"damage is noticed", s.readCorrupt})
	}
	return tests
}

func (s *suite) statDescribes(f *fixture) {
	content := random(1, 100_000)
	committed := f.put("a/b", content)
	got, err := f.b.Stat(f.Context(), "a/b")
	if err != nil {
		f.Fatal(err)
	}
	if got.Key != "a/b" || got.Size != 100_000 || got.ETag == "" || got.ETag != committed.ETag {
		f.Errorf("stat: %+v, Commit: %+v", got, committed)
	}
	if !recent(got.ModTime) {
		f.Errorf("modified %v, want now", got.ModTime)
	}
	if want := storage.CRC32C(content); got.CRC32C != want && (got.CRC32C.Known || !s.NoStoredChecksums) {
		f.Errorf("CRC32C %v, want %v", got.CRC32C, want)
	}
}

func (s *suite) readSizes(f *fixture) {
	for _, size := range s.sizes() {
		content := random(uint64(size), size)
		key := fmt.Sprintf("size/%d", size)
		f.put(key, content)
		got, o, err := f.read(key, storage.ReadOptions{})
		if err != nil {
			f.Fatalf("%d bytes: %v", size, err)
		}
		if !bytes.Equal(got, content) {
			f.Errorf("%d bytes: read %s, want %s", size, brief(got), brief(content))
		}
		if o.Key != key || o.Size != size {
			f.Errorf("%d bytes: the reader describes %+v", size, o)
		}
	}
}

func (s *suite) readRanges(f *fixture) {
	for _, size := range s.sizes() {
		content := random(uint64(size), size)
		whole := f.put("a", content)
		for _, r := range []storage.ReadOptions{
			{Offset: 0, Length: 1}, {Offset: 0, Length: size + 1}, {Offset: 1}, {Offset: 1, Length: 1},
			{Offset: size / 2}, {Offset: size / 2, Length: 1000}, {Offset: size / 3, Length: size / 3},
			{Offset: size - 1}, {Offset: size - 1, Length: 1}, {Offset: size - 1, Length: 1000},
			{Offset: size}, {Offset: size, Length: 10}, {Offset: 65530, Length: 10},
			{Offset: 65536, Length: 65536}, {Offset: 1, Length: 1 << 60},
		} {
			if r.Offset < 0 || r.Offset > size {
				continue
			}
			want := content[r.Offset:]
			if r.Length > 0 {
				want = want[:min(r.Length, int64(len(want)))]
			}
			got, o, err := f.read("a", r)
			if err != nil {
				f.Fatalf("%d bytes, %+v: %v", size, r, err)
			}
			if !bytes.Equal(got, want) {
				f.Errorf("%d bytes, %+v: read %s, want %s", size, r, brief(got), brief(want))
			}
			if o.Size != size || o.Key != "a" || o.ETag != whole.ETag {
				f.Errorf("%d bytes, %+v: the reader describes %+v, want the whole object", size, r, o)
			}
		}
	}
}

// readAcross reads an object of several buffers, with change happening in the middle.
func (s *suite) readAcross(f *fixture, change func()) {
	content := random(1, 3<<20)
	f.put("a", content)
	r, err := f.b.Open(f.Context(), "a", storage.ReadOptions{})
	if err != nil {
		f.Fatal(err)
	}
	defer r.Close()
	got := make([]byte, 1000)
	if _, err := io.ReadFull(r, got); err != nil {
		f.Fatal(err)
	}
	change()
	rest, err := io.ReadAll(r)
	got = append(got, rest...)
	if err != nil {
		f.wantError("read", err, storage.ErrChanged)
		if !bytes.HasPrefix(content, got) {
			f.Errorf("read %s before the error, which the version opened does not begin with", brief(got))
		}
	} else if !bytes.Equal(got, content) {
		f.Errorf("read %s, want %s", brief(got), brief(content))
	}
}

func (s *suite) readCorrupt(f *fixture) {
	content := random(1, 300_000)
	f.put("a", content)
	s.Corrupt(f, f.b, "a")
	got, _, err := f.read("a", storage.ReadOptions{})
	f.wantError("read", err, storage.ErrChecksum)
	if !bytes.HasPrefix(content, got) {
		f.Errorf("the reader handed out damaged bytes before it reported the damage")
	}
}
