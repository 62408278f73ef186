package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// RENAME of a managed table, or of a partition of one, copies the files to where they will be, before the
// transaction that renames. The place has to be empty, the copies get names that end in an id, as those of
// writes do, and the database that they come to records them: skep.write.ID = copying. So what a crash leaves
// of them can be told from what others put there, and goes before anything could show it as rows.

const stateCopying = "copying" // files are being copied to a place that nothing reads yet

// renaming is a table or partition that is being copied to another place.
type renaming struct {
	s        *Session
	id       string
	record   string           // of the copy on the database; "" where that keeps none
	writing  string           // that on the table, where it hides
	table    *metastore.Table // as it was
	db       string           // that it comes to
	from, to string           // URLs
	name     metastore.TableName
	hides    bool // the place is in the table itself, whose readers must pass over the copies
}

// run copies the files and commits. What it leaves goes then; where it fails, the copies go.
func (c *renaming) run(ctx context.Context, commit func(context.Context, metastore.Tx) error) error {
	s, home := c.s, c.table.Storage.Location
	err := c.begin(ctx)
	if err != nil {
		return err
	}
	if err = s.replanning(ctx, func() error { return c.copy(ctx) }); err == nil {
		d := &dropping{s: s, table: c.table.TableName, home: home, places: []string{c.from}, stays: c.hides, lasts: !c.temporary()}
		err = d.drop(ctx, func(tx metastore.Tx) ([]string, error) {
			if err := commit(ctx, tx); err != nil {
				return nil, err
			}
			return []string{c.from}, c.leave(ctx, tx)
		})
	}
	if err != nil {
		c.undo(ctx)
	}
	return err
}

// leave takes the record from the database. Where it is another, the copies have been taken back.
func (c *renaming) leave(ctx context.Context, tx metastore.Tx) error {
	taken := false
	err := changeIntentsIfKept(ctx, tx, c.db, func(p map[string]string) {
		taken = c.record != "" && p[writeParam+c.id] != c.record
		delete(p, writeParam+c.id)
	})
	if err == nil && taken {
		err = errTaken(c.table.TableName)
	}
	return err
}

func (c *renaming) temporary() bool { return c.table.Parameters[temporaryParam] != "" }

// begin records the copy. Nobody else may be about to copy to the place, and there must not be any file but
// those that have been dropped and that older queries may need.
func (c *renaming) begin(ctx context.Context) error {
	to, err := c.s.cfg.directory(ctx, c.to)
	if err != nil {
		return err
	}
	var left map[string]bool
	if c.hides {
		left = map[string]bool{}
		for _, id := range writesOf(c.table, stateCleaning) {
			i := writeOf(c.table, id)
			err = errors.Join(err, c.s.leftBy(ctx, i.place, id, left))
		}
	} else {
		left, err = c.s.leftAt(ctx, c.db, c.to)
	}
	if err != nil {
		return err
	}
	for o, err := range within(ctx, to) {
		if err != nil {
			return err
		}
		if !hasLeft(left, o) {
			return c.taken()
		}
	}
	record := c.s.intentText(ctx, stateCopying, c.to)
	c.writing = writingRecord(c.s.owner(ctx), c.table.Storage.Location)
	return c.s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, c.table.TableName)
		if err != nil {
			return err
		}
		c.id = newWriteID(t.Version + 1)
		if c.hides {
			setParam(&t.Parameters, writeParam+c.id, c.writing)
			if err := tx.AlterTable(ctx, t.TableName, t); err != nil {
				return err
			}
		}
		taken := false
		err = changeIntents(ctx, tx, c.db, func(p map[string]string) {
			if taken = c.s.copiesTo(ctx, p, c.to); !taken {
				p[writeParam+c.id] = record
			}
		})
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			err = nil
		case taken:
			return c.taken()
		default:
			c.record = record
		}
		return err
	})
}

// taken is the error of a place where there are files of others.
func (c *renaming) taken() error {
	what := "Unable to alter table."
	if c.hides {
		what = "Unable to rename partition."
	}
	return ddlFailed("%s New location for this table %s already exists : %s%w", what, c.name, c.to, quiet(metastore.ErrExists))
}

// copiesTo reports whether somebody copies to a place, by the parameters of a database.
func (s *Session) copiesTo(ctx context.Context, params map[string]string, place string) bool {
	all := intentsOf(&metastore.Database{Parameters: params})
	return slices.ContainsFunc(all, func(i intent) bool {
		if i.place != place || i.state != stateCopying && i.state != stateExporting {
			return false
		}
		gone, _ := s.abandoned(ctx, i.by)
		return !gone
	})
}

