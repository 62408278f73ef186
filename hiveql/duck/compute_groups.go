package duck

import (
	"math"
	"slices"
	"strings"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore/distinct"
)

// sketchBytes makes the bytes that Hive keeps of those of a sketch without an estimate.
func sketchBytes(args []hivetype.Value) (hivetype.Value, error) {
	text, ok := args[0].([]byte)
	if !ok {
		return nil, nil
	}
	s, err := distinct.Parse(text)
	if err != nil {
		return nil, err
	}
	return s.Bytes(), nil
}

// javaRandom is java.util.Random: the same seed gives the same numbers.
type javaRandom struct{ state uint64 }

const javaMultiplier, javaMask = 0x5DEECE66D, 1<<48 - 1

func newJavaRandom(seed int64) *javaRandom {
	return &javaRandom{state: (uint64(seed) ^ javaMultiplier) & javaMask}
}

func (r *javaRandom) bits(n uint) uint64 {
	r.state = (r.state*javaMultiplier + 0xB) & javaMask
	return r.state >> (48 - n)
}

func (r *javaRandom) double() float64 {
	high := r.bits(26) << 27
	return float64(high+r.bits(27)) * 0x1p-53
}

// histogram is the algorithm of Ben-Haim and Tom-Tov ("A streaming parallel decision tree
// algorithm", JMLR 11, 2010): bins at points, of which the two nearest are merged whenever there
// are too many. Ties are broken as in Hive.
type histogram struct {
	bins   []bin
	most   int
	random *javaRandom
}

type bin struct{ x, y float64 }

func newHistogram(most int) *histogram {
	return &histogram{most: most, random: newJavaRandom(31183)}
}

func (h *histogram) add(x float64) {
	i, found := slices.BinarySearchFunc(h.bins, x, func(b bin, x float64) int {
		switch {
		case b.x < x:
			return -1
		case b.x > x:
			return 1
		}
		return 0
	})
	if found {
		h.bins[i].y++
		return
	}
	if h.bins = slices.Insert(h.bins, i, bin{x: x, y: 1}); len(h.bins) > h.most {
		h.merge()
	}
}

// merge joins the two bins that are nearest to each other.
func (h *histogram) merge() {
	least, at, count := math.Inf(1), 0, 1
	for i := 0; i+1 < len(h.bins); i++ {
		switch gap := h.bins[i+1].x - h.bins[i].x; {
		case i == 0 || gap < least:
			least, at, count = gap, i, 1
		case gap == least:
			if count++; h.random.double() <= 1/float64(count) {
				at = i
			}
		}
	}
	a, b := h.bins[at], h.bins[at+1]
	sum := a.y + b.y
	h.bins[at] = bin{x: a.x*(a.y/sum) + b.x/sum*b.y, y: sum}
	h.bins = slices.Delete(h.bins, at+1, at+2)
}

// quantile is where a share q of all values is, taken as lying evenly between the bins.
func (h *histogram) quantile(q float64) hivetype.Value {
	sum := 0.0
	for _, b := range h.bins {
		sum += b.y
	}
	below := 0.0
	for i, b := range h.bins {
		if (below+b.y)/sum >= q {
			if i == 0 {
				return b.x
			}
			left := h.bins[i-1].x
			return left + (q*sum-below)*(b.x-left)/b.y
		}
		below += b.y
	}
	return nil
}

// histogramOf is histogram_numeric of a list of numbers.
func histogramOf(args []hivetype.Value) (hivetype.Value, error) {
	n, _ := args[1].(int64)
	if n < 2 {
		return nil, &Error{Op: "run", Msg: "histogram_numeric needs nbins to be at least 2"}
	}
	h := newHistogram(int(n))
	for _, v := range args[0].([]any) {
		h.add(v.(float64))
	}
	if len(h.bins) == 0 {
		return nil, nil
	}
	list := make([]any, len(h.bins))
	for i, b := range h.bins {
		list[i] = []any{b.x, b.y}
	}
	return list, nil
}

