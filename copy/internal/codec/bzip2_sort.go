package codec

import "slices"

// transform is the Burrows-Wheeler transform: the last column of the sorted rotations of b, and
// the row of b itself among them. The column is where it was before, as far as there is room.
func (s *rotations) transform(before, b []byte) (last []byte, first int) {
	rows := s.sort(b)
	last = slices.Grow(before[:0], len(b))[:len(b)]
	for at, start := range rows {
		if start == 0 {
			first = at
			start = int32(len(b))
		}
		last[at] = b[start-1]
	}
	return last, first
}

// sort returns where the rotations of b start, in their order. Rotations that are
// equal for h bytes form a group; sorting a group by the groups of what stands h bytes on
// doubles h (Larsson and Sadakane, 1999). The time is n log² n however repetitive b is.
func (s *rotations) sort(b []byte) []int32 {
	s.begin(b)
	for h := 2; h < len(b) && s.open > 0; h *= 2 {
		s.refine(h)
	}
	for at := 0; at < len(s.order); { // rotations that are equal altogether: any order will do
		if s.order[at] < 0 {
			at -= int(s.order[at])
			continue
		}
		end := int(s.group[s.order[at]]) + 1
		for ; at < end; at++ {
			s.group[s.order[at]] = int32(at)
		}
	}
	for start, at := range s.group {
		s.order[at] = int32(start)
	}
	return s.order
}

// rotations is the state of the sort, which takes ten bytes and more for each of the block's. It is used for
// one block after another.
type rotations struct {
	// order holds the starts of the rotations by group; where the sort is done, a negative
	// number says how many places are.
	order []int32
	// group says of every rotation the last place of its group.
	group []int32
	open  int // places not done
	keys  []uint64
	pairs [2][]int32 // of the first sort: where each pair of bytes ends, and goes next
}

// begin sorts by the first two bytes.
func (s *rotations) begin(b []byte) {
	n := len(b)
	if cap(s.order) < n {
		s.order, s.group = make([]int32, n+n/32), make([]int32, n+n/32) // blocks differ by what runs they have
	}
	s.order, s.group, s.open = s.order[:n], s.group[:n], n
	pair := func(i int) int {
		if i+1 < n {
			return int(b[i])<<8 | int(b[i+1])
		}
		return int(b[i])<<8 | int(b[0])
	}
	if s.pairs[0] == nil {
		s.pairs = [2][]int32{make([]int32, 1<<16+1), make([]int32, 1<<16)}
	}
	ends, next := s.pairs[0], s.pairs[1]
	clear(ends)
	for i := range b {
		ends[pair(i)+1]++
	}
	for i := range 1 << 16 {
		ends[i+1] += ends[i]
	}
	copy(next, ends)
	for i := range b {
		p := pair(i)
		s.order[next[p]] = int32(i)
		next[p]++
		s.group[i] = ends[p+1] - 1
	}
	for p := range 1 << 16 {
		if ends[p+1]-ends[p] == 1 {
			s.order[ends[p]] = -1
			s.open--
		}
	}
}

// refine splits the groups, whose rotations are equal for h bytes, and joins what is done into
// longer runs that later rounds pass over at once.
func (s *rotations) refine(h int) {
	done := 0 // places done that end at at
	for at := 0; at < len(s.order); {
		if skip := -int(s.order[at]); skip > 0 {
			at += skip
			done += skip
			continue
		}
		if done > 0 {
			s.order[at-done] = int32(-done)
			done = 0
		}
		end := int(s.group[s.order[at]]) + 1
		s.split(at, end, h)
		at = end
	}
	if done > 0 {
		s.order[len(s.order)-done] = int32(-done)
	}
}

func (s *rotations) split(from, end, h int) {
	n := len(s.order)
	s.keys = s.keys[:0]
	for _, start := range s.order[from:end] {
		ahead := int(start) + h
		if ahead >= n {
			ahead -= n
		}
		s.keys = append(s.keys, uint64(s.group[ahead])<<32|uint64(start))
	}
	slices.Sort(s.keys)
	for i := 0; i < len(s.keys); {
		j := i + 1
		for j < len(s.keys) && s.keys[j]>>32 == s.keys[i]>>32 {
			j++
		}
		for k := i; k < j; k++ {
			start := int32(s.keys[k] & (1<<32 - 1))
			s.order[from+k] = start
			s.group[start] = int32(from + j - 1)
		}
		if j-i == 1 {
			s.order[from+i] = -1
			s.open--
		}
		i = j
	}
}
