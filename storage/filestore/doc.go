// Package filestore is a directory tree of local files as a [storage.Bucket].
//
//	b, err := filestore.New("/")          // keys are absolute paths without the first slash
//	o, err := b.Stat(ctx, "etc/hostname") // URL file:///etc/hostname
//
// A key is a path below the root. What cannot be a path, such as "a//b", "../x" or a name of 1,000
// bytes, is escaped, with carets, so that each key is a file of its own below the root: escape.go has
// the rules, and [KeyOf] goes back. Files of others are what their names say. No object can lie below
// another, which is an error that names both; and a path of more than the system's 4,095 bytes, roots
// included, is ErrInvalidKey. Directories come into being with their first file, and stay when
// their last one is deleted.
//
// # Listing
//
// A walk of a tree does not meet files in the order of their keys: "a-b" sorts before "a/c",
// but a walk enters "a" first. Reading each directory whole and sorting its entries, with a
// directory as its name plus '/', gives exactly the byte order of the keys. One directory for
// each level of the tree is held in memory at a time.
//
// Symbolic links are followed, except those to a directory that the walk is already in.
// Devices, sockets and pipes are no objects.
//
// # Writing
//
// An object is written into an anonymous file (O_TMPFILE), which the kernel forgets when the
// process dies, and is linked under its name by Commit. No system call links over an existing
// name, so a replacement is first linked under one hidden name of its directory and renamed from
// there, with the directory locked; what a killed process left under that name goes with the
// next replacement. File systems without anonymous files get a hidden, locked file in place of it,
// and those of dead processes are removed by the next writer in the directory.
//
// An upload in parts that is to be resumable has a hidden name from the beginning, in the nearest directory
// that exists, and a record of its parts behind its content (uploadfile.go). It is locked while a process
// has it; its parts are read again, and compared with the record, by the next.
//
// Hidden names begin with ".skep-" and end with ".tmp": they are never listed.
//
// # What it does not keep
//
// Files have no room for content types, metadata and checksums, so these are not kept. The
// CRC32C is computed while an object is written, and is known after Commit. The ETag is made of the
// file's inode, size and modification time, and a reader whose file was changed in place by
// another program reports ErrChanged at its end.
package filestore
