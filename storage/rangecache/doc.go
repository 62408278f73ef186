// Package rangecache keeps objects of far stores as local files, so that what can only read
// local files can read them, and what is read again is not fetched again.
//
//	cache, err := rangecache.Open(dir, 10<<30)
//	f, err := cache.Fetch(ctx, bucket, object)
//	defer f.Close()
//	use(f.Path())
//
// An object is kept under a name made of its URL, ETag and size, so a new version of it is a
// new file and nothing ever needs to be compared again. It is read with If-Match, compared
// with its checksum where the store keeps one, written to a temporary file and then given
// its name: a file with its final name is whole.
//
// Several processes may share a directory. A file in use carries a shared lock; eviction takes
// an exclusive one, without waiting, and so passes over files that anybody uses. After locking,
// a user makes sure that the file it locked is still the one the name stands for:
//
//	user                          evictor
//	[1] open                      [a] open, lock exclusively or pass over
//	[2] lock shared               [b] remove the name
//	[3] same file as the name?    [c] close
//	    otherwise start again
//
// The bound on bytes holds for what is not in use: an object that is larger than the whole
// cache is still fetched, and goes when it is released and something else comes.
//
// The package knows buckets and objects, and nothing of what their bytes mean.
package rangecache
