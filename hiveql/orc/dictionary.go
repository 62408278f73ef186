package orc

import "sort"

// dictionary collects the values of a column of text, each different one once.
type dictionary struct {
	of    map[string]int32
	words []string
	rows  []int32 // the word of each value
	bytes int
}

const (
	// A dictionary is given up where more than distinctShare of the values are different, once there are enough of
	// them to tell, or where it becomes too large.
	distinctShare   = 0.8
	enoughRows      = 10000
	dictionaryBytes = 16 << 20
	entryBytes      = 64 // of memory, besides the text
)

func (d *dictionary) add(v string) {
	i, ok := d.of[v]
	if !ok {
		if d.of == nil {
			d.of = map[string]int32{}
		}
		i = int32(len(d.words))
		d.of[v] = i
		d.words = append(d.words, v)
		d.bytes += len(v) + entryBytes
	}
	d.rows = append(d.rows, i)
}

func (d *dictionary) worthIt() bool {
	if d.bytes > dictionaryBytes {
		return false
	}
	return len(d.rows) != enoughRows || d.saves()
}

// saves reports whether few values are different.
func (d *dictionary) saves() bool {
	return float64(len(d.words)) <= distinctShare*float64(len(d.rows))
}

func (d *dictionary) held() int { return d.bytes + 4*len(d.rows) }

// sorted puts the words in order, and returns them and what has become of the number of each.
func (d *dictionary) sorted() (words []string, place []int32) {
	order := make([]int32, len(d.words))
	for i := range order {
		order[i] = int32(i)
	}
	sort.Slice(order, func(a, b int) bool { return d.words[order[a]] < d.words[order[b]] })
	words, place = make([]string, len(order)), make([]int32, len(order))
	for i, o := range order {
		words[i], place[o] = d.words[o], int32(i)
	}
	return words, place
}
