package partitions_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/partitions"
)

// TestData runs the cases of testdata. The argument keys lists the partition keys, as in
// keys=(ds:string,hr:int); each line of the input is one question.
func TestData(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if strings.Contains(path, "fuzz") {
			return
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			keys := keysOf(t, d)
			lines := strings.Split(strings.TrimSuffix(d.Input, "\n"), "\n")
			if d.Cmd == "discover" {
				return discover(keys, lines)
			}
			var b strings.Builder
			for _, line := range lines {
				answer, err := answer(t, d.Cmd, keys, line)
				if err != nil {
					answer = "error: " + err.Error()
				}
				fmt.Fprintln(&b, answer)
			}
			return b.String()
		})
	})
}

func keysOf(t *testing.T, d *datadriven.TestData) partitions.Keys {
	var keys partitions.Keys
	for _, arg := range d.CmdArgs {
		if arg.Key != "keys" {
			continue
		}
		for _, val := range arg.Vals {
			name, typ, _ := strings.Cut(val, ":")
			parsed, err := hivetype.Parse(typ)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, partitions.Key{Name: name, Type: parsed})
		}
	}
	return keys
}

func answer(t *testing.T, cmd string, keys partitions.Keys, line string) (string, error) {
	switch cmd {
	case "name": // values as Go strings, separated by blanks
		var v partitions.Values
		for _, field := range strings.Split(line, " ") {
			text, err := strconv.Unquote(field)
			if err != nil {
				t.Fatalf("%s: %v", field, err)
			}
			v = append(v, text)
		}
		return keys.Name(v)
	case "parse-name":
		v, err := keys.ParseName(line)
		return fmt.Sprintf("%q", []string(v)), err
	case "normalize":
		v, err := keys.Normalize(partitions.Values{strings.Trim(line, `"`)})
		return strings.Join(v, "|"), err
	case "filter":
		p, err := partitions.ParseFilter(line)
		if err != nil {
			return "", err
		}
		out := p.String()
		if simple := partitions.Simplify(p).String(); simple != out {
			out += "\n  = " + simple
		}
		return out, nil
	case "check":
		p, err := partitions.ParseFilter(line)
		if err != nil {
			t.Fatal(err)
		}
		return "ok", keys.Check(p)
	case "prefixes":
		p, err := partitions.ParseFilter(line)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%q", keys.Prefixes(p)), nil
	case "match": // name : filter
		name, filter, _ := strings.Cut(line, " : ")
		v, err := keys.ParseName(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := partitions.ParseFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := keys.Match(p, v)
		return fmt.Sprint(ok), err
	case "spec":
		return spec(keys, line)
	case "hidden":
		return fmt.Sprint(partitions.Hidden(line)), nil
	}
	t.Fatalf("unknown command %q", cmd)
	return "", nil
}

// spec shows what the three uses of a partition spec make of it.
func spec(keys partitions.Keys, line string) (string, error) {
	s, err := partitions.ParseSpec(line)
	if err != nil {
		return "", err
	}
	or := func(v any, err error) string {
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(v)
	}
	full, err := keys.Full(s)
	out := s.String() + "\n  full: " + or(full, err)
	static, err := keys.Dynamic(s)
	out += "\n  insert: " + or(static, err)
	p, err := keys.Predicate(s)
	return out + "\n  where: " + or(p, err), nil
}

func discover(keys partitions.Keys, objects []string) string {
	var b strings.Builder
	seq := func(yield func(string, error) bool) {
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
	}
	for f, err := range partitions.Discover(keys, seq) {
		switch {
		case err != nil:
			fmt.Fprintln(&b, "error:", err)
		case f.Err != nil:
			fmt.Fprintf(&b, "%s: %v\n", f.Dir, f.Err)
		default:
			fmt.Fprintf(&b, "%s %q\n", f.Dir, []string(f.Values))
		}
	}
	return b.String()
}

var twoKeys = partitions.Keys{
	{Name: "ds", Type: hivetype.Of(hivetype.String)}, {Name: "hr", Type: hivetype.Of(hivetype.Int)},
}

// randomPredicate draws a condition on twoKeys from a small world, so that things meet.
func randomPredicate(r *rand.Rand, depth int) partitions.Predicate {
	ops := []partitions.Op{partitions.Eq, partitions.Ne, partitions.Lt, partitions.Le, partitions.Gt, partitions.Ge}
	if depth > 0 && r.IntN(3) > 0 {
		var list []partitions.Predicate
		for range r.IntN(4) {
			list = append(list, randomPredicate(r, depth-1))
		}
		switch r.IntN(3) {
		case 0:
			return partitions.And(list)
		case 1:
			return partitions.Or(list)
		}
		return partitions.Not{P: randomPredicate(r, depth-1)}
	}
	key := twoKeys[r.IntN(2)].Name
	value := func() string {
		if key == "hr" {
			return []string{"1", "2", "03", "1.5", "-7", "10", "1e1"}[r.IntN(7)]
		}
		return []string{"a", "ab", "abc", "b", "b c", "2024-01-01", "2024-01-02", "x%y", "a:b"}[r.IntN(9)]
	}
	switch r.IntN(6) {
	case 0:
		return partitions.In{Key: key, Values: []string{value(), value()}}
	case 1:
		return partitions.Like{Key: key, Pattern: []string{"a%", "%", "_", "2024%1", "ab", `x\%y`, "1_", "%b%"}[r.IntN(8)]}
	case 2:
		return partitions.IsNull{Key: key}
	}
	return partitions.Compare{Key: key, Op: ops[r.IntN(6)], Value: value()}
}

func randomValues(r *rand.Rand) partitions.Values {
	ds := []string{"a", "ab", "abc", "b", "b c", "2024-01-01", "2024-01-02", "x%y", "a:b", partitions.DefaultName}
	hr := []string{"1", "2", "3", "03", "-7", "10", "007", "what", partitions.DefaultName}
	return partitions.Values{ds[r.IntN(len(ds))], hr[r.IntN(len(hr))]}
}

// naive evaluates the way a textbook would: nil is unknown.
func naive(p partitions.Predicate, v partitions.Values) *bool {
	is := func(b bool) *bool { return &b }
	compare := func(key, value string) (int, bool) {
		if key == "ds" {
			return strings.Compare(v[0], value), v[0] != partitions.DefaultName
		}
		got, err := strconv.Atoi(v[1])
		want, errWant := strconv.ParseFloat(value, 64)
		if errWant != nil {
			panic(errWant)
		}
		switch {
		case float64(got) < want:
			return -1, err == nil
		case float64(got) > want:
			return 1, err == nil
		}
		return 0, err == nil
	}
	switch p := p.(type) {
	case partitions.True:
		return is(true)
	case partitions.And:
		out := is(true)
		for _, q := range p {
			switch b := naive(q, v); {
			case b != nil && !*b:
				return b
			case b == nil:
				out = nil
			}
		}
		return out
	case partitions.Or:
		out := is(false)
		for _, q := range p {
			switch b := naive(q, v); {
			case b != nil && *b:
				return b
			case b == nil:
				out = nil
			}
		}
		return out
	case partitions.Not:
		b := naive(p.P, v)
		if b == nil {
			return nil
		}
		return is(!*b)
	case partitions.Compare:
		c, ok := compare(p.Key, p.Value)
		if !ok {
			return nil
		}
		return is(map[partitions.Op]bool{
			partitions.Eq: c == 0, partitions.Ne: c != 0, partitions.Lt: c < 0, partitions.Le: c <= 0,
			partitions.Gt: c > 0, partitions.Ge: c >= 0,
		}[p.Op])
	case partitions.In:
		var or partitions.Or
		for _, value := range p.Values {
			or = append(or, partitions.Compare{Key: p.Key, Op: partitions.Eq, Value: value})
		}
		return naive(or, v)
	case partitions.Like:
		text := v[twoKeys.Find(p.Key)]
		if text == partitions.DefaultName {
			return nil
		}
		return is(naiveLike(text, p.Pattern))
	case partitions.IsNull:
		return is(v[twoKeys.Find(p.Key)] == partitions.DefaultName)
	}
	panic(p)
}

func naiveLike(s, pattern string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '%':
		return naiveLike(s, pattern[1:]) || (s != "" && naiveLike(s[1:], pattern))
	case s == "":
		return false
	case pattern[0] == '\\' && len(pattern) > 1:
		return s[0] == pattern[1] && naiveLike(s[1:], pattern[2:])
	}
	return (pattern[0] == '_' || s[0] == pattern[0]) && naiveLike(s[1:], pattern[1:])
}

