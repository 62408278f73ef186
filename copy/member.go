package copier

import (
	"strings"
	"time"

	"github.com/skepdata/skep/storage"
)

// member is what grouping remembers of a Source: there is one for every file of the job, so it
// has only what listings, lists and manifests tell, in as little memory as that takes.
type member struct {
	key, etag string
	size      int64
	seconds   int64 // of the time of modification, since 1970
	number    int64 // for --numberFiles
	besides   *besides
	nanos     int32
	base      int32 // how many bytes at the end of the key are its Base; -1 where besides has it
	sum       storage.Checksum
}

// besides is what few files have of their own.
type besides struct {
	base, storageClass, version string
	lost                        error
}

// classes are what files have that differ in nothing but their storage class.
type classes map[string]*besides

func (c classes) member(s Source, number int64) member {
	m := member{
		key: s.Key, etag: s.ETag, size: s.Size, number: number, sum: s.CRC32C,
		seconds: s.ModTime.Unix(), nanos: int32(s.ModTime.Nanosecond()), base: -1,
	}
	if strings.HasSuffix(s.Key, s.Base) {
		m.base = int32(len(s.Base))
	}
	own := besides{storageClass: s.StorageClass, version: s.VersionID, lost: s.lost}
	if m.base < 0 {
		own.base = s.Base
	}
	switch common := (besides{storageClass: s.StorageClass}); {
	case own == besides{}:
	case own == common:
		if c[s.StorageClass] == nil {
			c[s.StorageClass] = &own
		}
		m.besides = c[s.StorageClass]
	default:
		m.besides = &own
	}
	return m
}

func (m member) source() Source {
	s := Source{Object: storage.Object{
		Key: m.key, Size: m.size, ModTime: time.Unix(m.seconds, int64(m.nanos)).UTC(), ETag: m.etag, CRC32C: m.sum,
	}}
	if m.base >= 0 {
		s.Base = m.key[len(m.key)-int(m.base):]
	}
	if b := m.besides; b != nil {
		s.StorageClass, s.VersionID, s.lost = b.storageClass, b.version, b.lost
		if m.base < 0 {
			s.Base = b.base
		}
	}
	return s
}
