package rangecache

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
