package s3store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/storage/storagetest"
	"github.com/skepdata/skep/testenv"
)

const mib = 1 << 20

// newBucket is an empty bucket on the real server, with parts as small as S3 allows.
func newBucket(t testing.TB) *s3store.Bucket {
	t.Helper()
	s := testenv.MinIO(t)
	return newClient(t, s, s3store.Config{PartSize: 5 * mib}).Bucket(s.Bucket)
}

// newClient is a client of the test's server with settings of its own.
func newClient(t testing.TB, s *testenv.S3, settings s3store.Config) *s3store.Client {
	t.Helper()
	cfg := s.Config()
	cfg.PartSize, cfg.Attempts = settings.PartSize, settings.Attempts
	c, err := s3store.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestConformance(t *testing.T) {
	storagetest.Run(t, storagetest.Config{
		New:     func(t testing.TB) storage.Bucket { return newBucket(t) },
		Holds:   held,
		Shadows: true,
		NoACL:   true,
		Missing: func(t testing.TB) storage.Bucket {
			return newBucket(t).Client().Bucket("no-such-bucket-here")
		},
		Leftovers: pendingUploads,
		Sizes:     []int64{5*mib - 1, 5 * mib, 5*mib + 1, 11 * mib},
	})
}

// held tells the keys that MinIO holds.
func held(key string) bool {
	const directory = "__XLDIR__" // is what MinIO puts in place of a slash at the end
	if name, ok := strings.CutSuffix(key, "/"); ok && len(name[strings.LastIndexByte(name, '/')+1:]+directory) > 255 {
		return false
	}
	if !utf8.ValidString(key) || strings.TrimSpace(key) == "" || strings.Contains(key, "\x00") || len(key) > 1024 {
		return false
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSuffix(key, "/"), `\`, "/"), "/") {
		if segment = strings.TrimSpace(segment); segment == "." || segment == ".." {
			return false
		}
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if segment == "" || len(segment) > 255 {
			return false
		}
	}
	return true
}

// pendingUploads lists multipart uploads that have neither been completed nor aborted.
func pendingUploads(t testing.TB, b storage.Bucket) []string {
	t.Helper()
	s3, ok := storage.As[*s3store.Bucket](b)
	if !ok {
		t.Fatalf("%T is no S3 bucket", b)
	}
	uploads, err := s3.PendingUploads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return uploads
}
