package rangecache

import "time"

// Users is how many have the object of f open.
func (f *File) Users() int {
	f.of.c.mu.Lock()
	defer f.of.c.mu.Unlock()
	return f.of.users
}

// Forget lets a block be fetched again by who needs it next.
func (f *File) Forget(b int64) error {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	return f.of.forget(b)
}

// Trust makes comparisons count for so long, of files that nobody has written into for so long.
func (c *Cache) Trust(lasting, settled time.Duration) { c.lasting, c.settled = lasting, settled }

// Kept is how many words of what has been compared are kept.
func (c *Cache) Kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}
