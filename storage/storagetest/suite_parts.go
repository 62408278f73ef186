package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/skepdata/skep/storage"
)

// upload is one upload that a test makes.
type upload struct {
	*fixture
	storage.Upload
	content  []byte
	partSize int64
	parts    int
}

// withUpload does nothing for stores that take no parts. Otherwise it starts an object "a/b"
// of three parts, the last one short.
func withUpload(run func(*upload)) func(*fixture) { return withUploadOf(false, run) }

func withUploadOf(resumable bool, run func(*upload)) func(*fixture) {
	return func(f *fixture) {
		p, ok := storage.As[storage.PartUploader](f.b)
		if !ok {
			return
		}
		size := 2*p.PartSize(1<<20, 100_000) + 12_345
		partSize := p.PartSize(size, 100_000)
		up, err := p.CreateParts(f.Context(), "a/b", storage.CreateOptions{
			Size: size, PartSize: partSize, ContentType: "text/csv", Resumable: resumable,
		})
		if err != nil {
			f.Fatal(err)
		}
		parts := int((size + partSize - 1) / partSize)
		run(&upload{f, up, random(1, size), partSize, parts})
	}
}

// part is the content of part n.
func (u *upload) part(n int) []byte {
	from := int64(n) * u.partSize
	return u.content[from:min(from+u.partSize, int64(len(u.content)))]
}

// send writes part n.
func (u *upload) send(n int) {
	u.Helper()
	part := u.part(n)
	sum, err := u.WritePart(u.Context(), n, bytes.NewReader(part), int64(len(part)))
	if err != nil {
		u.Errorf("part %d: %v", n, err)
	} else if want := storage.CRC32C(part); sum != want {
		u.Errorf("part %d has CRC32C %v, want %v", n, sum, want)
	}
}

// finish commits the upload and checks the object.
func (u *upload) finish() {
	u.Helper()
	o, err := u.Commit(u.Context())
	if err != nil {
		u.Fatalf("commit: %v", err)
	}
	if o.Key != "a/b" || o.Size != int64(len(u.content)) || o.ETag == "" || !recent(o.ModTime) {
		u.Errorf("commit described %+v", o)
	}
	if want := storage.CRC32C(u.content); o.CRC32C != want {
		u.Errorf("commit told CRC32C %v, want %v", o.CRC32C, want)
	}
	if got, err := u.b.Stat(u.Context(), "a/b"); err != nil || got.ETag != o.ETag {
		u.Errorf("stat: %+v, %v, want ETag %q", got, err, o.ETag)
	}
	u.wantContent("a/b", u.content)
}

// abort ends the upload and checks that nothing is left.
func (u *upload) abort(s *suite) {
	u.Helper()
	if err := u.Abort(u.Context()); err != nil {
		u.Errorf("abort: %v", err)
	}
	u.wantAbsent("a/b")
	s.wantNoLeftovers(u.fixture)
}

func (s *suite) partTests() []test {
	return []test{
		{"parts have a sensible size", func(f *fixture) {
			p, ok := storage.As[storage.PartUploader](f.b)
			if !ok {
				return
			}
			for _, size := range []int64{1, 1 << 20, 1 << 30, 1 << 40} {
				for _, want := range []int64{0, 1, 1 << 20, 16 << 20} {
					if got := p.PartSize(size, want); got <= 0 {
						f.Errorf("PartSize(%d, %d) = %d", size, want, got)
					}
				}
			}
		}},
		{"parts come in any order", withUpload(func(u *upload) {
			for n := u.parts - 1; n >= 0; n-- {
				u.send(n)
			}
			u.finish()
		})},
		{"parts come at the same time", withUpload(func(u *upload) {
			var wg sync.WaitGroup
			for n := range u.parts {
				wg.Go(func() { u.send(n) })
			}
			wg.Wait()
			u.finish()
		})},
		{"nothing is visible before Commit", withUpload(func(u *upload) {
			for n := range u.parts {
				u.send(n)
				u.wantAbsent("a/b")
			}
			u.wantList("")
			u.finish()
			u.wantList("", "a/b")
		})},
		{"the last success of a part counts", withUpload(func(u *upload) {
			for n := range u.parts {
				other := random(9, int64(len(u.part(n))))
				if _, err := u.WritePart(u.Context(), n, bytes.NewReader(other), int64(len(other))); err != nil {
					u.Errorf("part %d: %v", n, err)
				}
			}
			for n := range u.parts {
				u.send(n)
			}
			u.finish()
		})},
		{"a part that failed can be repeated", withUpload(s.partRepeated)},
		{"a part that was never written fails Commit", withUpload(func(u *upload) {
			u.send(0)
			u.send(u.parts - 1)
			_, err := u.Commit(u.Context())
			u.wantError("commit", err, err)
			if err == nil {
				u.Errorf("commit: no error without part 1")
			}
			u.abort(s)
		})},
		{"Abort leaves no trace", withUpload(func(u *upload) {
			u.send(0)
			u.abort(s)
			_, err := u.Commit(u.Context())
			u.wantError("commit", err, storage.ErrEnded)
			u.wantAbsent("a/b")
		})},
		{"Abort of nothing leaves no trace", withUpload(func(u *upload) { u.abort(s) })},
		{"Abort after Commit does nothing", withUpload(func(u *upload) {
			for n := range u.parts {
				u.send(n)
			}
			u.finish()
			if err := u.Abort(u.Context()); err != nil {
				u.Errorf("abort: %v", err)
			}
			u.wantContent("a/b", u.content)
		})},
		{"a dead context commits nothing", withUpload(func(u *upload) {
			for n := range u.parts {
				u.send(n)
			}
			cause := errors.New("the user went home")
			_, err := u.Commit(dead(u.fixture, cause))
			u.wantError("commit", err, cause)
			u.abort(s)
		})},
		{"parts replace an older version at Commit", withUpload(func(u *upload) {
			old := u.put("a/b", []byte("old"))
			for n := range u.parts {
				u.send(n)
			}
			if o, err := u.b.Stat(u.Context(), "a/b"); err != nil || o.ETag != old.ETag {
				u.Errorf("before commit: %+v, %v", o, err)
			}
			u.finish()
			s.wantNoLeftovers(u.fixture)
		})},
		{"parts keep content type", withUpload(func(u *upload) {
			for n := range u.parts {
				u.send(n)
			}
			u.finish()
			o, err := u.b.Stat(u.Context(), "a/b")
			if err != nil || (o.ContentType != "text/csv") != s.NoMetadata {
				u.Errorf("stat: %+v, %v", o, err)
			}
		})},
	}
}

// partRepeated makes every part fail in some way before it succeeds.
func (s *suite) partRepeated(u *upload) {
	cause := errors.New("the source went away")
	for n := range u.parts {
		part := u.part(n)
		size := int64(len(part))
		_, err := u.WritePart(u.Context(), n, failingReader(random(2, size/2), cause), size)
		u.wantError(fmt.Sprintf("part %d of a failing reader", n), err, cause)
		if _, err := u.WritePart(u.Context(), n, bytes.NewReader(part[:size/2]), size); err == nil {
			u.Errorf("part %d: no error when the reader ends early", n)
		}
		ctx, cancel := context.WithCancelCause(u.Context())
		if _, err := u.WritePart(ctx, n, cancelAtEnd(part[:size/2], cancel, cause), size); err == nil {
			u.Errorf("part %d: no error when its context dies", n)
		}
		u.send(n)
	}
	u.finish()
}