// copy copies all files but those that readers pass over: of writes under way, and replaced ones.
func (c *renaming) copy(ctx context.Context) error {
	from, err := c.s.cfg.directory(ctx, c.from)
	if err != nil {
		return err
	}
	t, err := c.s.cfg.Store.Table(ctx, c.table.TableName)
	if err != nil {
		return err
	}
	gone, err := c.s.cfg.goneFrom(ctx, t)
	if err != nil {
		return err
	}
	replaced := map[string]replacedFile{} // by key
	for place, files := range gone {
		loc, err := c.s.cfg.directory(ctx, place)
		if err != nil {
			return err
		}
		for f := range files {
			if loc.Bucket.URL() == from.Bucket.URL() {
				replaced[loc.Prefix+f.Name] = f
			}
		}
	}
	pending := pendingWrites(t)
	var files []File
	for o, err := range within(ctx, from) {
		if err != nil {
			return err
		}
		id, _ := idOf(o.Key)
		old, ok := replaced[o.Key]
		if !pending[id] && !(ok && old == replacedFileOf(old.Name, o)) {
			files = append(files, File{from.Bucket, o})
		}
	}
	return c.s.copyFiles(ctx, c.id, delivery{files: files, url: c.to, root: &from.Prefix})
}

// undo removes the copies, unless the rename has taken place after all.
func (c *renaming) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if _, err := c.s.claimIntent(ctx, c.db, c.id, c.record); err != nil {
		return // it is done when this process has ended
	}
	if done, err := c.done(ctx); done || err != nil {
		return // if it cannot be told, it is left to the next write
	}
	_ = c.s.takeCopyBack(ctx, c.db, c.id, c.to) // what cannot be removed is left to the next write
	if c.hides {
		_ = c.s.forget(ctx, c.table.TableName, c.id)
	}
}

// done reports whether the transaction has been carried out. Its record goes with it.
func (c *renaming) done(ctx context.Context) (bool, error) {
	if c.hides {
		t, err := c.s.cfg.Store.Table(ctx, c.table.TableName)
		return err == nil && t.Parameters[writeParam+c.id] == "", err
	}
	_, err := c.s.cfg.Store.Table(ctx, c.table.TableName)
	if errors.Is(err, metastore.ErrNoSuchTable) {
		return true, nil
	}
	return false, err
}

// takeCopyBack removes what RENAME has copied to a place. Files whose names have no id, which are hidden,
// go where there are no others.
func (s *Session) takeCopyBack(ctx context.Context, db, id, place string) error {
	if err := s.removeFilesOf(ctx, place, id); err != nil {
		return err
	}
	loc, err := s.cfg.directory(ctx, place)
	if err != nil {
		return err
	}
	empty, err := visiblyEmpty(ctx, loc)
	if err == nil && empty {
		err = s.removeAll(ctx, place)
	}
	if err != nil {
		return err
	}
	return s.forgetIntent(ctx, db, id)
}

// renameTable runs RENAME TO. The data of a managed table at its usual place moves along.
func (s *Session) renameTable(ctx context.Context, t *metastore.Table, a *syntax.RenameTable) error {
	to, err := s.tableName(&a.To)
	if err != nil {
		return err
	}
	if there, err := s.taken(ctx, to, s.temporary.has(t.TableName)); err == nil && there {
		return ddlFailed("Unable to alter table. new table %s already exists%w", to, quiet(metastore.ErrExists))
	}
	fromDB, err := s.cfg.Store.Database(ctx, t.Database)
	if err != nil {
		return err
	}
	toDB, err := s.cfg.Store.Database(ctx, to.Database)
	if err != nil {
		return s.databaseError(&a.To, to.Database, err)
	}
	usual, err := s.canonical(ctx, s.tablesLocation(fromDB, t.Type)+"/"+t.Name)
	if err != nil {
		return err
	}
	if t.Type != metastore.Managed || t.Storage.Location != usual {
		return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
			now, err := tx.Table(ctx, t.TableName)
			if err != nil {
				return err
			}
			now.TableName = to
			return tx.AlterTable(ctx, t.TableName, now)
		})
	}
	dest, err := s.canonical(ctx, s.tablesLocation(toDB, t.Type)+"/"+to.Name)
	if err != nil {
		return err
	}
	return s.moveTable(ctx, t, to, dest)
}

