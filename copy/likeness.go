package copier

import (
	"strings"
	"time"

	"github.com/skepdata/skep/storage"
)

// likeness is what is known of two objects.
type likeness int

const (
	different likeness = iota
	alike
	unclear // their contents must be looked at
)

func likely(same bool) likeness {
	if same {
		return alike
	}
	return different
}

// compare compares a source with what the destination has under its name, as far as that is
// possible by what has been listed. The reason is in what they differ, if they do.
func (p *planner) compare(s Source, there storage.Object) (likeness, Reason) {
	if s.Size != there.Size {
		return different, ReasonSize
	}
	if e, ok := p.previous[s.Base]; ok && e.etag != "" && e.etag == s.ETag {
		return alike, ReasonManifest
	}
	switch p.opts.Sync.CompareBy {
	case CompareSize:
		return alike, ReasonSize
	case CompareETag:
		if s.ETag != there.ETag && (inParts(s.ETag) || inParts(there.ETag)) {
			return likely(current(s.ModTime, there.ModTime)), ReasonTime
		}
		return likely(s.ETag != "" && s.ETag == there.ETag), ReasonETag
	case CompareChecksum:
		return p.compareChecksum(s, there), ReasonChecksum
	}
	return p.compareTime(s, there), ReasonTime
}

func (p *planner) compareChecksum(s Source, there storage.Object) likeness {
	switch {
	case s.CRC32C.Known && there.CRC32C.Known:
		return likely(s.CRC32C == there.CRC32C)
	case p.sync.flat && s.ETag != "" && s.ETag == there.ETag:
		return alike
	case p.sync.flat && isMD5(s.ETag) && isMD5(there.ETag):
		return different
	}
	return unclear
}

func (p *planner) compareTime(s Source, there storage.Object) likeness {
	if p.opts.Attributes.PreserveTimes && isFiles(p.src.Bucket) && isFiles(p.sync.dest.Bucket) {
		return likely(s.ModTime.Equal(there.ModTime))
	}
	// A copy may look older than it is: by clocks that differ, by stores that tell only seconds, and by
	// times that were preserved and that only metadata tells.
	return likely(current(s.ModTime, there.ModTime) || p.recorded(s, &there))
}

// current reports whether a copy that became visible at the time there is not older than its
// source. Where a store tells only seconds of the source, the copy must be of a later one, unless
// it was given the time of its source.
func current(source, there time.Time) bool {
	if source.Nanosecond() == 0 && !there.Equal(source) {
		source = source.Add(time.Second - 1)
	}
	return !there.Before(source)
}

// inParts reports whether an ETag of S3 depends on the parts in which the object was uploaded.
func inParts(etag string) bool { return strings.Contains(etag, "-") }

// isMD5 reports whether an ETag of S3 looks like the MD5 of the content. That of an encrypted
// object does as well, and differs from it.
func isMD5(etag string) bool {
	return len(etag) == 32 && strings.Trim(etag, "0123456789abcdef") == ""
}
