package storagetest

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/skepdata/skep/storage"
)

func newMem(testing.TB) storage.Bucket { return NewMem("mem://test/") }

func TestMem(t *testing.T) { Run(t, Config{New: newMem}) }

func TestCounting(t *testing.T) {
	Run(t, Config{New: func(testing.TB) storage.Bucket { return NewCounting(NewMem("mem://test/")) }})
}

func TestFaultyWithoutFaults(t *testing.T) {
	Run(t, Config{New: func(testing.TB) storage.Bucket {
		return Faulty(NewMem("mem://test/"), func(Op) error { return nil })
	}})
}

func BenchmarkMem(b *testing.B) { RunBenchmarks(b, Config{New: newMem}) }

func TestCountingCounts(t *testing.T) {
	m := NewMem("mem://test")
	m.Put("a/b", "12345")
	m.Put("a/c", "678")
	c := NewCounting(m)
	for range c.List(t.Context(), "a/") {
	}
	r, err := c.Open(t.Context(), "a/b", storage.ReadOptions{Offset: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	sc, ok := storage.As[storage.ServerCopier](storage.Bucket(c))
	if !ok {
		t.Fatal("counting hides that Mem can copy")
	}
	if _, err := sc.CopyFrom(t.Context(), "d", c, storage.Object{Key: "a/b"}); err != nil {
		t.Fatal(err)
	}
	w, err := c.Create(t.Context(), "e", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("xy"))
	w.Commit()
	c.Delete(t.Context(), "d", "e")
	want := Counts{
		List: 1, Listed: 2, Open: 1, CopyFrom: 1, Create: 1, Commit: 1, Delete: 2, BytesRead: 4, BytesWritten: 2,
	}
	if got := c.Counts(); got != want {
		t.Errorf("counts\n got %+v\nwant %+v", got, want)
	}
	if got := c.Lists(); !slices.Equal(got, []string{"a/"}) {
		t.Errorf("listed %q", got)
	}
	if got := c.Opens(); !slices.Equal(got, []string{"a/b"}) {
		t.Errorf("opened %q", got)
	}
	if c.Reset(); c.Counts() != (Counts{}) || len(c.Ops()) > 0 {
		t.Errorf("after Reset: %+v, %v", c.Counts(), c.Ops())
	}
}

func TestFaultyFails(t *testing.T) {
	boom := errors.New("boom")
	content := string(random(1, 10_000))
	// attempt does one thing to a bucket that holds "old".
	attempts := map[OpKind]func(b storage.Bucket) error{
		OpStat:   func(b storage.Bucket) error { _, err := b.Stat(t.Context(), "old"); return err },
		OpDelete: func(b storage.Bucket) error { return b.Delete(t.Context(), "old") },
		OpOpen: func(b storage.Bucket) error {
			_, err := b.Open(t.Context(), "old", storage.ReadOptions{})
			return err
		},
		OpCreate: func(b storage.Bucket) error {
			_, err := b.Create(t.Context(), "new", storage.CreateOptions{})
			return err
		},
		OpList: func(b storage.Bucket) error {
			for _, err := range b.List(t.Context(), "") {
				if err != nil {
					return err
				}
			}
			return nil
		},
		OpRead: func(b storage.Bucket) error {
			r, err := b.Open(t.Context(), "old", storage.ReadOptions{})
			if err != nil {
				return err
			}
			_, err = io.ReadAll(r)
			return err
		},
		OpCommit: func(b storage.Bucket) error {
			w, err := b.Create(t.Context(), "new", storage.CreateOptions{})
			if err != nil {
				return err
			}
			_, err = w.Commit()
			return err
		},
		OpWrite: func(b storage.Bucket) error {
			w, err := b.Create(t.Context(), "new", storage.CreateOptions{})
			if err != nil {
				return err
			}
			_, werr := w.Write([]byte(content))
			if _, err := w.Commit(); err == nil {
				t.Errorf("commit: no error after a failed write")
			}
			return werr
		},
	}
	for kind, attempt := range attempts {
		t.Run(string(kind), func(t *testing.T) {
			m := NewMem("mem://test/")
			m.Put("old", content)
			err := attempt(Faulty(m, func(op Op) error {
				if op.Kind == kind {
					return &storage.Error{Err: boom, Temporary: true}
				}
				return nil
			}))
			var e *storage.Error
			if !errors.Is(err, boom) || !errors.As(err, &e) || !e.Temporary || e.Op == "" || e.URL == "" {
				t.Errorf("%#v, want a complete, temporary *storage.Error of boom", err)
			}
			if got := m.Keys(); !slices.Equal(got, []string{"old"}) {
				t.Errorf("the bucket holds %q", got)
			}
		})
	}
}

func TestFaultyCuts(t *testing.T) {
	m := NewMem("mem://test/")
	m.Put("a", string(random(1, 10_000)))
	b := Faulty(m, func(op Op) error {
		if op.Kind == OpRead && op.N >= 5000 {
			return io.EOF
		}
		return nil
	})
	r, err := b.Open(t.Context(), "a", storage.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || len(got) < 5000 || len(got) >= 10_000 || r.Object().Size != 10_000 {
		t.Errorf("read %d bytes of %d, %v, want some and no error", len(got), r.Object().Size, err)
	}
}

func TestFaultyLosesAnswer(t *testing.T) {
	m := NewMem("mem://test/")
	boom := errors.New("boom")
	b := Faulty(m, func(op Op) error {
		if op.Kind == OpCommit {
			return Answer(boom)
		}
		return nil
	})
	w, err := b.Create(t.Context(), "a", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("content"))
	if _, err := w.Commit(); !errors.Is(err, boom) {
		t.Errorf("commit: %v, want boom", err)
	}
	if got, ok := m.Content("a"); !ok || got != "content" {
		t.Errorf("the bucket holds %q, %v, want the content", got, ok)
	}
}
