package copier_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// Random jobs must do what the ten lines of serial do.
func TestRandomJobsAgainstASerialCopy(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 99))
		src, dest, want := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/"), map[string]string{}
		for range r.IntN(40) {
			key := fmt.Sprintf("%c%s%d-%d", 'a'+r.IntN(3), []string{"/", "-", "/x/"}[r.IntN(3)], r.IntN(5), r.IntN(5))
			src.Put(key, text(r.Uint64(), r.IntN(200)*r.IntN(50)))
		}
		opts := quick(copier.Options{
			SrcPattern: []string{"", ".*/.*", ".*[0-3]"}[r.IntN(3)], GroupBy: []string{"", `.*/([^/]*)-\d`, `.*(\d)-(\d)`}[r.IntN(3)],
			TargetSize: int64(r.IntN(3) * 3000), NumberFiles: r.IntN(4) == 0, StartingIndex: int64(r.IntN(20)),
			Workers: 1 + r.IntN(8), PartSize: int64(1 + r.IntN(5000)), DisableParts: r.IntN(3) == 0, DisableServerCopy: r.IntN(3) == 0,
		})
		prefix := []string{"", "a", "b/"}[r.IntN(3)]
		serial(t, at(src, prefix), opts, want)
		if _, err := copier.Run(t.Context(), at(src, prefix), at(dest, "o"), opts); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		wantContents(t, dest, want)
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, opts)
		}
	}
}

// serial is a copy job in its simplest form.
func serial(t *testing.T, src storage.Location, opts copier.Options, into map[string]string) {
	for task, err := range copier.Plan(t.Context(), src, opts) {
		if err != nil {
			t.Fatal(err)
		}
		content := ""
		for _, s := range task.Sources.All() {
			c, _ := src.Bucket.(*storagetest.Mem).Content(s.Key)
			content += c
		}
		into[path.Join("o", task.Key)] = content
	}
}
