package storagetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/skepdata/skep/storage"
)

func (s *suite) writeTests() []test {
	return []test{
		{"nothing is visible before Commit", func(f *fixture) {
			for _, size := range s.sizes() {
				w := f.create("a/b", storage.CreateOptions{})
				f.write(w, random(1, size))
				f.wantAbsent("a/b")
				if err := w.Abort(); err != nil {
					f.Errorf("abort: %v", err)
				}
			}
		}},
		{"the object is visible right after Commit", func(f *fixture) {
			w := f.create("a/b", storage.CreateOptions{})
			f.write(w, []byte("content"))
			f.commit(w)
			f.wantList("", "a/b")
			f.wantContent("a/b", []byte("content"))
		}},
		{"Commit describes the object", s.commitDescribes},
		{"pieces of any size make the object", s.writePieces},
		{"the size is only a hint", func(f *fixture) {
			content := random(1, 100_000)
			for _, size := range []int64{0, 1, 100_000, 99_999, 100_001, 5_000_000} {
				w := f.create("a", storage.CreateOptions{Size: size})
				f.write(w, content)
				if o := f.commit(w); o.Size != 100_000 {
					f.Errorf("hint %d: committed %d bytes", size, o.Size)
				}
				f.wantContent("a", content)
			}
		}},
		{"a durable object is as any other", func(f *fixture) {
			w := f.create("d/e/f", storage.CreateOptions{Durable: true})
			f.write(w, []byte("content"))
			f.commit(w)
			f.wantContent("d/e/f", []byte("content"))
		}},
		{"a new version replaces the older one", s.writeReplaces},
		{"Abort leaves no trace", s.abortLeavesNothing},
		{"Abort keeps the older version", func(f *fixture) {
			old := f.put("a", []byte("old"))
			w := f.create("a", storage.CreateOptions{})
			f.write(w, random(1, 200_000))
			if err := w.Abort(); err != nil {
				f.Errorf("abort: %v", err)
			}
			f.wantContent("a", []byte("old"))
			if o, err := f.b.Stat(f.Context(), "a"); err != nil || o.ETag != old.ETag {
				f.Errorf("stat: %+v, %v, want ETag %q", o, err, old.ETag)
			}
			s.wantNoLeftovers(f)
		}},
		{"Abort after Commit does nothing", func(f *fixture) {
			w := f.create("a", storage.CreateOptions{})
			f.write(w, []byte("content"))
			f.commit(w)
			if err := w.Abort(); err != nil {
				f.Errorf("abort: %v", err)
			}
			f.wantContent("a", []byte("content"))
		}},
		{"an ended writer takes no more", s.endedWriter},
		{"a context that dies before Commit leaves no trace", s.deadBeforeCommit},
		{"a dead context creates nothing", func(f *fixture) {
			cause := errors.New("the user went home")
			_, err := f.b.Create(dead(f, cause), "a", storage.CreateOptions{})
			f.wantError("create", err, cause)
			f.wantAbsent("a")
		}},
		{"content type and metadata are kept", s.keepsMetadata},
	}
}

func (s *suite) commitDescribes(f *fixture) {
	for _, size := range s.sizes() {
		content := random(uint64(size), size)
		o := f.put("a/b", content)
		if o.Key != "a/b" || o.Size != size || o.ETag == "" || !recent(o.ModTime) {
			f.Errorf("%d bytes: Commit described %+v", size, o)
		}
		if want := storage.CRC32C(content); o.CRC32C != want {
			f.Errorf("%d bytes: Commit told CRC32C %v, want %v", size, o.CRC32C, want)
		}
	}
}

func (s *suite) writePieces(f *fixture) {
	content := random(1, 150_001)
	for _, piece := range []int{1000, 4096, 7777, 65536, 65537, 150_001} {
		w := f.create("a", storage.CreateOptions{})
		for part := range slices.Chunk(content, piece) {
			own := bytes.Clone(part)
			f.write(w, own)
			clear(own) // the writer must not hold on to what it was given
		}
		f.write(w, nil)
		f.commit(w)
		f.wantContent("a", content)
	}
}

func (s *suite) writeReplaces(f *fixture) {
	first := f.put("a/b", []byte("first"))
	second := f.put("a/b", []byte("other"))
	if first.ETag == second.ETag {
		f.Errorf("the ETag %q did not change with the content", first.ETag)
	}
	f.wantContent("a/b", []byte("other"))
	for _, size := range []int64{200_000, 10, 0} {
		f.put("a/b", random(1, size))
		f.wantContent("a/b", random(1, size))
	}
	f.wantList("", "a/b")
}

func (s *suite) abortLeavesNothing(f *fixture) {
	for _, size := range s.sizes() {
		w := f.create("a/b", storage.CreateOptions{Size: size})
		f.write(w, random(1, size))
		if err := w.Abort(); err != nil {
			f.Errorf("abort: %v", err)
		}
		if err := w.Abort(); err != nil {
			f.Errorf("abort again: %v", err)
		}
	}
	f.wantAbsent("a/b")
	f.wantList("")
	s.wantNoLeftovers(f)
}

