package blockstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	format        = 2 // of the namespace
	diskFormat    = 1 // of the identity files
	namespaceFile = "skep-namespace.db"
	identityFile  = "skep-disk.json"
	lockFile      = "skep-store.lock"
	writersDir    = "writers"
	blocksDir     = "blocks"
)

var errNoStore = errors.New("there is no block store here yet")

// store is the disks and the open namespace. Buckets have one each.
type store struct {
	id    string
	roots []string
	home  string                  // the root that has the namespace
	known atomic.Pointer[[]*disk] // those of the roots; grows when another process adds one
	ns    *namespace

	commits queue
	gone    goneList
	writer  *writerLease // nil until the first write; guarded by leasing
	leasing sync.Mutex

	unsettled atomic.Bool   // blocks may be in no object, and were not removed
	turn      atomic.Uint64 // which of several equally empty disks is next
}

// disk is one directory of the store.
type disk struct {
	id   int64
	root string
}

// identity is what the identity file of a disk says.
type identity struct {
	Format int    `json:"format"`
	Store  string `json:"store"`
	Disk   int64  `json:"disk"`
}

// openStore opens the store on the given directories. It reports errNoStore where there is
// none, and changes nothing on the disks.
func openStore(ctx context.Context, roots []string) (*store, error) {
	home, err := findHome(roots)
	if err != nil {
		return nil, err
	}
	ns, err := openNamespace(ctx, filepath.Join(home, namespaceFile))
	if err != nil {
		return nil, err
	}
	s := &store{roots: roots, home: home, ns: ns}
	if s.id, err = ns.storeID(ctx); err == nil {
		err = s.identify()
	}
	if err != nil {
		return nil, errors.Join(err, ns.close())
	}
	return s, nil
}

// findHome returns the one directory with a namespace.
func findHome(roots []string) (string, error) {
	var homes []string
	for _, root := range roots {
		switch _, err := os.Stat(filepath.Join(root, namespaceFile)); {
		case err == nil:
			homes = append(homes, root)
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	switch len(homes) {
	case 0:
		return "", errNoStore
	case 1:
		return homes[0], nil
	}
	return "", fmt.Errorf("%s each have a namespace: they are different stores", strings.Join(homes, " and "))
}

// identify finds out which disk each root is. Roots without an identity are left out.
func (s *store) identify() error {
	disks := []*disk{}
	for _, root := range s.roots {
		who, err := readIdentity(root)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if who.Store != s.id {
			return fmt.Errorf("%s is a disk of the store %s, and %s has the namespace of the store %s",
				root, who.Store, s.home, s.id)
		}
		disks = append(disks, &disk{who.Disk, root})
	}
	s.known.Store(&disks)
	return nil
}

func readIdentity(root string) (identity, error) {
	path := filepath.Join(root, identityFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return identity{}, err
	}
	var who identity
	if err := json.Unmarshal(content, &who); err != nil {
		return identity{}, fmt.Errorf("%s: %w", path, err)
	}
	if who.Format != diskFormat {
		return identity{}, fmt.Errorf("%s: format %d; this program knows format %d", path, who.Format, diskFormat)
	}
	return who, nil
}

// createStore opens the store, makes it if there is none, and takes directories into it that are
// not part of it yet. Processes doing so at the same time wait for each other.
func createStore(ctx context.Context, roots []string) (*store, error) {
	for _, root := range roots {
		if err := os.MkdirAll(root, 0o777); err != nil {
			return nil, err
		}
	}
	lock, err := lockPath(filepath.Join(roots[0], lockFile))
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if _, err := findHome(roots); errors.Is(err, errNoStore) {
		if err := create(ctx, roots); err != nil {
			return nil, err
		}
	}
	s, err := openStore(ctx, roots)
	if errors.Is(err, errNoStore) { // a process died while it created the namespace
		if err = create(ctx, roots); err == nil {
			s, err = openStore(ctx, roots)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.enrol(ctx); err != nil {
		return nil, errors.Join(err, s.ns.close())
	}
	return s, nil
}

// create makes the namespace in the first of the roots.
func create(ctx context.Context, roots []string) error {
	for _, root := range roots {
		if who, err := readIdentity(root); err == nil {
			return fmt.Errorf("%s is a disk of the store %s, whose namespace is in none of the directories %s",
				root, who.Store, strings.Join(roots, ", "))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	path := filepath.Join(roots[0], namespaceFile)
	if err := createNamespace(ctx, path, rand.Text()); err != nil {
		return err
	}
	return syncDir(roots[0])
}

// enrol gives an identity to each root that has none.
func (s *store) enrol(ctx context.Context) error {
	for _, root := range s.roots {
		if _, err := os.Stat(filepath.Join(root, identityFile)); err == nil {
			continue
		}
		number, err := s.ns.addDisk(ctx, root)
		if err != nil {
			return err
		}
		content, err := json.Marshal(identity{diskFormat, s.id, number})
		if err != nil {
			return err
		}
		if err := writeDurably(filepath.Join(root, identityFile), append(content, '\n')); err != nil {
			return err
		}
	}
	return s.identify()
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
	return nil, fmt.Errorf("disk %d, last seen at %s, is not among the directories of the store",
		id, s.ns.diskPath(ctx, id))
}

// roomiest returns the disk with the most room, which must have room for size bytes. Disks that
// have about as much take turns.
func (s *store) roomiest(size int64) (*disk, error) {
	disks := s.disks()
	free := make([]int64, len(disks))
	var most int64
	for i, d := range disks {
		n, err := freeBytes(d.root)
		if err != nil {
			return nil, fmt.Errorf("disk %d at %s: %w", d.id, d.root, err)
		}
		free[i] = n
		most = max(most, n)
	}
	if most < size {
		return nil, fmt.Errorf("%w: no disk has room for %d bytes; the one with the most has %d",
			unix.ENOSPC, size, most)
	}
	turn := int(s.turn.Add(1))
	for i := range disks {
		if at := (turn + i) % len(disks); free[at] >= most-most/50 {
			return disks[at], nil
		}
	}
	return nil, errors.New("the store has no disks")
}

// close ends the store's use.
func (s *store) close(ctx context.Context) error {
	s.leasing.Lock()
	defer s.leasing.Unlock()
	var err error
	if s.writer != nil {
		err = s.release(ctx)
	}
	return errors.Join(err, s.ns.close())
}

// lockPath waits for the lock on the file called path, which it makes if need be. Closing the
// file releases the lock.
func lockPath(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return f, nil
	}
}

// writeDurably makes a whole file of content, or none.
func writeDurably(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
