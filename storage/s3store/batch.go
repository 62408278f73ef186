package s3store

import (
	"archive/tar"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// A batch is a tar file that MinIO takes apart as it arrives. Its contents are in memory, and its
// objects become visible one after the other while it is on its way.
const (
	batchObjects = 128 // twice as many are no quicker, and take twice the memory
	batchBytes   = 4 << 20
	tarOverhead  = 2048 // bytes that an object takes in a tar besides its content, about
)

var _ storage.BatchWriter = (*Bucket)(nil)

// BatchLimit is what one request holds with profit. See storage.BatchWriter.
func (b *Bucket) BatchLimit() (objects int, bytes int64) { return batchObjects, batchBytes }

// WriteBatch sends the objects as one tar file, which is a thing of MinIO's; elsewhere it is
// ErrUnsupported. MinIO neither tells what became of them nor keeps a CRC32C of what it
// unpacks, so they are listed afterwards, and one whose ETag is not the MD5 of its content is
// written again by a PUT of its own. Where no ETag is an MD5, as with encryption by default,
// the bucket takes no batches from then on. See storage.BatchWriter.
//
// Objects of a batch have no checksum in the store: Stat tells none, and reading them
// verifies none.
func (b *Bucket) WriteBatch(ctx context.Context, objects []storage.SmallObject) ([]storage.Object, error) {
	if err := b.takesBatches(ctx); err != nil {
		return nil, b.fail(ctx, "create", "", err)
	}
	batch := &batch{b: b, objects: objects, written: make([]storage.Object, len(objects))}
	if err := batch.send(ctx); err != nil {
		return batch.written, b.fail(ctx, "create", "", err)
	}
	return batch.written, batch.writeRest(ctx)
}

// takesBatches reports why the bucket takes none, if so.
func (b *Bucket) takesBatches(ctx context.Context) error {
	if b.c.servers.get() == "" && b.c.strict {
		// Any answer names the server.
		if _, err := b.c.core.BucketExists(ctx, b.name); err != nil {
			return err
		}
	}
	if _, unfit := b.c.unfit.Load(b.name); unfit || b.c.servers.get() != "MinIO" || b.c.cfg.CustomerKey.set {
		return fmt.Errorf("a batch of objects is %w", storage.ErrUnsupported)
	}
	return nil
}

// batch is one call of WriteBatch.
type batch struct {
	b       *Bucket
	objects []storage.SmallObject
	written []storage.Object // beside objects; those with a key have been verified
	digests map[string]int   // by key, the index of what was sent in the tar
}

// send sends what fits into a tar, and learns what arrived. An error says that the service
// could not be asked; that it has refused the tar is none, for single objects may do.
func (t *batch) send(ctx context.Context) error {
	body, err := t.archive(ctx)
	defer func() { t.b.c.tars.Put(&body.headers) }()
	if err != nil || len(t.digests) == 0 {
		return err
	}
	headers := map[string]string{
		"x-amz-meta-snowball-auto-extract": "true",
		"x-amz-checksum-crc32c":            body.crc32c().String(),
	}
	put, err := t.b.c.putOptions(storage.CreateOptions{ContentType: "application/x-tar"}, headers)
	if err != nil {
		return err
	}
	name := "batch-" + strings.ToLower(rand.Text()) + ".tar" // which is not kept
	_, err = t.b.c.core.PutObject(ctx, t.b.name, name, body, body.size(), "", "", put)
	if err == nil {
		return t.verify(ctx)
	}
	if err = t.b.fail(ctx, "create", "", err); ctx.Err() != nil || storage.IsTemporary(err) {
		return err
	}
	return nil
}

// archive is the tar of the objects that one can carry.
func (t *batch) archive(ctx context.Context) (*tarBody, error) {
	buf, ok := t.b.c.tars.Get().(*[]byte)
	if !ok {
		full := make([]byte, 0, len(t.objects)*tarOverhead+1024)
		buf = &full
	}
	out := &tarBody{headers: (*buf)[:0]}
	w := tar.NewWriter(out)
	t.digests = make(map[string]int, len(t.objects))
	for i, o := range t.objects {
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		records, ok := t.carries(o)
		if !ok {
			continue
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: o.Key, Size: int64(len(o.Content)), Format: tar.FormatPAX, PAXRecords: records,
		}
		if w.WriteHeader(header) != nil {
			// A name that tar has no way to write. What is in out is still a whole tar.
			continue
		}
		if err := out.add(w, o.Content); err != nil {
			return out, err
		}
		t.digests[o.Key] = i
	}
	return out, out.end(w)
}

// carries returns an object's attributes as records of a tar, if a tar can carry it.
func (t *batch) carries(o storage.SmallObject) (map[string]string, bool) {
	_, twice := t.digests[o.Key]
	if twice || t.b.c.checkKey(o.Key) != nil || strings.HasSuffix(o.Key, "/") || o.Options.Demands() != nil {
		return nil, false
	}
	put, err := t.b.c.putOptions(o.Options, nil)
	if err != nil {
		return nil, false
	}
	put.StorageClass = "" // it is the tar's
	records := map[string]string{}
	for k, v := range put.Header() {
		if strings.ContainsRune(v[0], 0) {
			return nil, false
		}
		records["minio.metadata."+k] = v[0]
	}
	return records, true
}

// verify lists what has arrived. The listing covers what else lies between the first and the
// last key, and is given up when that is much; a HEAD for each object is then cheaper.
func (t *batch) verify(ctx context.Context) error {
	first, last := "", ""
	for key := range t.digests {
		if first == "" || key < first {
			first = key
		}
		last = max(last, key)
	}
	noOwner := false
	left := 2*len(t.digests) + pageSize
	matched, checked := 0, 0
	for info := range t.b.c.core.ListObjectsIter(ctx, t.b.name, minio.ListObjectsOptions{
		Prefix: commonPrefix(first, last), StartAfter: before(first), Recursive: true,
		FetchOwner: &noOwner, MaxKeys: min(len(t.digests)+1, pageSize),
	}) {
		if info.Err != nil {
			return info.Err
		}
		if i, ok := t.digests[info.Key]; ok {
			checked++
			if t.check(i, listed(info)) {
				matched++
			}
		}
		if left--; info.Key >= last || left == 0 {
			break
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if checked > 0 && matched == 0 {
		t.b.c.unfit.Store(t.b.name, true)
	}
	if left == 0 {
		return t.verifyEach(ctx)
	}
	return nil
}

// verifyEach asks for the objects that the listing did not come to.
func (t *batch) verifyEach(ctx context.Context) error {
	for key, i := range t.digests {
		if t.written[i].Key != "" {
			continue
		}
		o, err := t.b.Stat(ctx, key)
		if err != nil && !errors.Is(err, storage.ErrNotExist) {
			return err
		}
		t.check(i, o)
	}
	return nil
}

// check notes that object i is in the store as it should be, if it is.
func (t *batch) check(i int, o storage.Object) bool {
	want := t.objects[i]
	digest := md5.Sum(want.Content)
	if o.Size != int64(len(want.Content)) || o.ETag != hex.EncodeToString(digest[:]) {
		return false
	}
	told := written(want.Key, o.Size, o.ETag, storage.CRC32C(want.Content), want.Options, &answer{header: http.Header{}})
	told.ModTime, told.StorageClass = o.ModTime, o.StorageClass
	t.written[i] = told
	return true
}

// writeRest writes the objects that are not known to have arrived.
func (t *batch) writeRest(ctx context.Context) error {
	var errs []error
	for i, o := range t.objects {
		if t.written[i].Key != "" {
			continue
		}
		err := t.b.c.checkKey(o.Key)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			errs = append(errs, t.b.fail(ctx, "create", o.Key, err))
			continue
		}
		if t.written[i], err = t.b.put(ctx, o.Key, memory(o.Content), storage.CRC32C(o.Content), o.Options); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// commonPrefix is what both begin with, cut to whole characters.
func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return strings.ToValidUTF8(a[:n], "")
}

// before is a key that sorts before key, and as close as is simple, for the listing starts
// after it: at "part-17" that is "part-16~".
func before(key string) string {
	last := len(key) - 1
	if c := key[last]; c > '0' && c <= 'z' {
		return key[:last] + string(rune(c-1)) + "~"
	}
	return strings.ToValidUTF8(key[:last], "")
}
