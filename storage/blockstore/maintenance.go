package blockstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/skepdata/skep/storage"
)

// Store is a whole store, for those who look after it. It is safe for concurrent use.
type Store struct{ *store }

// OpenStore opens the store on the directories roots, which must exist. Directories that are not
// disks of it yet are left alone.
func OpenStore(ctx context.Context, roots []string) (*Store, error) {
	if len(roots) == 0 {
		return nil, errors.New("a block store needs at least one directory")
	}
	var all []string
	for _, root := range roots {
		abs, err := filepath.Abs(root)
		if err != nil {
			return nil, fmt.Errorf("block store directory %s: %w", root, err)
		}
		all = append(all, abs)
	}
	s, err := openStore(ctx, all)
	if errors.Is(err, errNoStore) {
		return nil, fmt.Errorf("%w: no block store in %s; the first write creates it", storage.ErrNotExist, strings.Join(all, ", "))
	}
	if err != nil {
		return nil, err
	}
	return &Store{s}, nil
}

// Close ends the use of the store.
func (s *Store) Close() error { return s.close(context.Background()) }
