package metastoretest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

var nasty = []string{
	"plain", "a b", " ", "a/b", "a=b", "100%", "%41", "ü", "'", `"`, "\n", "\x01", ".x", "_x",
	"__HIVE_DEFAULT_PARTITION__",
}

var partitionTests = []contract{
	{"what was added is read back", func(t *testing.T, s suite) {
		s.update(func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, fullTable(t)) })
		want := &metastore.Partition{
			Values: partitions.Values{"2024-01-01", "3"}, CreateTime: created, Storage: fullTable(t).Storage,
			Parameters: map[string]string{"numRows": "7"},
		}
		want.Storage.Location = "s3://elsewhere/x"
		want.Storage.Columns = want.Storage.Columns[:2]
		s.update(func(tx metastore.Tx) error { return tx.AddPartitions(s.ctx, t1, []*metastore.Partition{want}, false) })
		got, err := s.store.Partition(s.ctx, t1, want.Values)
		if err != nil {
			t.Fatal(err)
		}
		s.equal(got, want)
		for got, err := range s.store.Partitions(s.ctx, t1, nil) {
			if err != nil {
				t.Fatal(err)
			}
			s.equal(got, want)
		}
	}, 0},
	{"values may be any text", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		for _, v := range nasty {
			s.add(t1, partitions.Values{v})
		}
		for _, v := range nasty {
			got, err := s.store.Partition(s.ctx, t1, partitions.Values{v})
			if err != nil || !slices.Equal(got.Values, partitions.Values{v}) {
				t.Fatalf("%q: got %+v, %v", v, got, err)
			}
		}
		if got := s.values(s.store, t1, nil); len(got) != len(nasty) {
			t.Fatalf("got %q", got)
		}
	}, 0},
	{"the empty value is that of NULL", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{""})
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error {
			return tx.AddPartitions(s.ctx, t1, parts(partitions.Values{partitions.DefaultName}), false)
		})
		if got := s.values(s.store, t1, nil); got[0][0] != partitions.DefaultName {
			t.Fatalf("got %q", got)
		}
	}, 0},
	{"a value that is not of its key's type is kept as it is", func(t *testing.T, s suite) {
		s.createTable(t1, "hr", "int")
		s.add(t1, partitions.Values{"what"}, partitions.Values{"03"}, partitions.Values{"3"})
		if got := fmt.Sprint(s.values(s.store, t1, nil)); got != "[[03] [3] [what]]" {
			t.Fatalf("got %s", got)
		}
	}, 0},
	{"Partitions come in byte order of their names", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string", "hr", "int")
		keys := s.table(t1).Keys()
		var vs []partitions.Values
		for _, ds := range nasty {
			for _, hr := range []string{"10", "9", "-1", partitions.DefaultName} {
				vs = append(vs, partitions.Values{ds, hr})
			}
		}
		rand.Shuffle(len(vs), func(i, j int) { vs[i], vs[j] = vs[j], vs[i] })
		s.add(t1, vs...)
		for _, where := range []string{"", "ds = 'plain'", "hr in (9, 10)", "hr > 0", "ds like '%'"} {
			var names []string
			for _, v := range s.values(s.store, t1, filter(t, where)) {
				name, err := keys.Name(v)
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, name)
			}
			if len(names) == 0 || !slices.IsSorted(names) {
				t.Fatalf("where %s: %q", where, names)
			}
		}
	}, 0},
	{"a partition that is missing is ErrNoSuchPartition", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		v := partitions.Values{"x"}
		_, err := s.store.Partition(s.ctx, t1, v)
		is(t, err, metastore.ErrNoSuchPartition)
		s.fails(metastore.ErrNoSuchPartition, func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, t1, v) })
		s.fails(metastore.ErrNoSuchPartition, func(tx metastore.Tx) error { return tx.AlterPartition(s.ctx, t1, parts(v)[0]) })
	}, 0},
	{"AddPartitions of one that exists is ErrExists, and adds none", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"b"})
		s.update(func(tx metastore.Tx) error {
			err := tx.AddPartitions(s.ctx, t1, parts(partitions.Values{"a"}, partitions.Values{"b"}), false)
			is(t, err, metastore.ErrExists)
			return nil // the transaction goes on
		})
		if got := fmt.Sprint(s.values(s.store, t1, nil)); got != "[[b]]" {
			t.Fatalf("got %s", got)
		}
	}, 0},
	{"AddPartitions with ifNotExists leaves those that exist", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"b"})
		again := parts(partitions.Values{"a"}, partitions.Values{"b"}, partitions.Values{"a"})
		again[1].Storage.Location = "file:///other"
		s.update(func(tx metastore.Tx) error { return tx.AddPartitions(s.ctx, t1, again, true) })
		p, err := s.store.Partition(s.ctx, t1, partitions.Values{"b"})
		if err != nil || p.Storage.Location != "file:///p" || len(s.values(s.store, t1, nil)) != 2 {
			t.Fatalf("got %+v, %v", p, err)
		}
	}, 0},
	{"partitions of a table without keys, or with too few values, are ErrInvalid", func(t *testing.T, s suite) {
		s.createTable(t1)
		s.createTable(t2, "ds", "string", "hr", "int")
		for _, name := range []metastore.TableName{t1, t2} {
			v := partitions.Values{"x"}
			s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.AddPartitions(s.ctx, name, parts(v), true) })
			s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, name, v) })
			s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.AlterPartition(s.ctx, name, parts(v)[0]) })
		}
		_, err := s.store.Partition(s.ctx, t2, partitions.Values{"x"})
		is(t, err, metastore.ErrInvalid)
	}, 0},
	{"AlterPartition replaces the partition", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"a"}, partitions.Values{"b"})
		want := &metastore.Partition{
			Values: partitions.Values{"a"}, CreateTime: created, Storage: fullTable(t).Storage,
			Parameters: map[string]string{"x": "y"},
		}
		s.update(func(tx metastore.Tx) error { return tx.AlterPartition(s.ctx, t1, want) })
		got, err := s.store.Partition(s.ctx, t1, want.Values)
		if err != nil {
			t.Fatal(err)
		}
		s.equal(got, want)
		if b, err := s.store.Partition(s.ctx, t1, partitions.Values{"b"}); err != nil || len(b.Parameters) != 0 {
			t.Fatalf("the other one is %+v, %v", b, err)
		}
	}, 0},
	{"DropPartitions removes all of them or none", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"a"}, partitions.Values{"b"}, partitions.Values{"c"})
		s.fails(metastore.ErrNoSuchPartition, func(tx metastore.Tx) error {
			return tx.DropPartitions(s.ctx, t1, partitions.Values{"a"}, partitions.Values{"nope"})
		})
		s.update(func(tx metastore.Tx) error {
			return tx.DropPartitions(s.ctx, t1, partitions.Values{"a"}, partitions.Values{"c"})
		})
		if got := fmt.Sprint(s.values(s.store, t1, nil)); got != "[[b]]" {
			t.Fatalf("got %s", got)
		}
	}, 0},
	{"an iteration may end early, and reading goes on after it", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		var vs []partitions.Values
		for i := range 200 {
			vs = append(vs, partitions.Values{fmt.Sprint(i)})
		}
		s.add(t1, vs...)
		for range 50 { // many times, so that something kept open would be missed
			for _, err := range s.store.Partitions(s.ctx, t1, nil) {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		s.update(func(tx metastore.Tx) error { return tx.DropTable(s.ctx, t1) })
	}, 0},
	{"an iteration sees one moment, and the store can be used and changed meanwhile", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		var vs []partitions.Values
		for i := range 500 {
			vs = append(vs, partitions.Values{fmt.Sprintf("%03d", i)})
		}
		s.add(t1, vs...)
		n := 0
		for p, err := range s.store.Partitions(s.ctx, t1, nil) {
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				s.update(func(tx metastore.Tx) error {
					return tx.DropPartitions(s.ctx, t1, partitions.Values{"499"}, partitions.Values{"250"})
				})
				s.add(t1, partitions.Values{"777"})
			}
			if _, err := s.store.Table(s.ctx, t1); err != nil {
				t.Fatal(err)
			}
			if p.Values[0] != vs[n][0] {
				t.Fatalf("partition %d is %s", n, p.Values)
			}
			n++
		}
		if n != 500 {
			t.Fatalf("got %d partitions", n)
		}
	}, Snapshots},
	{"partitions share nothing that a caller could change, but for what Clone copies", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		s.add(t1, partitions.Values{"1"}, partitions.Values{"2"})
		for p, err := range s.store.Partitions(s.ctx, t1, nil) {
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Parameters)+len(p.Storage.Parameters)+len(p.Storage.SerDe.Parameters) != 0 {
				t.Fatalf("got %+v", p)
			}
			p.Storage.Location += "x"
			own := p.Storage.Clone()
			p.Parameters["a"], own.Parameters["b"], own.SerDe.Parameters["c"] = "", "", ""
		}
	}, 0},
	{"a cancelled context ends an iteration with its error", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		s.add(t1, partitions.Values{"1"})
		cancelled, cancel := context.WithCancel(s.ctx)
		cancel()
		failed := false
		for _, err := range s.store.Partitions(cancelled, t1, nil) {
			failed = err != nil
		}
		if !failed {
			t.Fatal("no error")
		}
	}, 0},
}

