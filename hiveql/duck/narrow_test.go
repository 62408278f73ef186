package duck_test

import (
	"testing"

	"github.com/skepdata/skep/hiveql/duck"
)

// TestRowsOfNarrowedFiles: what is left out for the sake of a join counts, since DuckDB takes off what the join leaves out
// by itself; what the query's own conditions leave out does not.
func TestRowsOfNarrowedFiles(t *testing.T) {
	for _, c := range []struct {
		rows []int64
		left []int
		want int64
	}{
		{[]int64{10, 200, 3000}, []int{1, 2}, 3200},
		{[]int64{10, 200, 3000}, []int{1}, 3200},
		{[]int64{10, 200, 3000, 40000}, []int{3}, 43200},
	} {
		if got := duck.Told(c.rows, c.left); got != c.want {
			t.Errorf("of %d %d are left: DuckDB is told of %d rows, want %d", c.rows, c.left, got, c.want)
		}
	}
}
