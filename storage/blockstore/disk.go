package blockstore

import "golang.org/x/sys/unix"

// freeBytes is the room that is left for us on the disk of root.
func freeBytes(root string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(root, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