// percentileApprox is percentile_approx of a list of numbers: by a histogram with a bin for each
// value where there are enough bins, and by the value itself where there are not, which is more
// exact than what Hive returns.
func percentileApprox(args []hivetype.Value) (hivetype.Value, error) {
	most := 10000
	if len(args) > 2 {
		n, _ := args[2].(int64)
		if n < 2 {
			return nil, &Error{Op: "run", Msg: "percentile_approx needs at least 2 bins"}
		}
		most = int(n)
	}
	values := make([]float64, 0, len(args[0].([]any)))
	for _, v := range args[0].([]any) {
		values = append(values, v.(float64))
	}
	if len(values) == 0 {
		return nil, nil
	}
	at := quantiles(values, most)
	points, many := args[1].([]any)
	if !many {
		points = []any{args[1]}
	}
	list := make([]any, len(points))
	for i, p := range points {
		q, ok := p.(float64)
		if !ok || q < 0 || q > 1 {
			return nil, &Error{Op: "run", Msg: "percentile_approx takes percentiles from 0 to 1"}
		}
		list[i] = at(q)
	}
	if !many {
		return list[0], nil
	}
	return list, nil
}

func quantiles(values []float64, most int) func(float64) hivetype.Value {
	const few = 1000 // bins that can be merged one at a time in little time
	h := newHistogram(most)
	if most <= few {
		for _, x := range values {
			h.add(x)
		}
		return h.quantile
	}
	slices.Sort(values)
	for _, x := range values {
		if n := len(h.bins); n > 0 && h.bins[n-1].x == x {
			h.bins[n-1].y++
			continue
		}
		if h.bins = append(h.bins, bin{x: x, y: 1}); len(h.bins) > most {
			return func(q float64) hivetype.Value {
				return values[max(int(math.Ceil(q*float64(len(values))))-1, 0)]
			}
		}
	}
	return h.quantile
}

// ngramsOf is ngrams of a list of arrays of words, or of arrays of these: the k most frequent
// sequences of n words.
func ngramsOf(args []hivetype.Value) (hivetype.Value, error) {
	n, _ := args[1].(int64)
	k, _ := args[2].(int64)
	if n < 1 || k < 1 {
		return nil, &Error{Op: "run", Msg: "ngrams takes a length and a number of n-grams that are at least 1"}
	}
	counts := frequencies{}
	eachText(args[0], func(words []any) {
		for i := 0; i+int(n) <= len(words); i++ {
			counts.add(words[i : i+int(n)])
		}
	})
	return counts.top(int(k)), nil
}

// contextNgramsOf finds the words that stand most often in the places that are NULL in a context.
func contextNgramsOf(args []hivetype.Value) (hivetype.Value, error) {
	context := args[1].([]any)
	k, _ := args[2].(int64)
	if !slices.Contains(context, nil) || k < 1 {
		return nil, &Error{Op: "run", Msg: "context_ngrams takes a context with at least one NULL, and a number of at least 1"}
	}
	counts := frequencies{}
	eachText(args[0], func(words []any) {
		for i := 0; i+len(context) <= len(words); i++ {
			var found []any
			match := true
			for j, c := range context {
				if c == nil {
					found = append(found, words[i+j])
				} else if c != words[i+j] {
					match = false
					break
				}
			}
			if match {
				counts.add(found)
			}
		}
	})
	return counts.top(int(k)), nil
}

// eachText calls f for the innermost arrays.
func eachText(v hivetype.Value, f func([]any)) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return
	}
	for _, e := range list {
		if _, nested := e.([]any); nested {
			eachText(e, f)
			continue
		}
		if e != nil {
			f(list)
			return
		}
	}
}

type frequencies map[string]*frequency

type frequency struct {
	words []any
	count float64
}

func (f frequencies) add(words []any) {
	var key strings.Builder
	for _, w := range words {
		s, ok := w.(string)
		if !ok {
			return
		}
		key.WriteString(s + "\x00")
	}
	if f[key.String()] == nil {
		f[key.String()] = &frequency{words: slices.Clone(words)}
	}
	f[key.String()].count++
}

// top are the k most frequent; those that are equally frequent by their words.
func (f frequencies) top(k int) hivetype.Value {
	keys := make([]string, 0, len(f))
	for key := range f {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		switch {
		case f[a].count > f[b].count:
			return -1
		case f[a].count < f[b].count:
			return 1
		}
		return strings.Compare(a, b)
	})
	list := []any{}
	for _, key := range keys[:min(k, len(keys))] {
		list = append(list, []any{f[key].words, f[key].count})
	}
	if len(list) == 0 {
		return nil
	}
	return list
}
