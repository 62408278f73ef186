package rangecache

// Users is how many have the object of f open.
func (f *File) Users() int {
	f.of.c.mu.Lock()
	defer f.of.c.mu.Unlock()
	return f.of.users
}