func (s *suite) endedWriter(f *fixture) {
	for _, end := range []func(storage.Writer) error{
		func(w storage.Writer) error { return w.Abort() },
		func(w storage.Writer) error { _, err := w.Commit(); return err },
	} {
		w := f.create("a", storage.CreateOptions{})
		f.write(w, []byte("content"))
		if err := end(w); err != nil {
			f.Fatal(err)
		}
		before := f.list("")
		_, err := w.Write([]byte("more"))
		f.wantError("write", err, storage.ErrEnded)
		_, err = w.Commit()
		f.wantError("commit", err, storage.ErrEnded)
		f.wantList("", before...)
	}
	f.wantContent("a", []byte("content"))
}

func (s *suite) deadBeforeCommit(f *fixture) {
	old := []byte("old")
	f.put("old", old)
	cause := errors.New("the user went home")
	for _, key := range []string{"new", "old"} {
		for _, size := range []int64{0, 10, 200_000} {
			ctx, cancel := context.WithCancelCause(f.Context())
			w, err := f.b.Create(ctx, key, storage.CreateOptions{})
			if err != nil {
				f.Fatal(err)
			}
			f.write(w, random(1, size))
			cancel(cause)
			_, err = w.Commit()
			f.wantError("commit", err, cause)
			if err := w.Abort(); err != nil {
				f.Errorf("abort: %v", err)
			}
		}
	}
	f.wantAbsent("new")
	f.wantContent("old", old)
	s.wantNoLeftovers(f)
}

func (s *suite) keepsMetadata(f *fixture) {
	opts := storage.CreateOptions{
		ContentType: "text/csv",
		Metadata:    map[string]string{"Owner": "Bee", "purpose": "pollen & nectar"},
	}
	w := f.create("a", opts)
	f.write(w, []byte("content"))
	committed := f.commit(w)
	got, err := f.b.Stat(f.Context(), "a")
	if err != nil {
		f.Fatal(err)
	}
	_, opened, err := f.read("a", storage.ReadOptions{})
	if err != nil {
		f.Fatal(err)
	}
	wantType, want := opts.ContentType, map[string]string{"owner": "Bee", "purpose": "pollen & nectar"}
	if s.NoMetadata {
		wantType, want = "", nil
	}
	for by, o := range map[string]storage.Object{"Commit": committed, "Stat": got, "Open": opened} {
		if o.ContentType != wantType || !maps.Equal(o.Metadata, want) {
			f.Errorf("by %s: type %q, metadata %q, want %q, %q", by, o.ContentType, o.Metadata, wantType, want)
		}
	}
	f.put("a", []byte("plain"))
	if got, err = f.b.Stat(f.Context(), "a"); err != nil || len(got.Metadata) > 0 {
		f.Errorf("the new version has metadata %q of the old one, %v", got.Metadata, err)
	}
}

func (s *suite) deleteTests() []test {
	return []test{
		{"what is deleted is gone", func(f *fixture) {
			f.putAll("a", "b/c", "b/d")
			if err := f.b.Delete(f.Context(), "b/c"); err != nil {
				f.Fatal(err)
			}
			f.wantAbsent("b/c")
			f.wantList("", "a", "b/d")
			f.put("b/c", []byte("again"))
			f.wantContent("b/c", []byte("again"))
			s.wantNoLeftovers(f)
		}},
		{"a missing key is not an error", func(f *fixture) {
			f.putAll("a/b")
			for _, key := range []string{"x", "a/x", "x/y/z", "a", "a/b/c"} {
				if err := f.b.Delete(f.Context(), key); err != nil && s.holds(key) {
					f.Errorf("delete %q: %v", key, err)
				}
			}
			f.wantList("", "a/b")
		}},
		{"no keys are nothing to do", func(f *fixture) {
			f.putAll("a")
			if err := f.b.Delete(f.Context()); err != nil {
				f.Error(err)
			}
			f.wantList("", "a")
		}},
		{"many at once", func(f *fixture) {
			keys := s.putMany(f)
			f.putAll("kept")
			if err := f.b.Delete(f.Context(), keys...); err != nil {
				f.Fatal(err)
			}
			f.wantList("", "kept")
		}},
		{"one that fails does not keep the others", func(f *fixture) {
			f.putAll("a", "b", "c")
			err := f.b.Delete(f.Context(), "a", "", "b")
			f.wantError("delete", err, storage.ErrInvalidKey)
			f.wantList("", "c")
		}},
		{"a dead context deletes nothing", func(f *fixture) {
			f.putAll("a")
			cause := errors.New("the user went home")
			f.wantError("delete", f.b.Delete(dead(f, cause), "a"), cause)
			f.wantList("", "a")
		}},
	}
}
