package s3store_test

import (
	"slices"
	"testing"

	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// proxy is a bucket of the test's own, by two ways.
type proxy struct {
	*testenv.Proxy
	bucket *s3store.Bucket // by way of the proxy
	direct *s3store.Bucket // past it
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	s := testenv.MinIO(t)
	p := &proxy{Proxy: testenv.NewProxy(t, s)}
	p.direct = newClient(t, s, s3store.Config{PartSize: 5 * mib}).Bucket(s.Bucket)
	p.bucket = newClient(t, &p.S3, s3store.Config{PartSize: 5 * mib, Attempts: 3}).Bucket(s.Bucket)
	return p
}

func (p *proxy) wantSent(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := p.Requests(); !slices.Equal(got, want) {
		t.Errorf("%s: sent %q, want %q", what, got, want)
	}
}