var predicateTests = []contract{
	{"numbers compare as numbers, dates as dates, text by bytes", func(t *testing.T, s suite) {
		s.createTable(t1, "s", "string", "i", "int", "d", "date")
		s.add(t1, partitions.Values{"9", "9", "2024-1-9"}, partitions.Values{"10", "10", "2024-01-10"})
		for where, want := range map[string]int{
			"i < 10": 1, "s < '10'": 0, "s < '9'": 1, "d < '2024-01-10'": 1, "d = '2024-01-09'": 1,
			"i = '009'": 1, "i = 9.0": 1, "i < 9.5": 1, "s = '09'": 0,
		} {
			if got := s.values(s.store, t1, filter(t, where)); len(got) != want {
				t.Errorf("%s: got %v", where, got)
			}
		}
	}, 0},
	{"an unknown key or a literal of the wrong type is ErrInvalid", func(t *testing.T, s suite) {
		s.createTable(t1, "i", "int")
		for _, where := range []string{"nope = 1", "i = 'x'"} {
			n := 0
			for _, err := range s.store.Partitions(s.ctx, t1, filter(t, where)) {
				is(t, err, metastore.ErrInvalid)
				n++
			}
			if n != 1 {
				t.Fatalf("%s yields %d times", where, n)
			}
		}
	}, 0},
	{"lists may be long", func(t *testing.T, s suite) {
		s.createTable(t1, "i", "int")
		s.add(t1, partitions.Values{"7"}, partitions.Values{"39999"}, partitions.Values{"50000"})
		in := partitions.In{Key: "i"}
		for i := range 40000 {
			in.Values = append(in.Values, fmt.Sprint(i))
		}
		if got := s.values(s.store, t1, in); len(got) != 2 {
			t.Fatalf("got %v", got)
		}
	}, 0},
	{"Partitions yields exactly what partitions.Match says", matchesExactly, 0},
}

