package rangecache

import "time"

// What this process has compared with its sum it does not compare again when it opens the object once more, within a
// minute and as long as nobody has written into the file. Whoever writes there, or punches holes, changes the time at which
// the inode was changed, which nobody can set: so it has to be the same as when the object was opened before, and before it
// was closed. It has to be older than that by more than the steps in which file systems count, or a change in the same step
// would not show. If the object was written to while it was open, by us too, its blocks are compared once more, the next
// time. So nobody uses a block that was written, in whatever way, between its comparison and the opening of the object.
//
// What is left is a disk that changes bytes by itself, of which we learn a minute later at most, as we would while an
// object is open.

const (
	// settled is longer than the steps of the clocks of file systems.
	settled = 2 * time.Second
	// lasting is how long a comparison counts for those who open the object later.
	lasting = time.Minute
	// mostCompared bounds what is kept, in words of 64 blocks: of 256 GiB, by 512 KiB of memory. If there is more all
	// is forgotten: what is in use comes back at once.
	mostCompared = 64 << 10
)

// fileState is what a file was when it was looked at. It is not equal to any other if it is not known.
type fileState struct {
	known         bool
	device, inode uint64
	changed       time.Duration // since 1970
}

// compared are the blocks of an object that have been compared, since when, and what the file was.
type compared struct {
	state  fileState
	since  time.Time
	blocks bits
}

// recall takes up what is known of an object that is being opened. The caller holds the lock of the cache.
func (c *Cache) recall(of *object) {
	now := time.Now()
	if s := stateOf(of.data); now.Sub(time.Unix(0, int64(s.changed))) >= c.settled {
		of.was = s
	}
	of.since = now
	before, ok := c.compared[of.name]
	if !ok {
		return
	}
	delete(c.compared, of.name)
	c.kept -= len(before.blocks)
	if !of.was.known || before.state != of.was || now.Sub(before.since) >= c.lasting {
		return
	}
	of.since = before.since
	for b := range int64(len(of.have.blocks)) {
		if before.blocks.has(b) && of.have.has(b) {
			of.checked.add(b, of)
		}
	}
}

// remember keeps what has been compared of an object that is being closed. The caller holds the lock of the cache.
func (c *Cache) remember(of *object) {
	if !of.was.known || stateOf(of.data) != of.was {
		return
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if t := of.table.Load(); t != nil {
		for b := range int64(len(t.words)) {
			if t.words[b].Load()&(TableReady|TableRight) == TableReady|TableRight {
				of.checked.add(b, of)
			}
		}
	}
	if of.checked == nil {
		return
	}
	if c.kept+len(of.checked) > mostCompared {
		c.compared, c.kept = map[string]compared{}, 0
	}
	c.compared[of.name] = compared{of.was, of.since, of.checked}
	c.kept += len(of.checked)
}
