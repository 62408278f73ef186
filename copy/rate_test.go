package copier_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage/storagetest"
)

// Rates are those of the whole job: of all workers, and of small and large objects alike.
func TestRunKeepsToItsRates(t *testing.T) {
	for _, c := range []struct {
		name          string
		objects, size int
		opts          copier.Options
		least, most   time.Duration
	}{
		{"bytes of small objects", 50, 1000, copier.Options{Bandwidth: 10_000, DisableServerCopy: true}, 4 * time.Second, 6 * time.Second},
		{"bytes of parts", 1, 50_000, copier.Options{Bandwidth: 10_000, DisableServerCopy: true}, 4 * time.Second, 6 * time.Second},
		{"requests", 50, 10, copier.Options{RequestRate: 10, DisableServerCopy: true}, 9 * time.Second, 11 * time.Second},
		{"server copies", 50, 10, copier.Options{RequestRate: 10}, 4 * time.Second, 6 * time.Second},
		{"none", 50, 1000, copier.Options{}, 0, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://block/")
				for i := range c.objects {
					src.Put(fmt.Sprintf("a/%03d", i), text(uint64(i), c.size))
				}
				began := time.Now()
				sum, err := copier.Run(t.Context(), at(src, "a/"), at(dest, "b/"), quick(c.opts))
				if err != nil || sum.Outputs != int64(c.objects) {
					t.Fatalf("%+v, %v", sum, err)
				}
				if took := time.Since(began); took < c.least || took > c.most {
					t.Errorf("took %v, want %v to %v", took, c.least, c.most)
				}
				wantCopied(t, src, "a/", dest, "b/")
			})
		})
	}
}
