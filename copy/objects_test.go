package copier_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// handed yields objects one by one, each when the one before has been copied, and then what is left.
func handed(objects []storage.Object, copied <-chan string, last error) func(context.Context) iter.Seq2[storage.Object, error] {
	return func(ctx context.Context) iter.Seq2[storage.Object, error] {
		return func(yield func(storage.Object, error) bool) {
			for _, o := range objects {
				if !yield(o, nil) {
					return
				}
				select {
				case <-copied:
				case <-ctx.Done():
					return
				}
			}
			if last != nil {
				yield(storage.Object{}, last)
			}
		}
	}
}

// backwards are the objects to copy, the last key first.
func backwards(t *testing.T, b storage.Bucket, prefix string) (all []storage.Object) {
	t.Helper()
	for o, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(o.Key, "/") {
			all = append([]storage.Object{o}, all...)
		}
	}
	return all
}

func TestObjectsAreCopiedAsTheyCome(t *testing.T) {
	src, dest := lake(), storagetest.NewMem("s3://out/")
	copied := make(chan string, 1)
	all := backwards(t, src, "in/")
	sum, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "x"), quick(copier.Options{
		Objects: handed(all, copied, nil),
		Report: func(e copier.Event) {
			if e.Kind == copier.Copied { // otherwise the next one would never come
				copied <- e.Source
			}
		},
	}))
	if err != nil || sum.Objects != int64(len(all)) {
		t.Fatalf("copied %d of %d: %v", sum.Objects, len(all), err)
	}
	wantCopied(t, src, "in/", dest, "x/")
}

// An error of the sequence ends the job, and so does one of the job a sequence that waits.
func TestObjectsEndWithTheJob(t *testing.T) {
	stop := errors.New("stopped by the test")
	src, dest := lake(), storagetest.NewMem("s3://out/")
	copied := make(chan string, 100)
	_, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "x"), quick(copier.Options{
		Objects: handed(backwards(t, src, "in/"), copied, stop),
		Report: func(e copier.Event) {
			if e.Kind == copier.Copied {
				copied <- e.Source
			}
		},
	}))
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want what the sequence ended with", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = copier.Run(ctx, at(src, "in/"), at(dest, "y"), quick(copier.Options{
		Objects: handed(backwards(t, src, "in/"), nil, nil), // waits for ever
		Report: func(e copier.Event) {
			if e.Kind == copier.Copied {
				cancel(stop)
			}
		},
	}))
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want what the job was ended by", err)
	}
}
