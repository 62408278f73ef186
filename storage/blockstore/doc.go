// Package blockstore keeps objects as checksummed blocks on one or more local directories, the
// disks, with a transactional namespace: what HDFS is to a cluster, for one machine.
//
//	b, err := blockstore.Open([]string{"/mnt/a/skep", "/mnt/b/skep"}, "lake", blockstore.Options{})
//	w, err := b.Create(ctx, "flights/2024.csv", storage.CreateOptions{}) // block://lake/flights/2024.csv
//
// An object is a list of blocks (128 MiB each but the last), or, if it is tiny, a row. A block is a
// plain file, on as many disks as its volume says, that never changes once it is named in the namespace, and no two
// blocks ever have one number. The namespace is an SQLite database in the first directory that says
// which blocks make up which object, and holds a CRC32C for every 64 KiB of every block. An object of
// one block is therefore a plain file with exactly the object's bytes.
//
// # Writing
//
//  1. Take numbers for new blocks: a range of them is noted in the namespace under the writer's
//     name, and the writer holds the lock of a file of that name for as long as it lives.
//  2. Write the blocks to the files of their numbers, on the disks with the most room, and
//     sync them.
//  3. One transaction names blocks and object, replaces the older version, and moves blocks
//     that nothing refers to any more to the list of garbage. Commits that come at the same
//     time share a transaction, and one sync of the disk.
//  4. Remove the files of the garbage.
//
// A process that dies before 3 leaves files that no transaction names, all of them in its
// ranges. The next writer finds the lock of the dead one free and removes them. A process that
// dies between 3 and 4 leaves a list of garbage, which the next writer works off.
//
// Every change is in the writer's journal too, from which Rebuild makes a lost namespace anew.
//
// # Reading
//
// Open takes the object's list of blocks and opens the files, which outlive their names, so that a
// reader goes on reading a version that is being replaced. Of a long range (over 16 blocks)
// only the first files are opened at once, and a replacement can then be reported as
// ErrChanged. Every byte handed out was compared with the checksum of its 64 KiB, unless
// Options.VerifyReads says otherwise. What is wrong with one replica is taken from another, and
// queued for repair.
//
// # Copies
//
// A copy within one store refers to the blocks of its source. A block is garbage when its last
// reference goes.
//
// # Looking after a store
//
// A [Store] is all volumes and disks: Check finds damage, Repair mends it, Balance and Decommission move
// blocks between disks.
//
// The format is described in docs/blockstore-format.md. The package knows storage and nothing
// above it.
package blockstore
