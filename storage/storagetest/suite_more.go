package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/skepdata/skep/storage"
)

func (s *suite) concurrentTests() []test {
	return []test{
		{"readers see one whole version while writers replace it", s.replaceUnderReaders},
		{"writers of one key leave one of their versions", s.writersOfOneKey},
		{"writers, listings and deletes do not disturb each other", s.everythingAtOnce},
	}
}

// replaceUnderReaders lets readers and a writer meet on one key. Every version is one byte
// repeated, and of another length, so that a mixture cannot be mistaken for a version.
func (s *suite) replaceUnderReaders(f *fixture) {
	version := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 100_000+i) }
	f.put("a", version(0))
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !done.Load() && !f.Failed() {
				got, o, err := f.read("a", storage.ReadOptions{})
				if errors.Is(err, storage.ErrChanged) {
					continue
				}
				if err != nil {
					f.Errorf("read: %v", err)
					return
				}
				i := len(got) - 100_000
				if i < 0 || !bytes.Equal(got, version(i)) || o.Size != int64(len(got)) {
					f.Errorf("read %s, which is no version; the reader describes %+v", brief(got), o)
				}
				if keys := f.list(""); !slices.Equal(keys, []string{"a"}) {
					f.Errorf("list: %q while it is being replaced, want \"a\"", keys)
				}
			}
		})
	}
	for i := 1; i <= 30; i++ {
		f.put("a", version(i))
	}
	done.Store(true)
	wg.Wait()
	f.wantContent("a", version(30))
	s.wantNoLeftovers(f)
}

func (s *suite) writersOfOneKey(f *fixture) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			w, err := f.b.Create(f.Context(), "a/b", storage.CreateOptions{})
			if err == nil {
				_, err = w.Write(random(uint64(i), 100_000))
			}
			if err == nil {
				_, err = w.Commit()
			}
			if err != nil {
				f.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	got, o, err := f.read("a/b", storage.ReadOptions{})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 8 {
		if bytes.Equal(got, random(uint64(i), 100_000)) {
			if o.CRC32C.Differs(storage.CRC32C(got)) {
				f.Errorf("the object has another version's CRC32C")
			}
			s.wantNoLeftovers(f)
			return
		}
	}
	f.Errorf("read %s, which no writer wrote", brief(got))
}

func (s *suite) everythingAtOnce(f *fixture) {
	f.putAll("stays/1", "stays/2", "stays/3")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			key := fmt.Sprintf("goes/%d/x", i)
			for range 5 {
				w, err := f.b.Create(f.Context(), key, storage.CreateOptions{})
				if err != nil {
					f.Errorf("create: %v", err)
					return
				}
				if _, err := w.Write([]byte(key)); err != nil {
					f.Errorf("write: %v", err)
				}
				if i%2 == 0 {
					if _, err := w.Commit(); err != nil {
						f.Errorf("commit: %v", err)
					}
				} else if err := w.Abort(); err != nil {
					f.Errorf("abort: %v", err)
				}
				if keys := f.list("stays/"); len(keys) != 3 || !slices.IsSorted(keys) {
					f.Errorf("list: %q", keys)
				}
				if keys := f.list(""); !slices.IsSorted(keys) {
					f.Errorf("list: %q", keys)
				}
				if err := f.b.Delete(f.Context(), key); err != nil {
					f.Errorf("delete: %v", err)
				}
			}
		})
	}
	wg.Wait()
	f.wantList("", "stays/1", "stays/2", "stays/3")
	s.wantNoLeftovers(f)
}

