package orc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// TestWrittenGroups writes random rows of random types in small groups, and reads them from random groups on. What the index
// says of each group is what its rows are.
func TestWrittenGroups(t *testing.T) {
	codecs := []string{"NONE", "ZLIB", "SNAPPY", "LZ4", "ZSTD"}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		columns := []formats.Field{{Name: "n", Type: hivetype.Of(hivetype.BigInt)}}
		values := []func() hivetype.Value{func() hivetype.Value { return r.Int64N(1 << r.IntN(60)) }}
		for i := range 1 + r.IntN(4) {
			typ := randomType(r, 3)
			columns = append(columns, formats.Field{Name: fmt.Sprint("c", i), Type: typ})
			values = append(values, late(r, randomValues(r, typ)))
		}
		rows := make([][]hivetype.Value, 1+r.IntN(1500))
		for i := range rows {
			for k := range columns {
				rows[i] = append(rows[i], values[k]())
			}
		}
		o := WriterOptions{Codec: codecs[r.IntN(len(codecs))], Stripe: 1 << (12 + r.IntN(8)), Chunk: 1 << (6 + r.IntN(8)), Stride: 1 + r.IntN(200)}
		o.Bloom = []string{"N", "c0", "none such"}
		file := written(t, columns, rows, o)
		f, err := Open(t.Context(), at(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		first := int64(0)
		for stripe := range f.Stripes() {
			n := f.StripeRows(stripe)
			all := readAll(t, f, Options{Columns: allColumns(f), First: stripe, Last: stripe + 1, Rows: 100, Nanos: true})
			for range 5 {
				from := r.Int64N(n) / int64(o.Stride) * int64(o.Stride)
				to := min(n, from+int64(o.Stride*(1+r.IntN(3))))
				got := readAll(t, f, Options{Columns: allColumns(f), First: stripe, Last: stripe + 1, From: from, To: to, Rows: 100, Nanos: true})
				if from > 0 && !seeks(t, f, footerOf(t, f, stripe), stripe, from) {
					t.Fatalf("seed %d, %+v, %v: the places of row %d are not found", seed, o, columns, from)
				}
				if !slices.EqualFunc(got, all[from:to], slices.Equal[[]string]) {
					t.Fatalf("seed %d, %+v, %v: stripe %d, rows %d to %d of %d", seed, o, columns, stripe, from, to, n)
				}
			}
			checkIndex(t, f, stripe, rows[first:first+n])
			first += n
		}
	}
}

// late makes the first values not NULL, so that there are NULLs in later groups only.
func late(r *rand.Rand, value func() hivetype.Value) func() hivetype.Value {
	solid := r.IntN(2) * r.IntN(600)
	return func() hivetype.Value {
		v := value()
		for ; solid > 0 && v == nil; v = value() {
		}
		solid--
		return v
	}
}

// checkIndex compares what the index of a stripe says of the first column with the rows.
func checkIndex(t *testing.T, f *File, stripe int, rows [][]hivetype.Value) {
	t.Helper()
	x := &Index{file: f, rows: int64(len(rows)), stride: int64(f.tail.Footer.Stride), columns: map[int]columnIndex{}}
	if err := x.read(t.Context(), footerOf(t, f, stripe), 0, nothingSure); err != nil {
		t.Fatal(err)
	}
	for g := range x.Groups() {
		first, n := x.Rows(g)
		least, most := rows[first][0].(int64), rows[first][0].(int64)
		for _, row := range rows[first : first+n] {
			least, most = min(least, row[0].(int64)), max(most, row[0].(int64))
		}
		b, err := x.Bounds(g, 0)
		if err != nil || b.Min != least || b.Max != most || b.Nulls != 0 {
			t.Fatalf("group %d: %v, %v, and it is %d to %d", g, b, err, least, most)
		}
		checkBloom(t, x.Lacks(g, 0), rows[first:first+n], 0)
	}
	if len(f.types) < 2 || !filtered(f.types[1]) {
		return
	}
	if err := x.read(t.Context(), footerOf(t, f, stripe), 1, nothingSure); err != nil {
		t.Fatal(err)
	}
	for g := range x.Groups() {
		first, n := x.Rows(g)
		checkBloom(t, x.Lacks(g, 1), rows[first:first+n], 1)
	}
}

// checkBloom wants a filter that knows no value of the rows to be missing.
func checkBloom(t *testing.T, lacks func(hivetype.Value) bool, rows [][]hivetype.Value, column int) {
	t.Helper()
	if lacks == nil {
		t.Fatalf("column %d has no filter", column)
	}
	for _, row := range rows {
		if row[column] != nil && lacks(row[column]) {
			t.Fatalf("column %d: the filter says that %v is not there", column, row[column])
		}
	}
}

// TestBloomShare: of values that are not there, filters let through about the share that they are made for, and how large
// they are is what Java's writer makes of it.
func TestBloomShare(t *testing.T) {
	columns := []formats.Field{{Name: "n", Type: hivetype.Of(hivetype.BigInt)}, {Name: "s", Type: hivetype.Of(hivetype.String)}}
	var rows [][]hivetype.Value
	for i := range int64(20000) {
		rows = append(rows, []hivetype.Value{i * 3, fmt.Sprint("word ", i)})
	}
	for share, want := range map[float64]struct{ bytes, hashes int }{0: {11984, 7}, 0.05: {7800, 4}} {
		file := written(t, columns, rows, WriterOptions{Bloom: []string{"n", "s"}, BloomShare: share})
		f, err := Open(t.Context(), at(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		x := &Index{file: f, rows: int64(len(rows)), stride: DefaultStride, columns: map[int]columnIndex{}}
		for column, other := range []func(i int64) hivetype.Value{
			func(i int64) hivetype.Value { return i*3 + 1 }, func(i int64) hivetype.Value { return fmt.Sprint("other ", i) },
		} {
			if err := x.read(t.Context(), footerOf(t, f, 0), column, nothingSure); err != nil {
				t.Fatal(err)
			}
			if b := x.columns[column].blooms[0]; len(b.words) != want.bytes || b.hashes != uint64(want.hashes) {
				t.Errorf("share %v: %d bytes and %d hashes, want %v", share, len(b.words), b.hashes, want)
			}
			let, lacks := 0, x.Lacks(1, column)
			for i := range int64(20000) {
				if !lacks(other(i)) {
					let++
				}
			}
			if share == 0 {
				share = DefaultBloomShare
			}
			if got := float64(let) / 20000; got > 1.5*share || got < share/2 {
				t.Errorf("share %v, column %d: %v are let through", share, column, got)
			}
		}
	}
}

// TestForeignBlooms reads filters as others may write them: words one by one, packed, or bytes; and refuses those that make no sense.
func TestForeignBlooms(t *testing.T) {
	want := newBloom(10, .1)
	want.add(int64(7), hivetype.Of(hivetype.BigInt))
	first, more := want.words[:8], want.words[8:]
	number := binary.LittleEndian.Uint64
	filter := func(fields orcfile.Message) orcfile.Message {
		return orcfile.Message(nil).Bytes(1, append(orcfile.Message(nil).Number(1, want.hashes).Bytes(10, []byte("unknown")), fields...))
	}
	oneByOne := orcfile.Message(nil)
	for w := range slices.Chunk(want.words, 8) {
		oneByOne = binary.LittleEndian.AppendUint64(protowire.AppendTag(oneByOne, 2, protowire.Fixed64Type), number(w))
	}
	for name, fields := range map[string]orcfile.Message{
		"one by one": oneByOne, "packed": orcfile.Message(nil).Bytes(2, want.words), "bytes": orcfile.Message(nil).Bytes(3, want.words),
		"parts": orcfile.Message(nil).Bytes(3, first).Bytes(3, more),
	} {
		got, err := parseBlooms(filter(fields))
		if err != nil || len(got) != 1 || got[0].hashes != want.hashes || !bytes.Equal(got[0].words, want.words) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, c := range []struct {
		hashes uint64
		bytes  int
		want   bool
	}{{1, 8, true}, {0, 8, false}, {1, 0, false}, {1, 12, false}, {1001, 8, false}, {1, 1<<28 - 8, true}, {1, 1 << 28, false}, {1, 1 << 29, false}} {
		if got := sensible(c.hashes, c.bytes); got != c.want {
			t.Errorf("%d hashes, %d bytes: %v", c.hashes, c.bytes, got)
		}
	}
}

// TestHostileIndex: an index of more groups than there are is not read to its end, nor are positions without end.
func TestHostileIndex(t *testing.T) {
	if groups, err := parseRowIndex(bytes.Repeat([]byte{1<<3 | 2, 0}, 1000), 10); err != nil || len(groups) != 11 {
		t.Errorf("%d groups, %v", len(groups), err)
	}
	for name, entry := range map[string]orcfile.Message{
		"packed": orcfile.Message(nil).Packed(1, make([]uint64, 1000)...), "one by one": bytes.Repeat([]byte{1 << 3, 7}, 1000),
	} {
		groups, err := parseRowIndex(orcfile.Message(nil).Bytes(1, entry), 10)
		if err != nil || len(groups) != 1 || len(groups[0].positions) != mostPositions {
			t.Errorf("%s: %v, %v", name, groups, err)
		}
	}
}

func footerOf(t *testing.T, f *File, stripe int) *stripeFooter {
	t.Helper()
	footer, err := f.stripeFooter(t.Context(), &f.tail.Footer.Stripes[stripe])
	if err != nil {
		t.Fatal(err)
	}
	return footer
}

// seeks reports whether a reader of all columns finds where they begin for a row.
func seeks(t *testing.T, f *File, footer *stripeFooter, stripe int, from int64) bool {
	t.Helper()
	r, err := f.Reader(Options{Columns: allColumns(f), First: stripe, Last: stripe + 1, From: from})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := &opening{reader: r, ctx: t.Context(), footer: footer}
	if err := o.places(&f.tail.Footer.Stripes[stripe]); err != nil {
		t.Fatal(err)
	}
	return o.seeks
}
