package copier

import (
	"cmp"
	"slices"

	"github.com/skepdata/skep/storage"
)

// existingRecorded copies what the journal does not know, or knows in other versions than the
// listings of both sides have now.
const existingRecorded Existing = "recorded"

// useJournal makes a job that replaces everything leave alone what its journal says is as it was.
// Jobs whose outputs are not each one source under its own name copy all again, but those that
// group, which have their own records; so do those that delete sources, which must be copied first.
func (o *Options) useJournal() {
	if o.Journal == nil || len(o.Journal.done) == 0 || o.Sync.Existing != ExistingReplace ||
		o.GroupBy != "" || o.OutputCodec != CodecKeep || o.NumberFiles || o.CopyFromManifest || o.DeleteOnSuccess {
		return
	}
	o.Sync.Existing = existingRecorded
}

// recorded reports whether there is what was made of s, and both are as they were then.
func (p *planner) recorded(s Source, there *storage.Object) bool {
	if there == nil || there.ETag == "" || p.opts.Journal == nil {
		return false
	}
	done := p.opts.Journal.done // nobody writes to it any more
	key := hashOutput(p.sync.dest.Bucket.URL(), there.Key)
	i, ok := slices.BinarySearchFunc(done, key, func(d doneEntry, key uint64) int { return cmp.Compare(d.key, key) })
	return ok && done[i].version == hashVersions(s, *there)
}

// journalDone records an output that is visible.
func (j *job) journalDone(t Task, res result) {
	jo := j.opts.Journal
	if jo == nil || t.Sources.Len() != 1 || res.object.ETag == "" {
		return
	}
	key := hashOutput(j.dest.Bucket.URL(), j.dir+t.Key)
	version := hashVersions(t.Sources.First(), res.object)
	jo.mu.Lock()
	defer jo.mu.Unlock()
	if jo.lines >= 2*maxDone {
		return
	}
	jo.appendDone(doneEntry{key, version})
	if res.method == methodParts {
		jo.flush() // it would be much to copy again
	}
	jo.flushFull()
}

func hashOutput(bucket, key string) uint64 { return hashText(hashText(fnvBasis, bucket), key) }

// hashVersions stands for a version of a source and the version of the output made of it.
func hashVersions(s Source, there storage.Object) uint64 {
	h := hashSource(fnvBasis, s)
	return hashInt(hashText(h, there.ETag), there.Size)
}

func hashSource(h uint64, s Source) uint64 {
	h = hashText(hashText(hashText(h, s.Key), s.ETag), s.VersionID)
	h = hashInt(h, s.Size)
	if !s.ModTime.IsZero() {
		h = hashInt(h, s.ModTime.UnixNano())
	}
	return h
}

// FNV-1a of 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/. Here it takes no allocation.
const (
	fnvBasis uint64 = 14695981039346656037
	fnvPrime uint64 = 1099511628211
)

// hashText adds a text and its end.
func hashText(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return (h ^ 0xff) * fnvPrime
}

func hashInt(h uint64, n int64) uint64 {
	for range 8 {
		h = (h ^ uint64(n&0xff)) * fnvPrime
		n >>= 8
	}
	return h
}
