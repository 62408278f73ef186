package blockstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// disk is one directory of the store that is at hand.
type disk struct {
	id   int64
	root string

	shunned atomic.Int64 // until when, in nanoseconds since 1970, it gets no new blocks
}

// shunFor is how long a disk that failed a write gets no new blocks while others take them.
const shunFor = 30 * time.Second

func (d *disk) shun() { d.shunned.Store(time.Now().Add(shunFor).UnixNano()) }

func (d *disk) isShunned() bool { return time.Now().UnixNano() < d.shunned.Load() }

// wrap says on which disk err happened.
func (d *disk) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("disk %d at %s: %w", d.id, d.root, err)
}

// identity is what the identity file of a disk says.
type identity struct {
	Format int    `json:"format"`
	Store  string `json:"store"`
	Disk   int64  `json:"disk"`
}

// identify finds out which disk each root is. Roots without an identity, and those that cannot be
// read, are left out: what is on them is missing until they are back.
func (s *store) identify() error {
	disks := []*disk{}
	for _, root := range s.roots {
		who, err := readIdentity(root)
		var damaged *identityError
		if errors.As(err, &damaged) {
			return err
		}
		if err != nil {
			continue // absent, or as good as
		}
		if who.Store != s.id {
			return fmt.Errorf("%s is a disk of the store %s, and %s has the namespace of the store %s",
				root, who.Store, s.home, s.id)
		}
		if slices.ContainsFunc(disks, func(d *disk) bool { return d.id == who.Disk }) {
			continue // the same directory by another name
		}
		d := &disk{id: who.Disk, root: root}
		if known := s.known.Load(); known != nil {
			if i := slices.IndexFunc(*known, func(k *disk) bool { return k.id == d.id && k.root == root }); i >= 0 {
				d = (*known)[i]
			}
		}
		disks = append(disks, d)
	}
	s.known.Store(&disks)
	return nil
}

// identityError is an identity that can be read, and is none that this program knows.
type identityError struct{ err error }

func (e *identityError) Error() string { return e.err.Error() }
func (e *identityError) Unwrap() error { return e.err }

func readIdentity(root string) (identity, error) {
	path := filepath.Join(root, identityFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return identity{}, err
	}
	var who identity
	if err := json.Unmarshal(content, &who); err != nil {
		return identity{}, &identityError{fmt.Errorf("%s: %w", path, err)}
	}
	if who.Format != diskFormat {
		return identity{}, &identityError{
			fmt.Errorf("%s: format %d; this program knows format %d", path, who.Format, diskFormat)}
	}
	return who, nil
}

// enrol gives an identity to each root that has none and that no disk of the store was ever seen
// at: where one was, the disk is not mounted, and what would be written there would hide under it.
func (s *store) enrol(ctx context.Context) error {
	known, err := s.ns.disks(ctx)
	if err != nil {
		return err
	}
	var errs []error // of directories that cannot be used, which must not keep the others from it
	for _, root := range s.roots {
		if _, err := os.Stat(filepath.Join(root, identityFile)); err == nil {
			continue
		}
		if slices.ContainsFunc(known, func(d diskRow) bool { return d.path == root && d.state != diskRemoved }) {
			continue
		}
		if err := s.enrolAt(ctx, root); err != nil {
			errs = append(errs, fmt.Errorf("take %s into the store: %w", root, err))
		}
	}
	if err := s.identify(); err != nil {
		return err
	}
	if len(s.disks()) == 0 {
		return errors.Join(append(errs, fmt.Errorf("none of the disks of the store is at hand in %s",
			strings.Join(s.roots, ", ")))...)
	}
	return s.noteSeen(ctx)
}

func (s *store) enrolAt(ctx context.Context, root string) error {
	if err := os.MkdirAll(root, 0o777); err != nil {
		return err
	}
	probe, err := os.CreateTemp(root, ".skep-probe-*") // before a number is spent on it
	if err != nil {
		return err
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return err
	}
	// The row has no path before the identity is there: else a crash between the two would make
	// the directory look like one whose disk is not mounted.
	number, err := s.ns.addDisk(ctx)
	if err != nil {
		return err
	}
	content, err := json.Marshal(identity{diskFormat, s.id, number})
	if err != nil {
		return err
	}
	return writeDurably(filepath.Join(root, identityFile), append(content, '\n'))
}