func (s *suite) copyTests() []test {
	return []test{
		{"a copy is the same and its own", withCopier(s.copySame)},
		{"a copy replaces an older version", withCopier(func(f *fixture, c storage.ServerCopier) {
			o := f.put("a", []byte("content"))
			f.put("b", []byte("old"))
			if _, err := c.CopyFrom(f.Context(), "b", f.b, o); err != nil {
				f.Fatal(err)
			}
			f.wantContent("b", []byte("content"))
		})},
		{"a version that is gone has changed", withCopier(func(f *fixture, c storage.ServerCopier) {
			o := f.put("a", []byte("first"))
			f.put("a", []byte("other"))
			_, err := c.CopyFrom(f.Context(), "b", f.b, o)
			f.wantError("copy", err, storage.ErrChanged)
			f.wantAbsent("b")
		})},
		{"a missing source does not exist", withCopier(func(f *fixture, c storage.ServerCopier) {
			_, err := c.CopyFrom(f.Context(), "b", f.b, storage.Object{Key: "nothing"})
			f.wantError("copy", err, storage.ErrNotExist)
			f.wantAbsent("b")
		})},
		{"another kind of store is not supported", withCopier(func(f *fixture, c storage.ServerCopier) {
			if _, same := storage.As[*Mem](f.b); same {
				return
			}
			m := NewMem("mem://other/")
			o := m.Put("a", "content")
			_, err := c.CopyFrom(f.Context(), "b", m, o)
			f.wantError("copy", err, storage.ErrUnsupported)
			f.wantAbsent("b")
		})},
		{"a dead context copies nothing", withCopier(func(f *fixture, c storage.ServerCopier) {
			o := f.put("a", []byte("content"))
			cause := errors.New("the user went home")
			_, err := c.CopyFrom(dead(f, cause), "b", f.b, o)
			f.wantError("copy", err, cause)
			f.wantAbsent("b")
			s.wantNoLeftovers(f)
		})},
	}
}

// withCopier does nothing for stores that cannot copy by themselves.
func withCopier(run func(*fixture, storage.ServerCopier)) func(*fixture) {
	return func(f *fixture) {
		if c, ok := storage.As[storage.ServerCopier](f.b); ok {
			run(f, c)
		}
	}
}

func (s *suite) copySame(f *fixture, c storage.ServerCopier) {
	for _, size := range s.sizes() {
		content := random(uint64(size), size)
		w := f.create("a/b", storage.CreateOptions{
			ContentType: "text/csv", Metadata: map[string]string{"owner": "bee"},
		})
		f.write(w, content)
		src := f.commit(w)
		o, err := c.CopyFrom(f.Context(), "c/d", f.b, src)
		if err != nil {
			f.Fatalf("copy %d bytes: %v", size, err)
		}
		if o.Key != "c/d" || o.Size != size || o.CRC32C != src.CRC32C || !recent(o.ModTime) {
			f.Errorf("copy %d bytes: %+v, source %+v", size, o, src)
		}
		got, err := f.b.Stat(f.Context(), "c/d")
		if err != nil || got.ETag != o.ETag {
			f.Errorf("stat: %+v, %v, want ETag %q", got, err, o.ETag)
		}
		if got.ContentType != src.ContentType || got.Metadata["owner"] != src.Metadata["owner"] {
			f.Errorf("the copy has type %q, metadata %q", got.ContentType, got.Metadata)
		}
		f.put("a/b", []byte("replaced"))
		f.wantContent("c/d", content)
		if err := f.b.Delete(f.Context(), "a/b"); err != nil {
			f.Fatal(err)
		}
		f.wantContent("c/d", content)
	}
	s.wantNoLeftovers(f)
}

func (s *suite) localTests() []test {
	return []test{
		{"a local path holds exactly the object's bytes", func(f *fixture) {
			l, ok := storage.As[storage.LocalPather](f.b)
			if !ok {
				return
			}
			for _, size := range s.sizes() {
				content := random(uint64(size), size)
				f.put("a/b", content)
				path, ok, err := l.LocalPath(f.Context(), "a/b")
				if err != nil {
					f.Fatal(err)
				}
				if !ok {
					continue
				}
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
					f.Errorf("%d bytes: %s holds %s, %v", size, path, brief(got), err)
				}
			}
			if path, ok, err := l.LocalPath(f.Context(), "missing"); ok {
				f.Errorf("a missing object has the path %q, %v", path, err)
			}
		}},
	}
}

func (s *suite) otherTests() []test {
	return []test{
		{"the URL names the root", func(f *fixture) {
			if u := f.b.URL(); !strings.Contains(u, "://") || !strings.HasSuffix(u, "/") {
				f.Errorf("URL %q, want scheme://.../", u)
			}
		}},
		{"Close may be repeated", func(f *fixture) {
			f.putAll("a")
			for range 3 {
				if err := f.b.Close(); err != nil {
					f.Error(err)
				}
			}
		}},
	}
}

// failingReader gives some bytes and then an error.
func failingReader(content []byte, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(content), readerFunc(func([]byte) (int, error) { return 0, err }))
}

type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(p []byte) (int, error) { return r(p) }

// cancelAtEnd cancels a context when its content has been read.
func cancelAtEnd(content []byte, cancel context.CancelCauseFunc, cause error) io.Reader {
	return io.MultiReader(bytes.NewReader(content), readerFunc(func([]byte) (int, error) {
		cancel(cause)
		return 0, io.EOF
	}))
}
