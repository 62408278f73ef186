package orc

import "github.com/skepdata/skep/internal/orcfile"

// groupMark is where a group of rows begins in the streams of a column, and what its values are.
type groupMark struct {
	present, data, second, lengths place
	solid                          int // values before it that are not in the stream of NULLs yet
	words                          int // values before it that are in the dictionary only
	values                         orcfile.Message
	bloom                          orcfile.Message // where the column has filters
}

// placeIn is the end of a stream, where no run is open, and bits of a byte that is not full.
func placeIn(c *orcfile.Chunks, bits int) place {
	chunk, bytes := c.End()
	return place{chunk: int64(chunk), bytes: int64(bytes), bits: bits}
}

// mark ends a group of rows and begins another.
func (c *columnWriter) mark() {
	c.endGroup()
	m := groupMark{solid: c.solid}
	if c.nulls {
		c.present.runs.flush()
		m.present = placeIn(c.present.runs.out, c.present.n)
	}
	c.bits.runs.flush()
	c.bytes.flush()
	c.first.flush()
	c.other.flush()
	if c.words != nil {
		m.words = len(c.words.rows)
	}
	m.data, m.second, m.lengths = placeIn(c.data, c.bits.n), placeIn(c.second, 0), placeIn(c.lengths, 0)
	c.marks = append(c.marks, m)
}

// endGroup adds what is known of the values of a group to that of the stripe.
func (c *columnWriter) endGroup() {
	m := c.group.encoded()
	c.marks[len(c.marks)-1].values = m
	if c.filter != nil {
		b := c.filter.encoded()
		c.marks[len(c.marks)-1].bloom = b
		c.filters += len(b)
		clear(c.filter.words)
	}
	if err := c.stripe.Add(m); err != nil && c.failed == nil {
		c.failed = err
	}
	c.group = statistics{kind: c.t.Kind}
}

// tellSolid puts the values before the first NULL into the stream of NULLs.
func (c *columnWriter) tellSolid() {
	c.replay(c.solid, func(m *groupMark) int { return m.solid }, func(int) { c.present.add(true) }, func(m *groupMark) {
		c.present.runs.flush()
		m.present = placeIn(c.present.runs.out, c.present.n)
	})
	c.solid = 0
}

// replay writes n values that were kept back, and calls place for each mark when as many are written as there were before it.
func (c *columnWriter) replay(n int, before func(*groupMark) int, write func(i int), place func(*groupMark)) {
	next := 1 // the first group begins where the streams do
	for i := range n + 1 {
		for ; next < len(c.marks) && before(&c.marks[next]) == i; next++ {
			place(&c.marks[next])
		}
		if i < n {
			write(i)
		}
	}
}

// placed are the streams of the column, as heldBy has them.
func (c *columnWriter) placed() []held {
	e := encoding{kind: encodingDirectV2}
	if c.words != nil {
		e.kind = encodingDictionaryV2
	}
	return heldBy(typeOf(c.t, nil).Kind, e)
}

// index is the message of the groups of the stripe, whose streams are ended.
func (c *columnWriter) index(compressed bool) (m orcfile.Message) {
	streams := c.placed()
	if c.nulls {
		streams = append([]held{{streamPresent, 2}}, streams...)
	}
	for i := range c.marks {
		g := &c.marks[i]
		at := map[uint64]place{streamPresent: g.present, streamData: g.data, streamSecondary: g.second, streamLength: g.lengths}
		var numbers []uint64
		for _, h := range streams {
			p := at[h.kind]
			numbers = append(numbers, uint64(p.chunk))
			if compressed {
				numbers = append(numbers, uint64(p.bytes))
			}
			if h.counts > 0 {
				numbers = append(numbers, uint64(p.runs))
			}
			if h.counts > 1 {
				numbers = append(numbers, uint64(p.bits))
			}
		}
		var entry orcfile.Message
		if len(numbers) > 0 {
			entry = entry.Packed(1, numbers...)
		}
		m = m.Bytes(1, entry.Bytes(2, g.values))
	}
	return m
}

// blooms is the message of the Bloom filters of the groups; nil where the column has none.
func (c *columnWriter) blooms() (m orcfile.Message) {
	if c.filter == nil {
		return nil
	}
	for i := range c.marks {
		m = m.Bytes(1, c.marks[i].bloom)
	}
	return m
}
