package hiveql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// Vacuumed is what Vacuum has done, or would do.
type Vacuumed struct {
	Finished int // writes whose replaced files were removed
	Undone   int // writes of dead processes that were taken back
	Kept     int // writes that readers, or their own process, still need
	Staging  int // local staging directories of dead processes that were removed
	Locks    int // expired locks of readers and writers that were removed
}

// Vacuum finishes or takes back what writes have left, in the tables that match the patterns (as
// metastore.Reader.AllTables has them), and removes the staging directories and locks of processes
// that are gone. Files that readers may need stay, as skep.vacuum.grace and their locks say. With
// dry it only counts. It can run at any time, beside readers and writers.
func (s *Session) Vacuum(ctx context.Context, dbs, tables string, dry bool) (Vacuumed, error) {
	defer s.rest()
	var v Vacuumed
	var found []*metastore.Table
	for t, err := range s.engine.cfg.Store.AllTables(ctx, dbs, tables) {
		if err != nil {
			return v, err
		}
		if len(writesOf(t, ""))+len(movesOf(t)) > 0 {
			found = append(found, t)
		}
	}
	var all error
	for _, t := range found {
		for _, id := range movesOf(t) {
			if err := s.vacuumMove(ctx, t, id, dry, &v); err != nil {
				all = errors.Join(all, fmt.Errorf("files loaded by write %s of %s: %w", id, t.TableName, err))
			}
		}
		for _, id := range writesOf(t, "") {
			if err := s.vacuumWrite(ctx, t, id, dry, &v); err != nil {
				all = errors.Join(all, fmt.Errorf("write %s of %s: %w", id, t.TableName, err))
			}
		}
	}
	all = errors.Join(all, s.vacuumIntents(ctx, dbs, dry, &v), s.vacuumLocks(ctx, dry, &v), s.vacuumStaging(ctx, dry, &v))
	return v, all
}

func (s *Session) vacuumWrite(ctx context.Context, t *metastore.Table, id string, dry bool, v *Vacuumed) error {
	i := writeOf(t, id)
	if i.state == stateCleaning || i.state == stateCleaned {
		var done bool
		var err error
		if dry {
			var needed bool
			needed, err = s.cleaningNeeded(ctx, t, i)
			done = !needed
		} else {
			done, err = s.finishWrite(ctx, t.TableName, id)
		}
		if err == nil && done {
			v.Finished++
		} else {
			v.Kept++
		}
		return err
	}
	gone, certain := s.abandoned(ctx, i.by)
	if !gone {
		v.Kept++
		return nil
	}
	v.Undone++
	if dry {
		return nil
	}
	return s.takeBack(ctx, t, i, certain)
}

// vacuumMove removes the sources of a LOAD DATA.
func (s *Session) vacuumMove(ctx context.Context, t *metastore.Table, id string, dry bool, v *Vacuumed) error {
	if !dry {
		if err := s.finishMove(ctx, s.engine.cfg.Store, t, id); err != nil {
			v.Kept++
			return err
		}
	}
	v.Finished++
	return nil
}

// vacuumLocks removes the locks of readers that died.
func (s *Session) vacuumLocks(ctx context.Context, dry bool, v *Vacuumed) error {
	locks, err := s.engine.cfg.Store.Locks(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.engine.now(ctx)
	for _, l := range locks {
		if l.Agent != leaseAgent && !strings.HasPrefix(l.Agent, aliveAgent) || l.Expires.Add(clockSkew).After(now) {
			continue
		}
		v.Locks++
		if dry {
			continue
		}
		err := s.engine.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return tx.DropLock(ctx, l.ID) })
		if err != nil && !errors.Is(err, metastore.ErrNoSuchLock) {
			return err
		}
	}
	return nil
}
