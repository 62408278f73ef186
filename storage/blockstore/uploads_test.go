package blockstore

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

const (
	uploadPart = 64 << 10
	partCount  = 7
)

// uploadContent is three blocks and a bit.
func uploadContent() string { return letters((partCount-1)*uploadPart + 5000) }

func uploadOptions(content string) storage.CreateOptions {
	return storage.CreateOptions{Size: int64(len(content)), PartSize: uploadPart, ContentType: "text/csv", Resumable: true}
}

func sendPart(ctx context.Context, u storage.Upload, n int, content string) error {
	piece := content[n*uploadPart : min((n+1)*uploadPart, len(content))]
	_, err := u.WritePart(ctx, n, strings.NewReader(piece), int64(len(piece)))
	return err
}

// beginUpload begins an upload of "a" and writes some of its parts.
func beginUpload(t *testing.T, b *Bucket, content string, parts ...int) storage.Upload {
	t.Helper()
	u, err := b.CreateParts(t.Context(), "a", uploadOptions(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range parts {
		if err := sendPart(t.Context(), u, n, content); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

func uploadsOf(t *testing.T, b *Bucket) (all []storage.PendingUpload) {
	t.Helper()
	for u, err := range b.Uploads(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}

// finishUpload goes on with the only upload, writes what is missing and commits it. It returns how many
// parts were there.
func finishUpload(t *testing.T, b *Bucket, content string) int {
	t.Helper()
	all := uploadsOf(t, b)
	if len(all) != 1 {
		t.Fatalf("there are the uploads %v, want one", all)
	}
	u, done, err := b.ResumeParts(t.Context(), all[0].Key, uploadOptions(content), all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	there := map[int]bool{}
	for _, p := range done {
		there[p.N] = true
	}
	for n := range partCount {
		if there[n] {
			continue
		}
		if err := sendPart(t.Context(), u, n, content); err != nil {
			t.Fatal(err)
		}
	}
	o, err := u.Commit(t.Context())
	if err != nil || o.ContentType != "text/csv" || o.CRC32C != storage.CRC32C([]byte(content)) {
		t.Fatalf("commit: %+v, %v", o, err)
	}
	return len(done)
}

// wantClean reads "a", and wants nothing else to be left of anything.
func wantClean(t *testing.T, b *Bucket, content string) {
	t.Helper()
	wantContent(t, b, "a", content)
	put(t, b, "next", "writer")
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	wantKinds(t, openStoreOf(t, b), CheckOptions{Deep: true}, "")
}

// TestResumeAtEveryStep ends the process, as it were, before each operation on a file and before and after
// each commit of an upload, one in each run. The next process goes on with it; where there is none of it,
// it was committed, or had not been begun.
func TestResumeAtEveryStep(t *testing.T) {
	t.Parallel()
	content := uploadContent()
	first, stride := strides(t)
	for at, more := first, true; more; at += stride {
		b := newBucket(t, testBlock, 2)
		b.found.replication = 1 + at%2
		layer := faulty(t, b)
		n := crashAt(layer, b.open.ns, at, "read", "free")
		sent := 0
		u, err := b.CreateParts(t.Context(), "a", uploadOptions(content))
		for ; err == nil && sent < partCount; sent++ {
			err = sendPart(t.Context(), u, sent, content)
		}
		if err == nil {
			_, err = u.Commit(t.Context())
		}
		if more = *n >= at; more && err == nil {
			t.Fatalf("step %d did not stop it", at)
		}
		if err := b.uploads.leaveAll(); err != nil {
			t.Error(err)
		}
		die(t, b)
		next := openAt(t, "test", testBlock, b.roots...)
		if len(uploadsOf(t, next)) > 0 {
			put(t, next, "other", "writer") // which cleans up after the dead one
			if there := finishUpload(t, next, content); there < sent-1 {
				t.Errorf("%d parts were there, %d were written", there, sent)
			}
		} else if _, err := next.Stat(t.Context(), "a"); err != nil {
			put(t, next, "a", content)
		}
		if n, err := next.open.reclaimUploads(t.Context(), 0); n > 0 || err != nil { // locks of those that ended
			t.Errorf("%d uploads were left, %v", n, err)
		}
		wantClean(t, next, content)
		if err := next.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("step %d", at)
		}
	}
}

// TestUploadInUse has another process want what one has.
func TestUploadInUse(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	content := uploadContent()
	u := beginUpload(t, b, content, 0, 3)
	other := openAt(t, "test", testBlock, b.roots...)
	all := uploadsOf(t, other)
	if len(all) != 1 {
		t.Fatalf("there are %v", all)
	}
	if err := other.AbortUpload(t.Context(), all[0]); !errors.Is(err, errUploadInUse) {
		t.Errorf("abort what another process writes: %v", err)
	}
	if _, _, err := other.ResumeParts(t.Context(), "a", uploadOptions(content), all[0].ID); !errors.Is(err, errUploadInUse) {
		t.Errorf("go on with what another process writes: %v", err)
	}
	report := repair(t, openStoreOf(t, other), RepairOptions{Grace: time.Nanosecond})
	if report.Uploads != 0 || report.Orphans != 0 {
		t.Errorf("a repair meanwhile: %+v", report)
	}
	wantKinds(t, openStoreOf(t, other), CheckOptions{Deep: true}, "")
	for n := range partCount {
		if n == 0 || n == 3 {
			continue
		}
		if err := sendPart(t.Context(), u, n, content); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := u.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantClean(t, b, content)
}

// TestAbandonedUploads leaves uploads behind. They stay for a while, and go then.
func TestAbandonedUploads(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	beginUpload(t, b, uploadContent(), 0, 1)
	id := uploadsOf(t, b)[0].ID
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	next := openAt(t, "test", testBlock, b.roots...)
	put(t, next, "x", "y")
	wantKinds(t, openStoreOf(t, next), CheckOptions{Deep: true}, "")
	if report := repair(t, openStoreOf(t, next), RepairOptions{}); report.Uploads != 0 || report.Orphans != 0 {
		t.Errorf("a repair has removed %+v", report)
	}
	if len(uploadsOf(t, next)) != 1 || len(blockFiles(t, next)) == 0 {
		t.Fatal("the upload is gone")
	}
	age := func(started, written time.Duration) {
		t.Helper()
		_, err := next.open.ns.writes.ExecContext(t.Context(), "UPDATE uploads SET started = ?", time.Now().Add(-started).UnixNano())
		when := time.Now().Add(-written)
		if err := errors.Join(err, os.Chtimes(next.open.lockOfUpload(id), when, when)); err != nil {
			t.Fatal(err)
		}
	}
	writes := func() {
		t.Helper()
		w := openAt(t, "test", testBlock, b.roots...)
		put(t, w, "x", "z")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	age(2*graceOfUploads, time.Hour)
	writes()
	if len(uploadsOf(t, next)) != 1 {
		t.Error("an upload that was written lately is gone")
	}
	age(2*graceOfUploads, graceOfUploads+time.Hour)
	writes()
	if left := leftovers(t, next); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}

	// A repair takes its own time, and a new upload of the key takes the place of one that nobody has.
	beginUpload(t, next, uploadContent(), 2)
	if err := next.uploads.leaveAll(); err != nil {
		t.Fatal(err)
	}
	beginUpload(t, next, uploadContent(), 4)
	if all := uploadsOf(t, next); len(all) != 1 {
		t.Errorf("there are the uploads %v, want one", all)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	last := openAt(t, "test", testBlock, b.roots...)
	if report := repair(t, openStoreOf(t, last), RepairOptions{Grace: time.Nanosecond}); report.Uploads != 1 {
		t.Errorf("a repair has removed %+v", report)
	}
	put(t, last, "x", "y")
	if left := leftovers(t, last); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestResumeReadsParts spoils what was written, by a power failure as it were: parts that are not what
// they were are written again.
func TestResumeReadsParts(t *testing.T) {
	content := uploadContent()
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, paths []string)
		there int
	}{
		{"nothing", func(*testing.T, []string) {}, 5},
		{"a bit", func(t *testing.T, paths []string) { fatal(t, flip(paths[0], 10)) }, 4},
		{"the end of a block", func(t *testing.T, paths []string) { fatal(t, os.Truncate(paths[1], uploadPart)) }, 4},
		{"a block", func(t *testing.T, paths []string) { fatal(t, os.Remove(paths[0])) }, 3},
		{"all blocks", func(t *testing.T, paths []string) {
			for _, path := range paths {
				fatal(t, os.Remove(path))
			}
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBucket(t, testBlock, 1)
			beginUpload(t, b, content, 0, 1, 2, 3, 4)
			paths := blockFiles(t, b) // in the order of their numbers
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			test.spoil(t, paths)
			next := openAt(t, "test", testBlock, b.roots...)
			if got := finishUpload(t, next, content); got != test.there {
				t.Errorf("%d parts were there, want %d", got, test.there)
			}
			wantClean(t, next, content)
		})
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestResumeWithOtherSettings goes on with an upload on fewer disks and in a volume of other blocks.
func TestResumeWithOtherSettings(t *testing.T) {
	content := uploadContent()
	b, s := newReplicated(t, 3, 2)
	beginUpload(t, b, content, 0, 1, 2, 3)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	fatal(t, s.ChangeVolume(t.Context(), "test", func(v *VolumeSettings) { v.BlockSize = chunkSize }))
	next := openAt(t, "test", testBlock, b.roots[:2]...)
	if got := finishUpload(t, next, content); got != 4 {
		t.Errorf("%d parts were there, want 4: each has a replica left", got)
	}
	wantContent(t, next, "a", content)
	fatal(t, next.Close())
	whole := openAt(t, "test", testBlock, b.roots...)
	repair(t, openStoreOf(t, whole), RepairOptions{})
	wantClean(t, whole, content)
}