// noteSeen writes down where disks are that were elsewhere before.
func (s *store) noteSeen(ctx context.Context) error {
	rows, err := s.ns.disks(ctx)
	if err != nil {
		return err
	}
	for _, d := range s.disks() {
		i := slices.IndexFunc(rows, func(row diskRow) bool { return row.id == d.id })
		if i < 0 || rows[i].path == d.root {
			continue
		}
		if err := s.ns.moveDisk(ctx, d.id, d.root); err != nil {
			return err
		}
	}
	return nil
}

// disks returns the disks that are at hand.
func (s *store) disks() []*disk { return *s.known.Load() }

// disk returns the disk of that number. Another process may have added it since the store was
// opened.
func (s *store) disk(ctx context.Context, id int64) (*disk, error) {
	for range 2 {
		for _, d := range s.disks() {
			if d.id == id {
				return d, nil
			}
		}
		if err := s.identify(); err != nil {
			return nil, err
		}
	}
	return nil, &missingDiskError{id, s.ns.diskPath(ctx, id)}
}

// missingDiskError is a disk that is not among the directories of the store.
type missingDiskError struct {
	id   int64
	path string
}

func (e *missingDiskError) Error() string {
	return fmt.Sprintf("disk %d, last seen at %s, is not among the directories of the store", e.id, e.path)
}

// draining returns the disks that are to get no new blocks.
func (s *store) draining(ctx context.Context) (map[int64]bool, error) {
	ids, err := column[int64](ctx, s.ns.reads, "SELECT id FROM disks WHERE state <> 'active'")
	if err != nil {
		return nil, err
	}
	disks := map[int64]bool{}
	for _, id := range ids {
		disks[id] = true
	}
	return disks, nil
}

// roomy returns the disks that have room for size bytes and are not among those to leave out: those
// that failed lately last, and otherwise those with the most room first. Disks that have about as
// much take turns. Without any it tells why.
func (s *store) roomy(ctx context.Context, size int64, leaveOut []int64) ([]*disk, error) {
	draining, err := s.draining(ctx)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		*disk
		shunned bool
		room    int64
	}
	var all []candidate
	var errs []error
	most := int64(-1)
	for _, d := range s.disks() {
		if draining[d.id] || slices.Contains(leaveOut, d.id) {
			continue
		}
		room, err := s.files.free(d.root)
		if err != nil {
			errs = append(errs, d.wrap(err))
			continue
		}
		most = max(most, room)
		if room >= size {
			all = append(all, candidate{d, d.isShunned(), room})
		}
	}
	switch {
	case len(all) > 0:
	case most >= 0:
		return nil, fmt.Errorf("%w: no disk has room for %d bytes; the one with the most has %d", unix.ENOSPC, size, most)
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	default:
		return nil, errNoDisk
	}
	turn := int(s.turn.Add(1)) % len(all)
	all = slices.Concat(all[turn:], all[:turn])
	slices.SortStableFunc(all, func(a, b candidate) int {
		switch {
		case a.shunned != b.shunned && b.shunned:
			return -1
		case a.shunned != b.shunned:
			return 1
		case max(a.room, b.room)-min(a.room, b.room) <= most/50:
			return 0
		case a.room > b.room:
			return -1
		}
		return 1
	})
	disks := make([]*disk, len(all))
	for i, c := range all {
		disks[i] = c.disk
	}
	return disks, nil
}

var errNoDisk = errors.New("no disk of the store takes blocks")

// ofDisk tells whether err is of the disk, and another disk may do.
func ofDisk(err error) bool {
	for _, cause := range []error{
		unix.ENOSPC, unix.EDQUOT, unix.EIO, unix.EROFS, unix.EACCES, unix.EPERM, unix.ENODEV, unix.ENXIO,
		unix.ESTALE, unix.ENOTCONN, unix.ETIMEDOUT, damaged, fs.ErrNotExist,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
