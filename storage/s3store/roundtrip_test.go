package s3store_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// How far a service is, is known from requests that were made anyway.
func TestRoundTrip(t *testing.T) {
	p := newProxy(t)
	if got := p.bucket.RoundTrip(); got != 0 {
		t.Errorf("%s before the first request, want 0", got)
	}
	_, _ = p.bucket.Stat(t.Context(), "nothing") // an answer all the same
	first := p.bucket.RoundTrip()
	if first <= 0 {
		t.Errorf("%s after a request", first)
	}
	p.wantSent(t, "asking how far it is", "HEAD")
	for range 5 {
		_, _ = p.bucket.Stat(t.Context(), "nothing")
	}
	if got := p.bucket.RoundTrip(); got <= 0 || got > first {
		t.Errorf("%s after some more, want no more than the first %s", got, first)
	}
	if runtime.GOOS != "linux" {
		return // there are no links elsewhere
	}
	const away = 50 * time.Millisecond
	link, err := testenv.StartLink(testenv.MinIO(t), away)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	far := newClient(t, &link.S3, s3store.Config{}).Bucket(link.Bucket)
	_, _ = far.Stat(t.Context(), "nothing")
	if got := far.RoundTrip(); got < away {
		t.Errorf("%s to a service that is %s away", got, away)
	}
	if r, ok := storage.As[storage.Remote](storage.Bucket(far)); !ok || r.RoundTrip() != far.RoundTrip() {
		t.Error("it is no storage.Remote")
	}
}
