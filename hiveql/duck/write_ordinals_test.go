package duck

import (
	"fmt"
	"testing"
)

// A partition gets another file once enough bytes were written into its latest.
func TestOrdinals(t *testing.T) {
	e, err := Open(Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c, err := e.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	o := newOrdinals(100)
	defer o.free()
	files := func(ordinals string) string {
		t.Helper()
		rows, err := c.query(t.Context(), fmt.Sprintf("SELECT skep_file((%d)::BIGINT, o)::VARCHAR FROM (SELECT unnest([%s]::BIGINT[]) AS o)", o.address(), ordinals))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(rows)
	}
	want := func(ordinals, want string) {
		t.Helper()
		if got := files(ordinals); got != want {
			t.Errorf("partitions %s: files %s, want %s", ordinals, got, want)
		}
	}
	want("0, 0, 1, 0, 2", "[[0] [0] [1] [0] [2]]")
	o.grew(0, 99)
	o.grew(1, 100)
	o.grew(9, 100) // never given out
	want("0, 1, 1, 2", "[[0] [3] [3] [2]]")
	o.grew(0, 1)
	want("0, 0", "[[4] [4]]")
	for file, partition := range []int64{0, 1, 2, 1, 0} {
		if got := o.partition(int64(file)); got != partition {
			t.Errorf("file %d is of partition %d, want %d", file, got, partition)
		}
	}
	if o.partition(5) != -1 || o.partition(-1) != -1 {
		t.Error("there are more files")
	}
	other := newOrdinals(100) // which knows nothing of these
	defer other.free()
	if got := other.partition(0); got != -1 {
		t.Errorf("got %d", got)
	}
}