// TestMatchAgainstNaive also checks that a simplified condition and one that was printed and
// read again decide the same, and that Prefixes lose nothing.
func TestMatchAgainstNaive(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	matched, narrowed := 0, 0
	for range 10000 {
		p, v := randomPredicate(r, 3), randomValues(r)
		result := naive(p, v)
		want := result != nil && *result
		again, err := partitions.ParseFilter(p.String())
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, p, err)
		}
		for _, same := range []partitions.Predicate{p, partitions.Simplify(p), again} {
			if got, err := twoKeys.Match(same, v); err != nil || got != want {
				t.Fatalf("seed %d: %s\nas %s\nof %v is %v, %v; want %v", seed, p, same, v, got, err, want)
			}
			// The negation tells false from unknown.
			if got, err := twoKeys.Match(partitions.Not{P: same}, v); err != nil || got != (result != nil && !*result) {
				t.Fatalf("seed %d: not %s\nof %v is %v, %v", seed, same, v, got, err)
			}
		}
		prefixes := twoKeys.Prefixes(p)
		if !slices.Equal(prefixes, []string{""}) {
			narrowed++
		}
		if !want {
			continue
		}
		matched++
		name, err := twoKeys.Name(v)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(name+"/", s) }) {
			t.Fatalf("seed %d: %s matches %s, which is in none of %q", seed, p, name, prefixes)
		}
	}
	if matched < 1000 || narrowed < 1000 {
		t.Fatalf("only %d conditions matched and %d were narrowed: the test has lost its point", matched, narrowed)
	}
}

