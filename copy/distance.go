package copier

import (
	"time"

	"github.com/skepdata/skep/storage"
)

// A service that answers within nearWithin is on this machine, or in the next rack: its processors, and
// ours, are what a copy waits for. From one farther away each transfer takes a while to be at full
// speed, and several make up for each other's.
const nearWithin = 5 * time.Millisecond

// What a service is given of an object, or asked for: parts so large that some are worth their requests, and
// so many that they can be on their way at once.
const (
	farParts    = 16
	nearParts   = 8 // that are written to files
	largestPart = 64 << 20
)

// roundTrip is the longer of those to the two services, as far as their answers have told; 0 if
// they have not, or both sides are local.
func (j *job) roundTrip() (longest time.Duration) {
	for _, b := range []storage.Bucket{j.src.Bucket, j.dest.Bucket} {
		if r, ok := storage.As[storage.Remote](b); ok {
			longest = max(longest, r.RoundTrip())
		}
	}
	return longest
}

// near reports whether a service is near, and far whether one is far; there may be none at all.
func near(roundTrip time.Duration) bool { return 0 < roundTrip && roundTrip < nearWithin }
func far(roundTrip time.Duration) bool  { return roundTrip >= nearWithin }

// choosePartSize is the size of the parts of an output of size bytes, where the user does not say. inMemory
// says that parts are held there while they are on their way, and toFiles that a service is asked for them:
// a near one is faster with larger ones then, but not where it is sent them.
func choosePartSize(size int64, roundTrip time.Duration, inMemory, toFiles bool) int64 {
	var parts int64
	switch {
	case inMemory:
	case far(roundTrip):
		parts = farParts
	case near(roundTrip) && toFiles:
		parts = nearParts
	}
	if parts == 0 {
		return DefaultPartSize
	}
	const mib = 1 << 20
	part := (size/parts + mib - 1) / mib * mib
	return min(max(part, DefaultPartSize), largestPart)
}

// partSizeOf is the size of the parts of an output, which the store may raise. An upload that was begun
// goes on with its own. Otherwise they begin and end with those that its source was written in, if that is known.
func (j *job) partSizeOf(t Task, theirs int64) int64 {
	if j.opts.PartSize > 0 {
		return j.opts.PartSize
	}
	if j.remembers(j.dir + t.Key) {
		b := j.opts.Journal.uploadOf(j.dest.Bucket.URL(), j.dir+t.Key)
		if b != nil && b.Size == t.Size() && b.Version == versionOf(t) {
			return b.PartSize
		}
	}
	size := choosePartSize(t.Size(), j.roundTrip(), j.holdsParts(), isFiles(j.dest.Bucket))
	return alongParts(size, theirs, j.holdsParts())
}

// holdsParts reports whether a part is in memory as a whole while it is being written: stores that
// are sent its checksum first need that, unless it comes from a local file.
func (j *job) holdsParts() bool { return isFlat(j.dest.Bucket) && !isFiles(j.src.Bucket) }
