package orc

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/skepdata/skep/hivetype"
)

// indexed opens the file of ORC's C++ library that has indexes (testdata/indexed/pyorc.py), and counts what is read of it.
func indexed(t *testing.T) (f *File, bytes *int) {
	t.Helper()
	file, err := os.ReadFile("testdata/indexed/pyorc.orc")
	if err != nil {
		t.Fatal(err)
	}
	bytes = new(int)
	f, err = Open(t.Context(), func(ctx context.Context, p []byte, off int64) error {
		*bytes += len(p)
		return at(file)(ctx, p, off)
	}, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if f.Stripes() < 2 {
		t.Fatal("one stripe only")
	}
	return f, bytes
}

// TestGroups: rows that are read from a group of a stripe on are those that all of it has there, and less is read.
func TestGroups(t *testing.T) {
	f, bytes := indexed(t)
	stride := int64(f.tail.Footer.Stride)
	for stripe := range f.Stripes() {
		for _, columns := range append([][]int{allColumns(f)}, [][]int{{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}}...) {
			*bytes = 0
			all := readAll(t, f, Options{Columns: columns, First: stripe, Last: stripe + 1, Rows: 300, Nanos: true})
			whole, rows := *bytes, f.StripeRows(stripe)
			for from := int64(0); from < rows; from += stride * int64(5-4*min(1, len(columns)-1)) { // one column alone: some of its groups
				for _, to := range []int64{from + stride, from + 2*stride, 0} {
					*bytes = 0
					got := readAll(t, f, Options{Columns: columns, First: stripe, Last: stripe + 1, From: from, To: to, Rows: 300, Nanos: true})
					end := rows
					if to > 0 {
						end = min(to, rows)
					}
					if !slices.EqualFunc(got, all[from:end], slices.Equal[[]string]) {
						t.Fatalf("stripe %d, columns %v, rows %d to %d: they are not what they are in the whole", stripe, columns, from, end)
					}
					if len(columns) > 1 && stripe == 0 && from >= rows/2 && *bytes > whole*9/10 {
						t.Errorf("stripe %d, rows %d to %d: %d bytes were read, of the whole %d", stripe, from, end, *bytes, whole)
					}
				}
			}
		}
	}
}

// TestRowsWithin: without indexes rows are read from the beginning of the stripe, and those before are passed over.
func TestRowsWithin(t *testing.T) {
	f, _ := indexed(t)
	f.tail.Footer.Stride = 0
	all := readAll(t, f, Options{Columns: allColumns(f), First: 0, Last: 1, Rows: 300})
	got := readAll(t, f, Options{Columns: allColumns(f), First: 0, Last: 1, From: 1000, To: 2000, Rows: 300})
	if !slices.EqualFunc(got, all[1000:2000], slices.Equal[[]string]) {
		t.Error("they are not what they are in the whole")
	}
}

func nothingSure(context.Context, int64, int64) error { return nil }

// TestIndex: what an index says of groups is so, and Bloom filters know most values that are not there.
func TestIndex(t *testing.T) {
	f, _ := indexed(t)
	columns := []int{0, 1, 2, 3, 4, 5, 9}
	lacking, asked := 0, 0
	for stripe := range f.Stripes() {
		all := readAll(t, f, Options{Columns: columns, First: stripe, Last: stripe + 1, Rows: 300})
		if x, err := f.Index(t.Context(), stripe, columns, nothingSure); x != nil || err != nil {
			t.Error("indexes are read that are as large as the rows", err)
		}
		for k, c := range columns {
			x, err := f.Index(t.Context(), stripe, []int{c}, nothingSure)
			if err != nil || x == nil {
				t.Fatal(c, x, err)
			}
			for g := range x.Groups() {
				first, n := x.Rows(g)
				l := checkGroup(t, f, x, g, c, all[first:first+n], k)
				lacking, asked = lacking+l[0], asked+l[1]
			}
		}
	}
	if lacking < asked*9/10 {
		t.Errorf("of %d values that are not there, %d are known not to be", asked, lacking)
	}
}

// checkGroup compares what an index says of a group with its rows, and counts the values of the next rows that are not
// there, as the filter says, and as it is.
func checkGroup(t *testing.T, f *File, x *Index, group, column int, rows [][]string, at int) (lacking [2]int) {
	t.Helper()
	typ := f.Type(column)
	b, err := x.Bounds(group, column)
	if err != nil {
		t.Fatal(err)
	}
	lacks := x.Lacks(group, column)
	if (lacks != nil) != filtered(typ) {
		t.Fatalf("column %s: filters are found: %v", f.Name(column), lacks != nil)
	}
	nulls, there := int64(0), map[string]bool{}
	for _, row := range rows {
		there[row[at]] = true
		v, ok := hivetype.ParseValue(row[at], typ)
		if row[at] == "NULL" || !ok {
			nulls++
			continue
		}
		if lacks != nil && lacks(v) {
			t.Fatalf("column %s, group %d: %s is there", f.Name(column), group, row[at])
		}
		if b.Min != nil && (hivetype.Compare(v, b.Min, typ) < 0 || hivetype.Compare(v, b.Max, typ) > 0) {
			t.Fatalf("column %s, group %d: %s is not between %v and %v", f.Name(column), group, row[at], b.Min, b.Max)
		}
	}
	if b.Nulls != nulls || b.Min == nil && nulls < int64(len(rows)) && typ.Kind != hivetype.Double {
		t.Fatalf("column %s, group %d: %v, %d are NULL", f.Name(column), group, b, nulls)
	}
	if typ.Kind != hivetype.Int && typ.Kind != hivetype.BigInt && typ.Kind != hivetype.String {
		return lacking
	}
	for i := range 100 {
		text := fmt.Sprint(1000003 + i*17)
		v, _ := hivetype.ParseValue(text, typ)
		if lacking[1]++; lacks(v) {
			lacking[0]++
		}
	}
	return lacking
}
