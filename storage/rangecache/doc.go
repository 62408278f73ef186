// Package rangecache keeps the parts of far objects that somebody has read as local files, so
// that what can only read local files can read them, and what is read again is not fetched again.
//
//	cache, err := rangecache.Open(dir, 10<<30)
//	f, err := cache.Object(ctx, bucket, object)
//	defer f.Close()
//	release, err := f.Hold(ctx, 4<<20, 1000) // now these 1000 bytes can be read at f.Path()
//	defer release()
//	n, err := f.ReadAt(ctx, p, 4<<20) // or so
//
// An object is a sparse file of the object's size, under a name made of its URL, ETag and size,
// so a new version of it is a new file and nothing ever needs to be compared again. It comes in
// blocks of 64 KiB, by ranged reads with If-Match: neighbours that are missing come with one
// request, a block that is on its way is waited for and not asked for again, and reads that
// follow each other are run ahead of.
//
// Beside it, NAME.map says which blocks are there (format: map.go). A block is entered when its
// bytes have been written, with their CRC32C. A process that is killed at any point leaves a
// true map, since the system still has what was written; after a crash of the system, which may
// lose one and keep the other, every block is compared with its sum before it counts; and so that
// no damage of the disk is read, each is once more when an object that is open uses it first, and
// fetched again if it differs. Who knows the sums of an object's blocks tells them ([File.Verify]), and
// nobody is given other bytes then, however they have come. Of other objects, when the last block
// comes, all together are compared with what the store says of the whole, if it says anything, and
// until then that block is given to nobody. If they differ all are fetched once more, which shows which
// came changed; it is an error for those who had been given one, and the next find what is right. The
// store is asked while the last blocks are on their way. Who uses some blocks of an object can make sure of
// these before ([File.Confirm], [File.ReadConfirmed]): they come twice, by two requests at the same time, and the map
// notes that it need not be done again.
//
// Several processes may share a directory. A file in use carries a shared lock; eviction takes
// an exclusive one, without waiting, and so passes over files that anybody uses. After locking,
// a user makes sure that the file it locked is still the one the name stands for:
//
//	user                          evictor
//	[1] open or make              [a] open, lock exclusively or pass over
//	[2] lock shared               [b] remove the map, then the file
//	[3] same file as the name?    [c] close
//	    otherwise start again
//	[4] open or make the map
//
// The cache is never larger than it may be, but for what other processes fetch at the moment. When
// no file is left to evict, holes are punched into files in use, where nobody holds the blocks
// ([File.Hold]): an object that is larger than the whole cache comes and goes while it is read. This
// needs Linux, and that no other process uses the object, which a lock on its map shows: all
// users share it, and who punches holes has it alone. Where nothing can be given up, reads go past
// the cache ([File.ReadAt]), and so they do where its disk is full, or takes not even the map of an
// object: nothing of that is kept then, and its file has only holes, on no disk. That needs Linux.
//
// Those who read the file at its path, and cannot call this package for each read, do it by a table ([File.ReadTable]),
// which says which blocks are there for anybody, and with what sums.
//
// The package knows buckets and objects, and nothing of what their bytes mean.
package rangecache