func TestSortValueOrdersAsCompare(t *testing.T) {
	for typ, values := range map[string][]string{
		"int":     {"-2147483648", "-10", "-9", "-1", "0", "1", "9", "10", "007", "2147483647"},
		"date":    {"0001-01-01", "1969-12-31", "1970-01-01", "2024-1-5", "2024-01-10", "9999-12-31"},
		"string":  {"A", "a", "a b", "ab", "é"},
		"boolean": {"false", "true"},
		"char(5)": {"a", "a  ", "b"},
	} {
		parsed, err := hivetype.Parse(typ)
		if err != nil {
			t.Fatal(err)
		}
		key := partitions.Key{Name: "k", Type: parsed}
		if !key.Sortable() {
			t.Errorf("%s must be sortable", typ)
		}
		for _, a := range values {
			for _, b := range values {
				x, _ := hivetype.ParseValue(a, parsed)
				y, _ := hivetype.ParseValue(b, parsed)
				sa, okA := key.SortValue(a)
				sb, okB := key.SortValue(b)
				if !okA || !okB || strings.Compare(sa, sb) != hivetype.Compare(x, y, parsed) {
					t.Errorf("%s: %q and %q sort as %q and %q", typ, a, b, sa, sb)
				}
			}
		}
		for _, bad := range []string{"", partitions.DefaultName} {
			if _, ok := key.SortValue(bad); ok {
				t.Errorf("%s: NULL must not be sorted", typ)
			}
		}
	}
}

