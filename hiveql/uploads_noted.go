package hiveql

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/skepdata/skep/storage"
)

// A large object comes to S3 in parts, by an upload that is begun before and stays when nobody ends it.
// MinIO lists uploads by whole keys, or all that it has seen since it was started. So the URLs of objects
// that may come in parts are noted, before anything is sent, in the staging directory of their write,
// which outlives the process.

const (
	notesName = "uploads" // the file in the directory: one URL a line
	// onePiece is the size in bytes up to which an object never comes in parts.
	onePiece = 5 << 20
)

// note notes that an upload of key may be begun. A size of 0 is not known.
func (u *uploads) note(b storage.Bucket, key string, size int64) error {
	if _, ok := storage.As[storage.PartResumer](b); !ok || size > 0 && size <= onePiece || strings.Contains(key, "\n") {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(u.dir, notesName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(b.URL() + key + "\n")
	return errors.Join(err, f.Close())
}

// abortNoted ends the uploads that may be left of the objects that are noted in a staging directory: of
// those among only, or of all where that is nil.
func (s *Session) abortNoted(ctx context.Context, dir string, only map[string]bool) error {
	f, err := os.Open(filepath.Join(dir, notesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if only != nil && !only[lines.Text()] {
			continue
		}
		if err := s.abortUploadsOf(ctx, lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// abortUploadsOf ends all uploads of one object, whose name no other write has.
func (s *Session) abortUploadsOf(ctx context.Context, url string) error {
	loc, err := s.cfg.Storage.Open(ctx, url)
	if err != nil {
		return err
	}
	r, ok := storage.As[storage.PartResumer](loc.Bucket)
	if !ok {
		return nil
	}
	for u, err := range r.Uploads(ctx, loc.Prefix) {
		if errors.Is(err, storage.ErrNotExist) {
			return nil // there is no bucket
		}
		if err != nil {
			return err
		}
		if u.Key != loc.Prefix {
			continue
		}
		if err := r.AbortUpload(ctx, u); err != nil {
			return err
		}
	}
	return nil
}
