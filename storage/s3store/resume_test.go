package s3store_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
)

// An upload that was completed while its client went away is none, whatever the service says.
func TestUploadsThatHaveEnded(t *testing.T) {
	b := newBucket(t)
	for n := range 40 {
		u, err := b.CreateParts(t.Context(), "k", storage.CreateOptions{Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.WritePart(t.Context(), 0, bytes.NewReader([]byte("x")), 1); err != nil {
			t.Fatal(err)
		}
		_ = b.CompleteCut(u.(storage.Named).ID(), time.Duration(n)*150*time.Microsecond) // it may have been quicker
	}
	// Some may still be completed while they are listed; in the end all that are listed are uploads.
	deadline := time.Now().Add(time.Minute)
	for ended := endedUploads(t, b); len(ended) > 0; ended = endedUploads(t, b) {
		if time.Now().After(deadline) {
			t.Fatalf("%d uploads are listed that have ended, as %s", len(ended), ended[0])
		}
	}
}

// endedUploads are those that are listed and cannot be gone on with.
func endedUploads(t *testing.T, b *s3store.Bucket) (ended []string) {
	for p, err := range b.Uploads(t.Context(), "k") {
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.ResumeParts(t.Context(), p.Key, storage.CreateOptions{Size: 1}, p.ID); err != nil {
			ended = append(ended, p.ID)
		}
	}
	return ended
}