func TestDiscoverStopsAtAnError(t *testing.T) {
	boom := fmt.Errorf("listing failed")
	seq := func(yield func(string, error) bool) {
		if yield("ds=a/hr=1/f", nil) {
			yield("", boom)
		}
	}
	var dirs []string
	var last error
	for f, err := range partitions.Discover(twoKeys, seq) {
		if last = err; err == nil {
			dirs = append(dirs, f.Dir)
		}
	}
	if !errors.Is(last, boom) || !slices.Equal(dirs, []string{"ds=a/hr=1"}) {
		t.Fatalf("got %v and %v", dirs, last)
	}
}

func TestFilterOfManyAlternatives(t *testing.T) {
	var or []string
	for i := range 5000 {
		or = append(or, fmt.Sprintf("ds = '%d'", i))
	}
	p, err := partitions.ParseFilter(strings.Join(or, " OR "))
	if err != nil {
		t.Fatal(err)
	}
	if in, ok := partitions.Simplify(p).(partitions.In); !ok || len(in.Values) != 5000 {
		t.Fatalf("simplified to %T", partitions.Simplify(p))
	}
}

func TestFilterOfHostileDepth(t *testing.T) {
	for _, s := range []string{
		strings.Repeat("(", 2000) + "ds = '1'" + strings.Repeat(")", 2000),
		strings.Repeat("NOT (", 2000) + "ds = '1'" + strings.Repeat(")", 2000),
	} {
		if _, err := partitions.ParseFilter(s); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
			t.Errorf("%.20s...: got %v", s, err)
		}
	}
	p, err := partitions.ParseFilter(strings.Repeat("NOT ", 10001) + "ds = '1'")
	if err != nil || p.String() != "NOT (ds = '1')" {
		t.Errorf("got %v, %v", p, err)
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a", "", "2024-01-01 00:00:00", "100%", "%3A", "é/=", "\x00\x7f", "{}[]^", " ", "%%41"} {
		f.Add(s, "7")
	}
	f.Fuzz(func(t *testing.T, ds, hr string) {
		v := partitions.Values{ds, hr}
		name, err := twoKeys.Name(v)
		if err != nil {
			t.Fatal(err)
		}
		for i := range v {
			if v[i] == "" {
				v[i] = partitions.DefaultName
			}
		}
		got, err := twoKeys.ParseName(name)
		if err != nil || !slices.Equal(got, v) {
			t.Fatalf("%q was named %q, which reads as %q, %v", v, name, got, err)
		}
		if again, err := twoKeys.Name(got); err != nil || again != name {
			t.Fatalf("%q was named %q and then %q", v, name, again)
		}
		if _, err := twoKeys.ParseName(ds + "/" + hr); err == nil && !strings.Contains(ds, "=") {
			t.Fatalf("%q was taken for a name", ds+"/"+hr)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"ds = 'a'", "not (a < 1 and b >= -2.5e3) or c in ('x', \"y\")", "a between 1 and 2", "`a b` like 'x\\_%'",
		"date = date '2024-01-01'", "1 < a", "a is not null", "true", "a = 'it''s' -- x", "a=1) or (b=2", "2nd='é'",
		"+5 = a", "a not in ('\\\\')", "(((a='1')))", "a = :v0", "a <> '\\0'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := partitions.ParseFilter(s)
		if err != nil {
			return
		}
		for _, q := range []partitions.Predicate{p, partitions.Simplify(p)} {
			text := q.String()
			again, err := partitions.ParseFilter(text)
			if err != nil {
				t.Fatalf("%q prints as %q: %v", s, text, err)
			}
			if again.String() != text {
				t.Fatalf("%q prints as %q and then as %q", s, text, again)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, err := partitions.ParseFilter("ds >= '2024-01-01' and ds < '2024-02-01' and hr in (1, 2, 3)")
	if err != nil {
		b.Fatal(err)
	}
	m, err := twoKeys.Compile(p)
	if err != nil {
		b.Fatal(err)
	}
	v := partitions.Values{"2024-01-17", "3"}
	b.ReportAllocs()
	for b.Loop() {
		if !m.Match(v) {
			b.Fatal("no match")
		}
	}
}
