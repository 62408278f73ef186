package blockstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/skepdata/skep/storage"
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
	gone    refList      // replicas whose files were removed, and that may be listed as garbage
	waste   refList      // replicas that no block has and whose files are there
	writer  *writerLease // nil until the first write; guarded by leasing
	ended   bool         // it was closed; guarded by leasing
	leasing sync.Mutex

	unsettled atomic.Bool   // blocks may be in no object, and were not removed
	turn      atomic.Uint64 // which of several equally empty disks is next
	files     fileLayer
	sums      combiner
	buffers   sync.Pool // of *[maxWindow]byte
}

// openStore opens the store on the given directories. It reports errNoStore where there is
// none, and changes nothing on the disks.
func openStore(ctx context.Context, roots []string) (*store, error) {
	home, err := findHome(roots)
	if err != nil {
		return nil, err
	}
	ns, err := openNamespace(ctx, filepath.Join(home, namespaceFile))
	if errors.Is(err, errNoStore) {
		if lost := lostNamespace(roots); lost != nil {
			if ns, err = openNamespace(ctx, filepath.Join(home, namespaceFile)); errors.Is(err, errNoStore) {
				return nil, lost
			}
		}
	}
	if err != nil {
		if why := (osFiles{}).writable(home); why != nil {
			err = fmt.Errorf("%s has the namespace and cannot be written, which reading needs too: %w", home, why)
		}
		return nil, err
	}
	s := &store{roots: roots, home: home, ns: ns, files: osFiles{}, sums: newCombiner()}
	if s.id, err = ns.storeID(ctx); err == nil {
		err = s.identify()
	}
	if err != nil {
		return nil, errors.Join(err, ns.close())
	}
	return s, nil
}

// findHome returns the one directory with a namespace. It reports errNoStore where there is none.
func findHome(roots []string) (string, error) {
	homes, err := homesAmong(roots)
	if err == nil && len(homes) == 0 {
		if lost := lostNamespace(roots); lost != nil {
			if homes, err = homesAmong(roots); err == nil && len(homes) == 0 {
				return "", lost
			}
		}
	}
	switch {
	case err != nil:
		return "", err
	case len(homes) == 0:
		return "", errNoStore
	case len(homes) == 1:
		return homes[0], nil
	}
	return "", fmt.Errorf("%s each have a namespace: they are different stores", strings.Join(homes, " and "))
}

func homesAmong(roots []string) (homes []string, err error) {
	for _, root := range roots {
		switch _, err := os.Stat(filepath.Join(root, namespaceFile)); {
		case err == nil:
			homes = append(homes, root)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return homes, nil
}

// lostNamespace is what to say if no directory has a namespace although one of them is a disk of a store; it
// is nil if none is. A store that comes into being has its namespace before it has disks, so who missed the
// one and then finds the others must look again.
func lostNamespace(roots []string) error {
	for _, root := range roots {
		who, err := readIdentity(root)
		if err == nil {
			return fmt.Errorf("%s is a disk of the store %s, and its namespace is in none of %s: mount the disk that has it, or make it anew with fsck --rebuild",
				root, who.Store, strings.Join(roots, ", "))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// refusedError is why a store cannot be made.
type refusedError struct{ error }

func (refusedError) Is(target error) bool { return target == storage.ErrRefused }

func (e refusedError) Unwrap() error { return e.error }

// createStore opens the store, makes it if there is none, and takes directories into it that are
// not part of it yet. Processes doing so at the same time wait for each other.
func createStore(ctx context.Context, roots []string) (*store, error) {
	at, err := findHome(roots)
	if errors.Is(err, errNoStore) {
		at, err = roots[0], os.MkdirAll(roots[0], 0o777)
		if err != nil {
			return nil, refusedError{err}
		}
	}
	if err != nil {
		return nil, err
	}
	lock, err := lockPath(filepath.Join(at, lockFile))
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

// takeIn takes directories into the store that are not part of it yet, as opening a bucket does: what
// moves blocks may need them.
func (s *store) takeIn(ctx context.Context) error {
	lock, err := lockPath(filepath.Join(s.home, lockFile))
	if err != nil {
		return err
	}
	defer lock.Close()
	return s.enrol(ctx)
}

// create makes the namespace in the first of the roots.
func create(ctx context.Context, roots []string) error {
	path := filepath.Join(roots[0], namespaceFile)
	if err := createNamespace(ctx, path, rand.Text()); err != nil {
		return err
	}
	return osFiles{}.syncDir(roots[0])
}

// close ends the store's use.
func (s *store) close(ctx context.Context) error {
	s.leasing.Lock()
	defer s.leasing.Unlock()
	var err error
	if s.ended {
		return nil
	}
	s.ended = true
	if s.writer != nil {
		err = s.release(ctx)
	}
	return errors.Join(err, s.ns.close())
}
