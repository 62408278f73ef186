package storagetest

import (
	"sync"

	"github.com/skepdata/skep/storage"
)

// Counting is a Bucket that tells what was asked of it, with the capabilities of the bucket it
// wraps. It is safe for concurrent use.
type Counting struct {
	storage.Bucket

	mu  sync.Mutex
	n   Counts
	ops []Op
}

// Counts are the numbers of operations since the start or the last Reset.
type Counts struct {
	List, Listed        int // listings, and the objects they yielded
	Stat                int
	Open                int
	LocalPath           int // files opened in place of Open, by their paths
	Create, CreateParts int
	WritePart           int
	Commit, Abort       int
	Delete              int // keys
	CopyFrom            int

	BytesRead, BytesWritten int64
}

// NewCounting wraps b.
func NewCounting(b storage.Bucket) *Counting {
	c := &Counting{}
	c.Bucket = wrap(b, hooks{before: c.note, passed: c.passed})
	return c
}

// Unwrap gives [storage.As] the capabilities of the wrapped bucket, whose use is counted too.
func (c *Counting) Unwrap() storage.Bucket { return c.Bucket }

// Counts returns the numbers so far.
func (c *Counting) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Lists returns the prefixes that were listed, in order, with repetitions.
func (c *Counting) Lists() []string { return c.keys(OpList) }

// Opens returns the keys that were opened or had their LocalPath taken, in order, with
// repetitions.
func (c *Counting) Opens() []string { return c.keys(OpOpen, OpLocalPath) }

// Ops returns every operation but Reads and Writes, in order.
func (c *Counting) Ops() []Op {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Op(nil), c.ops...)
}

// Reset forgets what has happened so far.
func (c *Counting) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n, c.ops = Counts{}, nil
}

func (c *Counting) keys(kinds ...OpKind) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var keys []string
	for _, op := range c.ops {
		for _, k := range kinds {
			if op.Kind == k {
				keys = append(keys, op.Key)
			}
		}
	}
	return keys
}

func (c *Counting) note(op Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch op.Kind {
	case OpRead, OpWrite:
		return nil // passed counts their bytes
	case OpList:
		c.n.List++
	case OpStat:
		c.n.Stat++
	case OpOpen:
		c.n.Open++
	case OpLocalPath:
		c.n.LocalPath++
	case OpCreate:
		c.n.Create++
	case OpCreateParts:
		c.n.CreateParts++
	case OpWritePart:
		c.n.WritePart++
	case OpCommit:
		c.n.Commit++
	case OpAbort:
		c.n.Abort++
	case OpDelete:
		c.n.Delete++
	case OpCopyFrom:
		c.n.CopyFrom++
	}
	c.ops = append(c.ops, op)
	return nil
}

func (c *Counting) passed(kind OpKind, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch kind {
	case OpList:
		c.n.Listed += int(n)
	case OpRead:
		c.n.BytesRead += n
	case OpWrite, OpWritePart:
		c.n.BytesWritten += n
	}
}
