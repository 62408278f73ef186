package copier

import (
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// away is a bucket that answers after a while, or is none of a service.
type away struct {
	storage.Bucket
	url string
	rtt time.Duration
}

func (a away) URL() string              { return a.url }
func (a away) RoundTrip() time.Duration { return a.rtt }

func TestPartSizes(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	const s3, file = "s3://lake/", "file:///"
	for _, x := range []struct {
		name      string
		src, dest string
		rtt       time.Duration
		option    int64
		size      int64
		want      int64
	}{
		{"unknown", file, s3, 0, 0, gib, 16 * mib},
		{"upload near", file, s3, time.Millisecond, 0, 100 * gib, 16 * mib},
		{"upload far, of some parts", file, s3, 20 * time.Millisecond, 0, 200 * mib, 16 * mib},
		{"upload far", file, s3, 20 * time.Millisecond, 0, 500 * mib, 32 * mib},
		{"upload far, of many parts", file, s3, 20 * time.Millisecond, 0, 100 * gib, 64 * mib},
		{"download far", s3, file, 20 * time.Millisecond, 0, gib, 64 * mib},
		{"download near", s3, file, 4 * time.Millisecond, 0, gib, 64 * mib},
		{"download near, of some parts", s3, file, 4 * time.Millisecond, 0, 205 * mib, 26 * mib},
		{"download near, small", s3, file, 4 * time.Millisecond, 0, 100 * mib, 16 * mib},
		{"far, but parts are in memory", s3, s3, 20 * time.Millisecond, 0, gib, 16 * mib},
		{"far, but the user knows better", file, s3, 20 * time.Millisecond, 8 * mib, gib, 8 * mib},
	} {
		j := &job{opts: Options{PartSize: x.option}}
		j.src.Bucket, j.dest.Bucket = away{url: x.src}, away{url: x.dest, rtt: x.rtt}
		if x.dest == file {
			j.src.Bucket, j.dest.Bucket = away{url: x.src, rtt: x.rtt}, away{url: x.dest}
		}
		task := Task{Key: "k", Sources: SourcesOf(Source{Object: storage.Object{Key: "k", Size: x.size}})}
		if got := j.partSizeOf(task, 0); got != x.want {
			t.Errorf("%s: parts of %d bytes, want %d", x.name, got, x.want)
		}
	}
}

func TestPartsAlongThoseOfOthers(t *testing.T) {
	const mib = 1 << 20
	for _, x := range []struct {
		want, theirs int64
		inMemory     bool
		part         int64
	}{
		{16 * mib, 0, false, 16 * mib},
		{16 * mib, 5 * mib, false, 15 * mib},
		{16 * mib, 8 * mib, true, 16 * mib},
		{16 * mib, 10 * mib, true, 20 * mib},
		{64 * mib, 10 * mib, false, 60 * mib},
		{16 * mib, 50 * mib, false, 50 * mib},
		{16 * mib, 50 * mib, true, 16 * mib}, // too much to hold
		{16 * mib, 100 * mib, false, 16 * mib},
		{100 * mib, 100 * mib, true, 100 * mib},
		{16 * mib, 7, false, 16 * mib / 7 * 7},
	} {
		if got := alongParts(x.want, x.theirs, x.inMemory); got != x.part {
			t.Errorf("%d along %d: %d, want %d", x.want, x.theirs, got, x.part)
		}
	}
}