// moveTable renames a table whose files move.
func (s *Session) moveTable(ctx context.Context, t *metastore.Table, to metastore.TableName, dest string) error {
	if err := s.recoverWrites(ctx, t); err != nil {
		return err
	}
	if err := s.recoverIntents(ctx, to.Database, dest); err != nil {
		return err
	}
	from := t.Storage.Location
	t, err := s.cfg.Store.Table(ctx, t.TableName)
	if err != nil {
		return err
	}
	if t.Storage.Location != from {
		return fmt.Errorf("rename %s: %w", t.TableName, metastore.ErrConflict)
	}
	c := &renaming{s: s, table: t, db: to.Database, from: from, to: dest, name: to}
	var left inheritance
	err = c.run(ctx, func(ctx context.Context, tx metastore.Tx) error {
		now, err := tx.Table(ctx, t.TableName)
		if err != nil {
			return err
		}
		if now.Version != t.Version {
			return fmt.Errorf("rename %s: %w", t.TableName, metastore.ErrConflict)
		}
		now.TableName, now.Storage.Location = to, dest
		delete(now.Parameters, trackingParam) // the files are others, also when they come back some day
		for id := range pendingWrites(now) {  // which cannot commit to the table any more
			delete(now.Parameters, writeParam+id)
		}
		listsMove(now, from, dest)
		left, err = inherit(ctx, tx, now, c.id, func() error { return tx.AlterTable(ctx, t.TableName, now) })
		if err != nil || !t.Partitioned() {
			return err
		}
		return movePartitions(ctx, tx, to, from, dest)
	})
	if err == nil {
		s.inherited(to, left)
	}
	return err
}

// listsMove lets records of writes follow their lists to another place.
func listsMove(t *metastore.Table, from, to string) {
	for _, id := range append(writesOf(t, stateCleaning), writesOf(t, stateCleaned)...) {
		if i := writeOf(t, id); i.place == from {
			t.Parameters[writeParam+id] = i.state + " " + i.by + " at " + to
		}
	}
	for _, id := range movesOf(t) {
		if when, home, _ := strings.Cut(t.Parameters[movedParam+id], " at "); home == from {
			t.Parameters[movedParam+id] = when + " at " + to
		}
	}
}

// movePartitions changes the locations of partitions below one place to another.
func movePartitions(ctx context.Context, tx metastore.Tx, name metastore.TableName, from, dest string) error {
	var moved []*metastore.Partition
	for p, err := range tx.Partitions(ctx, name, nil) {
		if err != nil {
			return err
		}
		if rest, ok := strings.CutPrefix(p.Storage.Location, from+"/"); ok {
			p.Storage.Location = dest + "/" + rest
			moved = append(moved, p)
		}
	}
	for _, p := range moved {
		if err := tx.AlterPartition(ctx, name, p); err != nil {
			return err
		}
	}
	return nil
}

// movePartition renames a partition whose files move. p is as it will be, but for its place.
func (s *Session) movePartition(ctx context.Context, t *metastore.Table, old partitions.Values, p *metastore.Partition) error {
	if err := s.recoverWrites(ctx, t); err != nil {
		return err
	}
	was := *p
	p.Parameters = maps.Clone(p.Parameters)
	delete(p.Parameters, filesParam) // the files are others, also when they come back some day
	to, err := locationOf(t, p.Values)
	if err != nil {
		return err
	}
	p.Storage.Location = to
	c := &renaming{s: s, table: t, db: t.Database, from: was.Storage.Location, to: to, name: t.TableName, hides: true}
	return c.run(ctx, func(ctx context.Context, tx metastore.Tx) error {
		now, err := tx.Partition(ctx, t.TableName, old)
		if err != nil {
			return err
		}
		if now.Storage.Location != was.Storage.Location || !maps.Equal(now.Parameters, was.Parameters) {
			return fmt.Errorf("rename partition %v of %s: %w", old, t.TableName, metastore.ErrConflict)
		}
		table, err := tx.Table(ctx, t.TableName)
		if err != nil {
			return err
		}
		if table.Parameters[writeParam+c.id] != c.writing {
			return errTaken(t.TableName)
		}
		delete(table.Parameters, writeParam+c.id)
		if err := tx.AlterTable(ctx, t.TableName, table); err != nil {
			return err
		}
		return replacePartition(ctx, tx, t.TableName, old, p)
	})
}
