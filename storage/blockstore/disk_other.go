//go:build !linux

package blockstore

import "golang.org/x/sys/unix"

// SyncData is Sync, as there is no fdatasync, or none that reaches the disk.
func (f osFile) SyncData() error { return f.Sync() }

// damaged is what the system says of a disk that it cannot read; Linux has a word for damaged file systems.
const damaged = unix.EIO
