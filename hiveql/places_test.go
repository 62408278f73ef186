package hiveql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage/storagetest"
)

// TestOverwriteOfManyPlaces overwrites a hundred partitions, one of which lies elsewhere: the table is listed
// once, what others have put into partitions goes, and what is in other directories stays, however much it is.
func TestOverwriteOfManyPlaces(t *testing.T) { eachWay(t, testOverwriteOfManyPlaces) }

func testOverwriteOfManyPlaces(t *testing.T, world func() *world) {
	w := world()
	overwrite := func(value int) string {
		var rows []string
		for i := range 100 {
			rows = append(rows, fmt.Sprintf("(%d, 'd%02d')", value, i))
		}
		return "INSERT OVERWRITE TABLE t PARTITION (ds) VALUES " + strings.Join(rows, ", ")
	}
	want := func(value int) []string {
		var rows []string
		for i := range 100 {
			rows = append(rows, fmt.Sprintf("%d d%02d", value, i))
		}
		return rows
	}
	must(t, w.plain(), "CREATE TABLE t (a INT) PARTITIONED BY (ds STRING); ALTER TABLE t ADD PARTITION (ds='d42') LOCATION 'mem://lake/far'")
	w.put("wh/t/ds=d07/stray", "77\n", "far/stray", "77\n", "wh/t/ds=d99x/other", "77\n", "wh/t/_hidden", "77\n")
	b := storagetest.NewCounting(w.mem)
	must(t, w.session(b, w.store), overwrite(1))
	if n := b.Counts().List; n > 8 {
		t.Errorf("%d listings", n)
	}
	same(t, "rows", must(t, w.plain(), "SELECT a, ds FROM t"), want(1)...)
	for i := range 3500 {
		w.put(fmt.Sprintf("wh/t/ds=d50x/f%d", i), "77\n")
	}
	w.put("wh/t/ds=d07/stray", "77\n", "wh/t/ds=d90/stray", "77\n")
	before := len(w.below("wh/t/ds=d50x/"))
	must(t, w.plain(), overwrite(2))
	same(t, "rows", must(t, w.plain(), "SELECT a, ds FROM t"), want(2)...)
	if after := len(w.below("wh/t/ds=d50x/")); after != before || len(w.mem.Keys()) != 100+before+2 {
		t.Errorf("%d of %d files of others, %d in all", after, before, len(w.mem.Keys()))
	}
	if slices.ContainsFunc(w.mem.Keys(), func(k string) bool { return strings.HasSuffix(k, "/stray") }) {
		t.Error("what others had put into partitions is still there")
	}
}
