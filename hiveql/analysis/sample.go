package analysis

import (
	"math"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// sample plans TABLESAMPLE over a table.
//
// ROWS takes that many rows of the whole table, not of every split of its files, since a split
// is no notion here. PERCENT decides for every row by chance. BUCKET x OUT OF y takes the rows
// whose hash falls into one of y parts. A length in bytes takes whole files, where Hive takes whole
// splits.
func (a *analyzer) sample(s *syntax.Sample, t *metastore.Table, rel *Scan, sc *scope) (Rel, error) {
	switch s.Kind {
	case "ROWS":
		n, err := strconv.ParseInt(s.Amount, 10, 64)
		if err != nil {
			return nil, failf(s, 0, "TABLESAMPLE takes a whole number of rows, not %s", s.Amount)
		}
		return &Limit{Input: rel, Count: n, Sample: true}, nil
	case "PERCENT":
		return a.samplePercent(s, rel)
	case "BUCKET":
		return a.sampleBucket(s, t, rel, sc)
	}
	n, err := byteLength(s.Amount)
	if err != nil {
		return nil, failf(s, 0, "TABLESAMPLE takes a length such as 100M, not %s", s.Amount)
	}
	rel.SampleBytes = n
	return rel, nil
}

// byteLength reads a number of bytes with its unit: B, K, M or G.
func byteLength(text string) (int64, error) {
	unit := strings.IndexByte("BKMG", strings.ToUpper(text)[len(text)-1])
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
	shift := 10 * unit
	if err != nil || unit < 0 || n < 1 || n > math.MaxInt64>>shift {
		return 0, strconv.ErrRange
	}
	return n << shift, nil
}

func (a *analyzer) samplePercent(s *syntax.Sample, rel Rel) (Rel, error) {
	p, err := strconv.ParseFloat(s.Amount, 64)
	if err != nil || p < 0 || p > 100 {
		return nil, failf(s, 0, "Sampling percentage should be between 0 and 100, not %s", s.Amount)
	}
	random, ok := Lookup("rand")
	if !ok {
		return nil, unsupported(s, "TABLESAMPLE of a percentage")
	}
	draw := &Call{Func: random, T: double}
	limit := &Const{Value: p / 100, T: double}
	return &Filter{Input: rel, Cond: &Call{Func: opLt, Args: []Expr{draw, limit}, T: boolean}}, nil
}

func (a *analyzer) sampleBucket(s *syntax.Sample, t *metastore.Table, rel Rel, sc *scope) (Rel, error) {
	first, second, _ := strings.Cut(strings.ToUpper(s.Amount), "OUT OF")
	x, err := strconv.ParseInt(strings.TrimSpace(first), 10, 32)
	y, err2 := strconv.ParseInt(strings.TrimSpace(second), 10, 32)
	switch {
	case err != nil || err2 != nil || y < 1:
		return nil, failf(s, 10037, "Bucket number should be bigger than zero: %s", s.Amount)
	case x < 1 || x > y:
		return nil, failf(s, 10061, "Numerator should not be bigger than denominator in sample clause for table %s", t.TableName)
	}
	on := s.On
	for _, name := range t.Storage.BucketColumns {
		if len(s.On) == 0 {
			on = append(on, &syntax.Name{Span: s.Span, Ident: syntax.Ident{Span: s.Span, Name: name}})
		}
	}
	if len(on) == 0 {
		return nil, failf(s, 10060, "Sampling expression needed for non-bucketed table %s", t.TableName)
	}
	r := &resolver{a: a, sc: sc, place: "TABLESAMPLE"}
	hash, err := r.expr(&syntax.Call{Span: s.Span, Func: syntax.Ident{Name: bucketHash(t)}, Args: on})
	if err != nil {
		return nil, err
	}
	number := func(n int64) Expr { return &Const{Value: n, T: bigint} }
	positive := &Call{Func: opBitAnd, Args: []Expr{convert(hash, bigint), number(1<<31 - 1)}, T: bigint}
	part := &Call{Func: opMod, Args: []Expr{positive, number(y)}, T: bigint}
	return &Filter{Input: rel, Cond: &Call{Func: opEq, Args: []Expr{part, number(x - 1)}, T: boolean}}, nil
}

// bucketHash is the function by whose result rows are put into buckets.
func bucketHash(t *metastore.Table) string {
	for name, value := range t.Parameters {
		if strings.EqualFold(name, "bucketing_version") && value == "1" {
			return "hash"
		}
	}
	return "murmur_hash"
}
