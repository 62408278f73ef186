package copier_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage/storagetest"
)

// days selects the directories d=2 and d=3 wherever they are.
func days(dir string) copier.DirsVerdict {
	for part := range strings.SplitSeq(dir, "/") {
		switch {
		case part == "d=2" || part == "d=3":
			return copier.DirsAll
		case strings.HasPrefix(part, "d="):
			return copier.DirsNone
		}
	}
	return copier.DirsUnclear
}

// Directories of which nothing is selected are not listed, on either side, and nothing in them is
// copied, compared or deleted.
func TestDirs(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://copy/")
	want := map[string]string{}
	for _, region := range []string{"r=a", "r=a-b", "r=b"} {
		for d := range 5 {
			name := fmt.Sprintf("%s/d=%d/x/file", region, d)
			src.Put("in/"+name, name)
			dest.Put(fmt.Sprintf("out/%s/d=%d/old", region, d), "old")
			if d == 2 || d == 3 {
				want["out/"+name] = name
			} else {
				want[fmt.Sprintf("out/%s/d=%d/old", region, d)] = "old"
			}
		}
		src.Put("in/"+region+"/beside", "x")
	}
	from, to := storagetest.NewCounting(src), storagetest.NewCounting(dest)
	opts := quick(copier.Options{Dirs: days, DisableServerCopy: true, Sync: copier.Sync{Existing: copier.ExistingUpdate, Delete: true}})
	sum, err := copier.Run(t.Context(), at(from, "in/"), at(to, "out/"), opts)
	if err != nil || sum.Objects != 6 || sum.Removed != 6 {
		t.Errorf("%v, %+v", err, sum)
	}
	if got := outputs(dest); !maps.Equal(got, want) {
		t.Errorf("the destination has %v", slices.Sorted(maps.Keys(got)))
	}
	for _, lists := range [][]string{from.Lists(), to.Lists()} {
		for _, prefix := range lists {
			if days(strings.TrimPrefix(strings.TrimPrefix(prefix, "in/"), "out/")) == copier.DirsNone {
				t.Errorf("%s was listed", prefix)
			}
		}
	}
	if n := len(from.Lists()); n != 1+3+6 {
		t.Errorf("%d listings of the source: %q", n, from.Lists())
	}

	// The same of a list of names.
	opts = quick(copier.Options{Dirs: days, SrcList: []string{"r=a/d=1/x/file", "r=a/d=2/x/file"}})
	if sum, err := copier.Run(t.Context(), at(src, "in/"), at(storagetest.NewMem("s3://x/"), ""), opts); err != nil || sum.Objects != 1 {
		t.Errorf("%v, %+v", err, sum)
	}
}
