package blockstore

import "golang.org/x/sys/unix"

// SyncData is fdatasync: the times of a file are not waited for.
func (f osFile) SyncData() error { return unix.Fdatasync(int(f.Fd())) }

// damaged is what the system says of a file system that has to be repaired.
const damaged = unix.EUCLEAN
