package copier_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// batching is a store whose batches lose every lose-th object, damage every damage-th, or are
// not taken at all.
type batching struct {
	*storagetest.Mem
	lose, damage int
	refuse       bool
	batches      atomic.Int64
}

func (b *batching) WriteBatch(ctx context.Context, objects []storage.SmallObject) ([]storage.Object, error) {
	b.batches.Add(1)
	if b.refuse {
		return nil, &storage.Error{Op: "create", URL: b.URL(), Err: storage.ErrUnsupported}
	}
	written, err := b.Mem.WriteBatch(ctx, objects)
	for i := range written {
		switch {
		case b.lose > 0 && i%b.lose == 0:
			err = errors.Join(err, &storage.Error{Op: "create", URL: b.URL() + objects[i].Key, Err: errors.New("lost")}, b.Delete(ctx, objects[i].Key))
			written[i] = storage.Object{}
		case b.damage > 0 && i%b.damage == 0:
			written[i] = b.Put(objects[i].Key, "other")
		}
	}
	return written, err
}

// Small objects go in batches, the others by themselves, and so do those whose batch failed.
func TestBatches(t *testing.T) {
	for _, c := range []struct {
		name    string
		dest    *batching
		batched int
	}{
		{"all is well", &batching{}, 251},
		{"some are lost", &batching{lose: 10}, 225},
		{"some are damaged", &batching{damage: 10}, 225},
		{"not taken", &batching{refuse: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := storagetest.NewMem("file:///")
			for i := range 250 {
				src.Put(fmt.Sprintf("in/%03d", i), text(uint64(i), 10*i))
			}
			src.Put("in/limit", text(1, 64<<10))
			src.Put("in/more", text(2, 64<<10+1))
			src.Put("in/parts", text(3, 300<<10))
			c.dest.Mem = storagetest.NewMem("s3://lake/")
			methods := map[string]int{}
			var progress int64
			sum, err := copier.Run(t.Context(), at(src, "in/"), at(c.dest, "to/"), quick(copier.Options{
				Batch: true, DisableServerCopy: true, PartSize: 100 << 10, Report: func(e copier.Event) {
					switch e.Kind {
					case copier.Copied:
						methods[e.Method]++
					case copier.Progress:
						progress += e.Bytes
					}
				},
			}))
			if err != nil || sum.Outputs != 253 || progress != sum.Bytes {
				t.Fatalf("%+v, progress %d, %v", sum, progress, err)
			}
			if methods["batch"] != c.batched || methods["parts"] != 1 || methods["stream"] != 252-c.batched {
				t.Errorf("methods %v, want %d in batches", methods, c.batched)
			}
			if n := c.dest.batches.Load(); n != 3 && !c.dest.refuse {
				t.Errorf("%d batches, want 3", n)
			}
			wantCopied(t, src, "in/", c.dest.Mem, "to/")
		})
	}
}

// A source that is not what its store says is never sent, and is the only failure.
func TestBatchOfADamagedSource(t *testing.T) {
	src := storagetest.NewMem("file:///")
	for i := range 20 {
		src.Put(fmt.Sprintf("in/%03d", i), text(uint64(i), 100))
	}
	dest := storagetest.NewMem("s3://lake/")
	faulty := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen && op.Key == "in/007" {
			return &storage.Error{Op: "open", URL: op.Key, Err: storage.ErrPermission}
		}
		return nil
	})
	sum, err := copier.Run(t.Context(), at(faulty, "in/"), at(dest, ""), quick(copier.Options{Batch: true, DisableServerCopy: true}))
	var failed *copier.FailedError
	if !errors.As(err, &failed) || sum.Failed != 1 || sum.Outputs != 19 || len(outputs(dest)) != 19 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// The plan of a copy in batches is not far ahead of what has been written, however many objects there are.
func TestBatchesArePlannedAsTheyAreWritten(t *testing.T) {
	src, dest := storagetest.NewMem("file:///"), &batching{Mem: storagetest.NewMem("s3://out/")}
	for i := range 3000 {
		src.Put(fmt.Sprintf("in/%04d", i), "x")
	}
	var planned, most int64
	opts := quick(copier.Options{Batch: true, Workers: 8, Report: func(e copier.Event) {
		switch e.Kind {
		case copier.Begun:
			planned++
			most = max(most, planned)
		case copier.Copied:
			planned--
		}
	}})
	if sum, err := copier.Run(t.Context(), at(src, "in"), at(dest, "out"), opts); err != nil || sum.Outputs != 3000 {
		t.Fatalf("%+v %v", sum, err)
	}
	if objects, _ := dest.BatchLimit(); most > int64(20*objects) {
		t.Errorf("%d outputs were planned and not written", most)
	}
}
