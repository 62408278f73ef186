package copier_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/storage/storagetest"
	"github.com/skepdata/skep/testenv"
)

// TestForeignFilesThroughAFlippingProxy merges files that another program has put into a real server, which keeps nothing
// but the MD5 of them, over plain HTTP that changes bits. What comes is right.
func TestForeignFilesThroughAFlippingProxy(t *testing.T) {
	p := testenv.NewProxy(t, testenv.MinIO(t))
	client, err := s3store.New(p.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	core, err := minio.NewCore(strings.TrimPrefix(p.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(p.AccessKey, p.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	dest := storagetest.NewMem("block://out/")
	for suffix, files := range damages(t) {
		for i, content := range files {
			_, err := core.PutObject(t.Context(), p.Bucket, fmt.Sprintf("in%s/day-%d%s", suffix, i, suffix), strings.NewReader(content),
				int64(len(content)), "", "", minio.PutObjectOptions{DisableContentSha256: true})
			if err != nil {
				t.Fatal(err)
			}
		}
		merge := func(dir string) string {
			t.Helper()
			opts := quick(copier.Options{GroupBy: `.*/(day)-.*`, Retries: 30})
			if _, err := copier.Run(t.Context(), at(client.Bucket(p.Bucket), "in"+suffix+"/"), at(dest, dir), opts); err != nil {
				t.Fatal(err)
			}
			content, _ := dest.Content(dir + "/day" + suffix)
			return content
		}
		want := merge("peace" + suffix)
		flips := &objectFlips{random: rand.New(rand.NewPCG(7, 7))}
		p.Change(nil, flips.change)
		for i := range 10 {
			if got := merge(fmt.Sprint(i, suffix)); got != want {
				t.Fatalf("%s: run %d made another output", suffix, i)
			}
		}
		p.Change(nil, nil)
		if flips.did < 10 {
			t.Errorf("%s: %d answers were changed", suffix, flips.did)
		}
	}
}

// objectFlips changes a bit in every fourth answer that has bytes of an object. Listings have no sums.
type objectFlips struct {
	mu     sync.Mutex
	random *rand.Rand
	did    int
}

func (f *objectFlips) change(r *http.Response) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Request.Method == http.MethodGet && strings.Contains(r.Request.URL.Path, "/day-") && r.ContentLength > 0 && f.random.IntN(4) == 0 {
		f.did++
		r.Body = testenv.FlipBit(r.Body, f.random.Int64N(r.ContentLength))
	}
	return nil
}
