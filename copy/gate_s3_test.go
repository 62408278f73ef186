package copier

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// TestGateAtABusyServer copies to a real server that asks for fewer requests now and then: everything
// arrives, and there are fewer transfers at once in the end.
func TestGateAtABusyServer(t *testing.T) {
	p := testenv.NewProxy(t, testenv.MinIO(t))
	client, err := s3store.New(p.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	dir := t.TempDir()
	const objects = 400
	for i := range objects {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(fmt.Sprint("content ", i)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filestore.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.SetFaults(testenv.Faults{Busy: 0.2, Seed: 5})
	dest := storage.Location{Bucket: client.Bucket(p.Bucket), Prefix: "busy/"}
	j, err := newJob(storage.Location{Bucket: files}, dest, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sum, err := j.rec.summary(); err != nil || sum.Objects != objects {
		t.Errorf("copied %d objects of %d, %v", sum.Objects, objects, err)
	}
	if got, want := j.throttled(), int64(p.Injected()["busy"]); got != want || want < objects/10 {
		t.Errorf("%d answers that ask for fewer requests were counted, want %d", got, want)
	}
	if j.gate.limit >= firstLimit {
		t.Errorf("the limit is %d, want less than %d", j.gate.limit, firstLimit)
	}
}