// matchesExactly compares many random conditions on a table with keys of many types.
func matchesExactly(t *testing.T, s suite) {
	types := []string{"string", "int", "date", "boolean", "decimal(5,2)", "bigint", "char(3)"}
	literals := [][]string{
		{"a", "ab", "b", "a%", "ü", "A", " "},
		{"1", "2", "03", "-7", "1.5", "10", "2147483648", "1e1"},
		{"2024-01-01", "2024-1-2", "1969-12-31", "2024-02-29"},
		{"true", "false", "TRUE"},
		{"1.50", "1.5", "-0.01", "99", "1e1", "1.555"},
		{"9223372036854775807", "-9223372036854775808", "0", "-0"},
		{"a", "a  ", "abc"},
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var columns []string
	for i, typ := range types {
		columns = append(columns, fmt.Sprintf("k%d", i), typ)
	}
	s.createTable(t1, columns...)
	keys := s.table(t1).Keys()
	all := randomPartitions(r, keys, literals)
	s.add(t1, all...)
	matched := 0
	for range 200 {
		p := randomPredicate(r, keys, literals, 3)
		m, err := keys.Compile(p)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, p, err)
		}
		var want []partitions.Values
		for _, v := range all {
			if m.Match(v) {
				want = append(want, v)
			}
		}
		matched += len(want)
		got := s.values(s.store, t1, p)
		if !slices.EqualFunc(got, want, func(a, b partitions.Values) bool { return slices.Equal(a, b) }) {
			t.Fatalf("seed %d: %s\ngot  %q\nwant %q", seed, p, got, want)
		}
	}
	if matched < 1000 {
		t.Fatalf("only %d matches: the test has lost its point", matched)
	}
}

// randomPartitions are the values of some hundred partitions, in the order of their names: mostly
// literals, and now and then a value that no literal equals.
func randomPartitions(r *rand.Rand, keys partitions.Keys, literals [][]string) []partitions.Values {
	extra := []string{partitions.DefaultName, "what"}
	byName := map[string]partitions.Values{}
	for range 300 {
		v := make(partitions.Values, len(keys))
		for i := range v {
			if choices := literals[i]; r.IntN(5) > 0 {
				v[i] = choices[r.IntN(len(choices))]
			} else {
				v[i] = extra[r.IntN(len(extra))]
			}
		}
		if name, err := keys.Name(v); err == nil {
			byName[name] = v
		}
	}
	var all []partitions.Values
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[name])
	}
	return all
}

func randomPredicate(r *rand.Rand, keys partitions.Keys, literals [][]string, depth int) partitions.Predicate {
	if depth > 0 && r.IntN(3) > 0 {
		var list []partitions.Predicate
		for range 1 + r.IntN(3) {
			list = append(list, randomPredicate(r, keys, literals, depth-1))
		}
		switch r.IntN(3) {
		case 0:
			return partitions.And(list)
		case 1:
			return partitions.Or(list)
		}
		return partitions.Not{P: list[0]}
	}
	i := r.IntN(len(keys))
	literal := func() string { return literals[i][r.IntN(len(literals[i]))] }
	switch r.IntN(6) {
	case 0:
		return partitions.In{Key: keys[i].Name, Values: []string{literal(), literal()}}
	case 1:
		return partitions.IsNull{Key: keys[i].Name}
	case 2:
		return partitions.Like{Key: keys[i].Name, Pattern: []string{"a%", "%1%", "_", "20%", `a\%`}[r.IntN(5)]}
	}
	op := []partitions.Op{partitions.Eq, partitions.Ne, partitions.Lt, partitions.Le, partitions.Gt, partitions.Ge}[r.IntN(6)]
	if keys[i].Type.Kind == hivetype.Boolean {
		op = partitions.Eq
	}
	return partitions.Compare{Key: keys[i].Name, Op: op, Value: literal()}
}
