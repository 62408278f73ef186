package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/storage"
)

// Who reads a whole object is told of bytes that came changed: its bytes are compared with what the service knows of
// it. Over TLS, where no bit is another, only what costs little is.

// doubt is of the ETags of a bucket's objects: of those that were written by one request, or in parts.
type doubt struct {
	bucket string
	parts  bool
}

// doubts reports whether what looks like a digest has turned out to be none.
func (b *Bucket) doubts(d storage.Digest) bool {
	_, none := b.c.doubted.Load(doubt{b.name, d.PartSize > 0})
	return none && d.Doubtful
}

// compare makes the reader compare what comes. Of an object that was written in parts the service is asked for how large
// these are. Who computes the CRC32C by itself does so here only where the service does not tell it.
func (r *reader) compare(summed bool) error {
	o := &r.object
	if o.CRC32C.Known {
		r.verify = !summed
		return nil
	}
	if !o.Digest.Known() && !r.b.c.secure && o.Size > 0 {
		known, err := r.b.Attest(r.ctx, *o)
		if err != nil {
			return err
		}
		o.Digest = known.Digest
	}
	if o.Digest.Known() && (o.Digest.Quick() || !r.b.c.secure) && !r.b.doubts(o.Digest) {
		r.hash = o.Digest.New()
	}
	return nil
}

// compared is the error of a digest that is not the object's. Where it may be that the service means something else by
// what looks like one, the object is read once more: it does if the bytes come in the same way.
func (r *reader) compared() error {
	got, want := r.object.Digest.Of(r.hash), r.object.Digest
	if !got.Differs(want) {
		return nil
	}
	if want.Doubtful {
		again, err := r.b.digestOf(r.ctx, r.object, r.version)
		if err != nil {
			return err
		}
		if !again.Differs(got) {
			r.b.c.doubted.Store(doubt{r.b.name, want.PartSize > 0}, true)
			return nil
		}
	}
	return r.b.fail(r.ctx, "read", r.object.Key,
		fmt.Errorf("%w: the bytes that came have %s, the object has %s", storage.ErrChecksum, got, want))
}

// digestOf reads an object for its digest, of the kind that it says.
func (b *Bucket) digestOf(ctx context.Context, o storage.Object, version string) (storage.Digest, error) {
	r, err := b.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag, VersionID: version, Unverified: true})
	if err != nil {
		return storage.Digest{}, err
	}
	h := o.Digest.New()
	_, err = io.Copy(h, r)
	return o.Digest.Of(h), errors.Join(err, r.Close())
}
