package analysis

import (
	"iter"
	"math/bits"
	"slices"
)

// idSet is a set of columns by their IDs, which are small and close together but for those of row offsets.
type idSet struct {
	small []uint64 // a bit for each
	large []int    // those from maxSmall
}

const maxSmall = 1 << 16

func (s *idSet) has(id int) bool {
	if id >= maxSmall {
		return slices.Contains(s.large, id)
	}
	return id/64 < len(s.small) && s.small[id/64]&(1<<(id%64)) != 0
}

func (s *idSet) add(id int) {
	if id >= maxSmall {
		if !s.has(id) {
			s.large = append(s.large, id)
		}
		return
	}
	if need := id/64 + 1; need > len(s.small) {
		s.small = append(s.small, make([]uint64, need-len(s.small))...)
	}
	s.small[id/64] |= 1 << (id % 64)
}

// count is how many columns there are.
func (s *idSet) count() int {
	n := len(s.large)
	for _, word := range s.small {
		n += bits.OnesCount64(word)
	}
	return n
}

// all yields the columns, small IDs first and in order.
func (s *idSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s.small {
			for ; word != 0; word &= word - 1 {
				if !yield(64*i + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
		for _, id := range s.large {
			if !yield(id) {
				return
			}
		}
	}
}

// idsOf are the columns of a relation. It is Columns without making the list, for plans are walked often.
func idsOf(r Rel) *idSet {
	set := &idSet{}
	addIDs(r, set)
	return set
}

func addIDs(r Rel, set *idSet) {
	switch r := r.(type) {
	case *Scan:
		for i := range r.Cols {
			set.add(r.Cols[i].ID)
		}
	case *Join:
		addIDs(r.L, set)
		if r.Kind != SemiJoin && r.Kind != AntiJoin {
			addIDs(r.R, set)
		}
	case *Filter:
		addIDs(r.Input, set)
	case *Sort:
		addIDs(r.Input, set)
	case *Limit:
		addIDs(r.Input, set)
	case *Distinct:
		addIDs(r.Input, set)
	default:
		for _, c := range r.Columns() {
			set.add(c.ID)
		}
	}
}
