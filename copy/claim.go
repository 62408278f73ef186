package copier

import (
	"context"
	"errors"
	"fmt"

	"github.com/skepdata/skep/storage"
)

// A claim is what a source's store knows of its content instead of the CRC32C, which distcp computes anyway. Bytes that
// are read in parts by many are compared with it where the digests of the parts can be joined. So parts begin and end
// where those do that the object was written in.

// claimOf asks for what the store of an output's only source has, which it has told of as first. It takes no request where
// that is the CRC32C, or nothing has to be compared.
func (j *job) claimOf(ctx context.Context, t Task, first storage.Object) (storage.Digest, error) {
	s := t.Sources.First()
	a, ok := storage.As[storage.Attester](j.bucketOf(s))
	if !ok || a.Exact() || t.Sources.Len() != 1 || !j.opts.Verify.digests() || s.CRC32C.Known || first.CRC32C.Known {
		return storage.Digest{}, nil
	}
	o := s.Object
	if first.Digest.Known() {
		o.Digest = first.Digest
	}
	o, err := a.Attest(ctx, o)
	switch {
	case err == nil:
		return o.Digest, nil
	case errors.Is(err, storage.ErrChanged) || storage.IsTemporary(err):
		return storage.Digest{}, err
	}
	return storage.Digest{}, nil // who may not ask goes without
}

// alongParts is a size of parts near the one that is wanted, at whose ends those end that the object was written in. It is
// the one that is wanted if theirs are too large for that.
func alongParts(want, theirs int64, inMemory bool) int64 {
	most := int64(largestPart)
	if inMemory {
		most = 2 * DefaultPartSize
	}
	if theirs <= 0 || theirs > max(want, most) {
		return want
	}
	return max((want+theirs/2)/theirs, 1) * theirs
}

// meets compares all that was read of an output's only source with what the store has. compared is false where there is
// nothing to compare, as of parts that another run has written that did not know.
func (j *job) meets(ctx context.Context, u *upload, sum storage.Checksum) (compared bool, err error) {
	if !u.claim.Known() {
		return false, nil
	}
	var ranges []storage.RangeSum
	for n, digest := range u.digests {
		ranges = append(ranges, storage.RangeSum{Sum: digest, Size: u.sizeOf(n)})
	}
	got := u.claim.Join(ranges)
	if !got.Differs(u.claim) {
		return got.Known(), nil
	}
	s := u.task.Sources.First()
	if none, err := j.isNone(ctx, s, u.claim, sum); none || err != nil {
		return none, err
	}
	return true, &storage.Error{Op: "read", URL: j.urlOf(s), Err: fmt.Errorf(
		"%w: the bytes that came have %s, the object has %s", storage.ErrChecksum, got, u.claim)}
}

// isNone reports whether what only looks like a digest of a source is none, since its bytes come once more as they came,
// with that sum. The store knows that from then on.
func (j *job) isNone(ctx context.Context, s Source, d storage.Digest, sum storage.Checksum) (bool, error) {
	if !d.Doubtful {
		return false, nil
	}
	again, err := contentCRC32C(ctx, j.bucketOf(s), s.Object, make([]byte, 1<<20), func(int) {})
	if err != nil {
		return false, fmt.Errorf("read the source again: %w", err)
	}
	return again == sum, nil
}
