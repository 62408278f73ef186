package copier_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// With DeleteOnSuccess an output may be all that is left of its sources.
func TestDeletingGroupsNeverReplaceEarlierOnes(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	opts := quick(copier.Options{GroupBy: `.*/(day)-\d+`, DeleteOnSuccess: true})
	run := func() copier.Summary {
		t.Helper()
		sum, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), opts)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	src.Put("h/day-1", "one ")
	src.Put("h/day-2", "two ")
	run()
	src.Put("h/day-3", "three ")
	run()
	wantContents(t, dest, map[string]string{"h/day": "one two ", "h/day1": "three "})

	// What could not be deleted does not become part of a further output.
	src.Put("h/day-4", "four ")
	src.Put("h/day-5", "five ")
	stuck := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpDelete && op.Key == "h/day-5" {
			return storage.ErrPermission
		}
		return nil
	})
	sum, err := copier.Run(t.Context(), at(stuck, ""), at(dest, ""), opts)
	if err != nil || sum.Deleted != 1 || sum.DeleteFailures != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	src.Put("h/day-6", "six ")
	if sum := run(); sum.Objects != 1 || sum.Deleted != 2 {
		t.Errorf("%+v", sum)
	}
	wantContents(t, dest, map[string]string{
		"h/day": "one two ", "h/day1": "three ", "h/day2": "four five ", "h/day3": "six ",
	})
	if keys := src.Keys(); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
}

// A source that was replaced after it was grouped is another one.
func TestReplacedSourceIsNotDeleted(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	src.Put("h/x-1", "one")
	stuck := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpDelete {
			return storage.ErrPermission
		}
		return nil
	})
	opts := quick(copier.Options{GroupBy: `.*/(x)-.`, DeleteOnSuccess: true})
	if sum, err := copier.Run(t.Context(), at(stuck, ""), at(dest, ""), opts); err != nil || sum.DeleteFailures != 1 {
		t.Fatal(sum, err)
	}
	src.Put("h/x-1", "two")
	if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), opts); err != nil {
		t.Fatal(err)
	}
	wantContents(t, dest, map[string]string{"h/x": "one", "h/x1": "two"})
}

// A job that deletes what it has grouped stops at any of its operations; new files arrive, it is
// run again, and every file is in exactly one output.
func TestStoppedWhileDeletingGroups(t *testing.T) {
	for _, parts := range []bool{false, true} {
		for nth := int64(1); ; nth++ {
			src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
			for i := range 12 {
				src.Put(fmt.Sprintf("h/g%d-%02d", i%2, i), fmt.Sprintf("<%d>", i))
			}
			opts := quick(copier.Options{GroupBy: `.*/(g\d)-\d+`, TargetSize: 9, DeleteOnSuccess: true, Workers: 2, DisableParts: !parts, PartSize: 4})
			ctx, cancel := context.WithCancel(t.Context())
			var n atomic.Int64
			stop := func(op storagetest.Op) error {
				if n.Add(1) >= nth {
					cancel()
					return errors.New("the machine is off")
				}
				return nil
			}
			_, err := copier.Run(ctx, at(storagetest.Faulty(src, stop), ""), at(storagetest.Faulty(dest, stop), ""), opts)
			cancel()
			if n.Load() < nth {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			src.Put("h/g0-99", "<99>")
			if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), opts); err != nil {
				t.Fatalf("stopped at operation %d: %v", nth, err)
			}
			all := strings.Join(slices.Sorted(maps.Values(outputs(dest))), "")
			for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99} {
				if c := strings.Count(all, fmt.Sprintf("<%d>", i)); c != 1 {
					t.Errorf("stopped at operation %d: file %d is there %d times", nth, i, c)
				}
			}
			if len(src.Keys()) != 0 {
				t.Errorf("stopped at operation %d: left: %v", nth, src.Keys())
			}
			for _, key := range dest.Keys() {
				if strings.HasPrefix(key, ".distcp/") {
					t.Errorf("stopped at operation %d: %s is left", nth, key)
				}
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}
