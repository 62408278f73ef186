package storagetest

import (
	"errors"
	"slices"
	"time"

	"github.com/skepdata/skep/storage"
)

func (s *suite) resumeTests() []test {
	return []test{
		{"an upload is found again and finished", withResumer(func(u *upload, r storage.PartResumer) {
			id := u.Upload.(storage.Named).ID()
			u.send(0)
			u.send(u.parts - 1)
			size := int64(len(u.content))
			again, done, err := r.ResumeParts(u.Context(), "a/b",
				storage.CreateOptions{Size: size, PartSize: u.partSize, ContentType: "text/csv"}, id)
			if err != nil {
				u.Fatalf("resume: %v", err)
			}
			last := u.part(u.parts - 1)
			want := []storage.PartDone{
				{N: 0, Size: u.partSize, CRC32C: storage.CRC32C(u.part(0))},
				{N: u.parts - 1, Size: int64(len(last)), CRC32C: storage.CRC32C(last)},
			}
			if !slices.Equal(done, want) {
				u.Errorf("resumed with %+v, want %+v", done, want)
			}
			u.Upload = again
			for n := 1; n < u.parts-1; n++ {
				u.send(n)
			}
			u.finish()
			s.wantNoLeftovers(u.fixture)
		})},
		{"uploads that do not fit are refused", withResumer(func(u *upload, r storage.PartResumer) {
			id := u.Upload.(storage.Named).ID()
			u.send(0)
			opts := storage.CreateOptions{Size: int64(len(u.content)), PartSize: u.partSize}
			_, _, err := r.ResumeParts(u.Context(), "a/b", opts, id+"x")
			u.wantError("resume another upload", err, storage.ErrNotExist)
			opts.PartSize *= 2
			if _, _, err = r.ResumeParts(u.Context(), "a/b", opts, id); err == nil {
				u.Errorf("resume with parts of another size: no error")
			}
			u.abort(s)
			opts.PartSize = u.partSize
			_, _, err = r.ResumeParts(u.Context(), "a/b", opts, id)
			u.wantError("resume after Abort", err, storage.ErrNotExist)
		})},
		{"abandoned uploads are found and aborted", withResumer(func(u *upload, r storage.PartResumer) {
			id := u.Upload.(storage.Named).ID()
			u.send(0)
			var found []storage.PendingUpload
			for p, err := range r.Uploads(u.Context(), "a/") {
				if err != nil {
					u.Fatal(err)
				}
				found = append(found, p)
			}
			if len(found) != 1 || found[0].Key != "a/b" || found[0].ID != id || !recent(found[0].Started) {
				u.Errorf("found %+v, want the upload %s of a/b", found, id)
			}
			for _, try := range []struct {
				prefix string
				before time.Time
				want   int
			}{
				{"b/", time.Now().Add(time.Hour), 0},
				{"a/", time.Now().Add(-time.Hour), 0},
				{"a/", time.Now().Add(time.Hour), 1},
				{"a/", time.Now().Add(time.Hour), 0},
			} {
				if n, err := storage.AbortUploads(u.Context(), u.b, try.prefix, try.before); err != nil || n != try.want {
					u.Errorf("aborted %d uploads below %q: %v, want %d", n, try.prefix, err, try.want)
				}
			}
			if err := r.AbortUpload(u.Context(), storage.PendingUpload{Key: "a/b", ID: id}); err != nil {
				u.Errorf("abort again: %v", err)
			}
			_, err := u.Commit(u.Context())
			if err == nil || errors.Is(err, storage.ErrChecksum) {
				u.Errorf("commit of an upload that was aborted: %v", err)
			}
			u.wantAbsent("a/b")
			s.wantNoLeftovers(u.fixture)
		})},
	}
}

// withResumer is withUpload for stores whose uploads can be resumed.
func withResumer(run func(*upload, storage.PartResumer)) func(*fixture) {
	return func(f *fixture) {
		if r, ok := storage.As[storage.PartResumer](f.b); ok {
			withUploadOf(true, func(u *upload) { run(u, r) })(f)
		}
	}
}
