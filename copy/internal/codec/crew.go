package codec

import "sync"

// Crew is what the writers of several outputs share that are made at the same time: the
// processors, and the memory that compressing takes. So many blocks are compressed at once by all
// of them, and those of the writer that began first come first. An output that has been begun
// is then soon complete, and its memory free, instead of all of them growing side by side. It is
// safe for concurrent use.
type Crew struct {
	size int

	mu      sync.Mutex
	idle    int
	joined  uint64 // writers
	waiting []turn

	spare map[int][][]byte // blocks by their size, at most twice as many as work

	tools map[toolKind][]any // those that nobody uses, at most as many as work
}

// toolKind is a kind of compressor, each of which compresses a block at a time and takes a megabyte
// and more.
type toolKind struct {
	format string
	level  int
}

// turn is a block that waits to be compressed.
type turn struct {
	rank  uint64
	begin chan struct{}
}

// NewCrew makes a crew that compresses so many blocks at once, at least one.
func NewCrew(size int) *Crew {
	size = max(size, 1)
	return &Crew{size: size, idle: size, spare: map[int][][]byte{}, tools: map[toolKind][]any{}}
}

// Size is how many blocks are compressed at once.
func (c *Crew) Size() int { return c.size }

// join gives a writer its place in the order.
func (c *Crew) join() (rank uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.joined++
	return c.joined
}

// enter waits until a block of the writer of that rank may be compressed. Who has entered does
// nothing but compute until it leaves, so that everybody's turn comes.
func (c *Crew) enter(rank uint64) {
	c.mu.Lock()
	if c.idle > 0 {
		c.idle--
		c.mu.Unlock()
		return
	}
	begin := make(chan struct{})
	c.waiting = append(c.waiting, turn{rank, begin})
	c.mu.Unlock()
	<-begin
}

// leave ends what enter began.
func (c *Crew) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.idle++
		return
	}
	first := 0
	for i, t := range c.waiting {
		if t.rank < c.waiting[first].rank {
			first = i
		}
	}
	close(c.waiting[first].begin)
	c.waiting = append(c.waiting[:first], c.waiting[first+1:]...)
}

// block lends an empty block with room for size bytes.
func (c *Crew) block(size int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.spare[size]); n > 0 {
		b := c.spare[size][n-1]
		c.spare[size] = c.spare[size][:n-1]
		return b[:0]
	}
	return make([]byte, 0, size)
}

// compressedExtra is more than what cannot be compressed grows by, of a format that keeps it as it is:
// 3 bytes for each 128 KiB, and what stands around them.
const compressedExtra = 1 << 10

// room lends what a block of n bytes finds room in when it is compressed, of which the largest have size
// bytes. There are only two sizes, so that few are kept.
func (c *Crew) room(n, size int) []byte {
	if n <= firstBlock {
		size = min(size, firstBlock)
	}
	return c.block(size + compressedExtra)
}

// put takes back what block or room has lent.
func (c *Crew) put(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size := cap(b); size > 0 && len(c.spare[size]) < 2*c.size {
		c.spare[size] = append(c.spare[size], b)
	}
}

// lend is a compressor of a kind, in any state, that is to be given back: one that nobody uses, or
// what build makes.
func lend[T any](c *Crew, kind toolKind, build func() (T, error)) (T, error) {
	c.mu.Lock()
	idle := c.tools[kind]
	if n := len(idle); n > 0 {
		tool := idle[n-1]
		idle[n-1] = nil
		c.tools[kind] = idle[:n-1]
		c.mu.Unlock()
		return tool.(T), nil
	}
	c.mu.Unlock()
	return build()
}

// giveBack takes back what lend has lent.
func (c *Crew) giveBack(kind toolKind, tool any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tools[kind]) < c.size {
		c.tools[kind] = append(c.tools[kind], tool)
	}
}
