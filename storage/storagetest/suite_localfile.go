package storagetest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/skepdata/skep/storage"
)

// localFileTests are of what a store may leave to its caller: checksums, and files to send.
func (s *suite) localFileTests() []test {
	return []test{
		{"a told checksum is that of the object", func(f *fixture) {
			for _, size := range s.sizes() {
				content := random(1, size)
				var written int64
				w := f.create("a", storage.CreateOptions{Size: size, Checksum: func() storage.Checksum {
					return storage.CRC32C(content[:written])
				}})
				for rest := content; len(rest) > 0; {
					n := min(len(rest), 100_000)
					written += int64(n)
					f.write(w, rest[:n])
					rest = rest[n:]
				}
				if o := f.commit(w); o.CRC32C != storage.CRC32C(content) || o.Size != size {
					f.Errorf("committed %d bytes with %v, want %d with %v", o.Size, o.CRC32C, size, storage.CRC32C(content))
				}
				f.wantContent("a", content)
			}
		}},
		{"an unverified reader has the same bytes", func(f *fixture) {
			content := random(1, 300_000)
			f.put("a", content)
			r, err := f.b.Open(f.Context(), "a", storage.ReadOptions{Unverified: true})
			if err != nil {
				f.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, content) || r.Close() != nil {
				f.Errorf("%d bytes, %v", len(got), err)
			}
		}},
		{"FileRange is what has not been read", s.fileRange},
		{"parts come from a file", withUpload(func(u *upload) {
			file := u.file()
			for n := range u.parts {
				r := u.ranger(file, n)
				sum, err := u.WritePart(u.Context(), n, r, int64(len(u.part(n))))
				if err != nil || sum != storage.CRC32C(u.part(n)) {
					u.Errorf("part %d: %v, %v", n, sum, err)
				}
			}
			o, err := u.Commit(u.Context())
			if err != nil || o.CRC32C != storage.CRC32C(u.content) {
				u.Errorf("commit: %v, %v", o.CRC32C, err)
			}
			u.wantContent("a/b", u.content)
		})},
		{"a part of a file that changes meanwhile is refused, or is what was read", withUpload(func(u *upload) {
			file := u.file()
			r := u.ranger(file, 1)
			r.after = func() {
				if err := os.WriteFile(file, make([]byte, len(u.content)), 0o666); err != nil {
					u.Error(err)
				}
			}
			part := u.part(1)
			sum, err := u.WritePart(u.Context(), 1, r, int64(len(part)))
			if err == nil && sum != storage.CRC32C(part) {
				u.Errorf("the part has CRC32C %v, and what was read %v", sum, storage.CRC32C(part))
			}
			if err != nil && !errors.Is(err, storage.ErrChecksum) {
				u.Errorf("%v, want ErrChecksum", err)
			}
			if err := u.Abort(u.Context()); err != nil {
				u.Error(err)
			}
		})},
		{"a writer takes a file", s.takeFile},
	}
}

func (s *suite) fileRange(f *fixture) {
	content := random(1, 300_000)
	f.put("a", content)
	for _, opts := range []storage.ReadOptions{{}, {Offset: 1000}, {Offset: 1000, Length: 2000}, {Length: 5}} {
		r, err := f.b.Open(f.Context(), "a", opts)
		if err != nil {
			f.Fatal(err)
		}
		ranger, ok := r.(storage.FileRanger)
		if !ok {
			if err := r.Close(); err != nil {
				f.Error(err)
			}
			return // not a store of files
		}
		for _, read := range []int64{0, 3} {
			if _, err := io.ReadFull(r, make([]byte, read)); err != nil {
				f.Fatal(err)
			}
			at := opts.Offset + read
			file, offset, ok := ranger.FileRange()
			if !ok {
				continue
			}
			got := make([]byte, 2)
			if _, err := file.ReadAt(got, offset); err != nil || offset != at || !bytes.Equal(got, content[at:at+2]) {
				f.Errorf("%+v, %d bytes read: offset %d with bytes %x, %v", opts, read, offset, got, err)
			}
			if err := file.Close(); err != nil {
				f.Error(err)
			}
		}
		if err := r.Close(); err != nil {
			f.Error(err)
		}
	}
}

func (s *suite) takeFile(f *fixture) {
	content := random(1, 300_000)
	whole := f.wholeFile(content)
	opts := storage.CreateOptions{Size: 100_000, Checksum: func() storage.Checksum { return storage.CRC32C(content[1000:101_000]) }}
	w := f.create("a", opts)
	taker, ok := w.(storage.FileTaker)
	if !ok {
		if err := w.Abort(); err != nil {
			f.Error(err)
		}
		return
	}
	if err := taker.TakeFile(f.open(whole), 1000, 100_000); err != nil {
		f.Fatal(err)
	}
	f.wantAbsent("a")
	if o := f.commit(w); o.Size != 100_000 || o.CRC32C != opts.Checksum() {
		f.Errorf("committed %d bytes with %v", o.Size, o.CRC32C)
	}
	f.wantContent("a", content[1000:101_000])

	opts.Checksum = func() storage.Checksum { return storage.CRC32C(content) } // of something else
	w = f.create("b", opts)
	err := w.(storage.FileTaker).TakeFile(f.open(whole), 1000, 100_000)
	if err == nil {
		_, err = w.Commit()
	}
	if !errors.Is(err, storage.ErrChecksum) {
		f.Errorf("a file that is not what its checksum says: %v, want ErrChecksum", err)
	}
	f.wantAbsent("b")
}

// wholeFile writes a local file and returns its path.
func (f *fixture) wholeFile(content []byte) string {
	f.Helper()
	path := filepath.Join(f.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		f.Fatal(err)
	}
	return path
}

func (f *fixture) open(path string) *os.File {
	f.Helper()
	file, err := os.Open(path)
	if err != nil {
		f.Fatal(err)
	}
	return file
}

// file is a file with the upload's content.
func (u *upload) file() string { return u.wholeFile(u.content) }

// ranger reads part n of the file.
func (u *upload) ranger(path string, n int) *fileRange {
	part := u.part(n)
	offset := int64(n) * u.partSize
	file := u.open(path)
	u.Cleanup(func() { _ = file.Close() })
	return &fileRange{u: u, path: path, offset: offset, left: len(part), r: io.NewSectionReader(file, offset, int64(len(part)))}
}

// fileRange is a part of a file as a reader that says so.
type fileRange struct {
	u      *upload
	path   string
	offset int64
	r      io.Reader
	left   int    // bytes to read yet
	after  func() // they were read
}

func (f *fileRange) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if f.left -= n; f.left == 0 && f.after != nil {
		f.after()
		f.after = nil
	}
	return n, err
}

func (f *fileRange) FileRange() (*os.File, int64, bool) { return f.u.open(f.path), f.offset, true }
