package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// RepairOptions say how a store is repaired.
type RepairOptions struct {
	Check CheckOptions // what to look for first
	// Grace is how old a file must be that no block has, to be removed, and for how long nobody must have
	// written an upload; 0 stands for a day, and a week.
	Grace time.Duration
	// Found, if not nil, gets the findings of the check.
	Found func(Finding)
}

// RepairReport is what a repair has done.
type RepairReport struct {
	Copied  int64     // replicas that were made
	Dropped int64     // replicas that were damaged, missing or too many, and are no more
	Orphans int64     // files that were removed
	Uploads int64     // that nobody had gone on with, and were removed
	Lost    []Finding // what could not be repaired, 1000 at most
	Losses  int64     // how many there were
}

const (
	defaultGrace = 24 * time.Hour
	maxLosses    = 1000
)

// Repair cleans up after writers that died, looks for damage, makes new replicas of blocks that have
// too few good ones, and removes files that no block has. What has no good replica left stays as it is.
func (s *Store) Repair(ctx context.Context, opts RepairOptions) (report RepairReport, err error) {
	if err := s.takeIn(ctx); err != nil {
		return report, err
	}
	if _, err := s.asWriter(ctx); err != nil {
		return report, err
	}
	if err := s.removeGarbage(ctx); err != nil {
		return report, err
	}
	for f, err := range s.Check(ctx, opts.Check) {
		if err != nil {
			return report, err
		}
		if opts.Found != nil {
			opts.Found(f)
		}
		if f.Lost {
			report.Losses++
			if len(report.Lost) < maxLosses {
				report.Lost = append(report.Lost, f)
			}
		}
		if f.Kind == BlockDamaged || f.Kind == BlockMissing && f.Path != "" {
			s.reportDamage(ctx, blockRef{f.Block, f.Disk}, errors.New(f.Detail))
		}
	}
	r := &repairer{checker: checker{store: s.store, opts: opts.Check, begun: time.Now()}, report: &report}
	if err := r.allBlocks(ctx); err != nil {
		return report, err
	}
	if opts.Check.Volume != "" {
		return report, nil
	}
	grace, forUploads := opts.Grace, opts.Grace
	if grace == 0 {
		grace, forUploads = defaultGrace, graceOfUploads
	}
	if report.Uploads, err = s.reclaimUploads(ctx, forUploads); err != nil {
		return report, err
	}
	return report, s.orphans(ctx, func(_ *disk, path string, _ int64, age time.Duration) error {
		if age < grace {
			return nil
		}
		report.Orphans++
		return s.files.remove(path)
	})
}

type repairer struct {
	checker
	report *RepairReport
}

// replicated is a block with what repair wants to know of it.
type replicated struct {
	block
	bad []int64 // disks among block.disks whose replica is known to be damaged
}

// allBlocks brings every block, or every one of the objects to look at, to its number of good replicas.
func (r *repairer) allBlocks(ctx context.Context) error {
	within, args := "", []any(nil)
	if r.opts.Volume != "" {
		v, err := (&Store{r.store}).volumeNamed(ctx, r.opts.Volume)
		if err != nil {
			return err
		}
		condition, keys := place(r.opts.Path)
		versions, both := versionsAt(condition, append([]any{v.id}, keys...))
		within, args = " AND b.id IN (SELECT block FROM file_blocks WHERE version IN ("+versions+"))", both
	}
	for last := int64(0); ; {
		ids, err := column[int64](ctx, r.ns.reads, `SELECT b.id FROM blocks b WHERE b.id > ?`+within+`
			AND (b.copies <> (SELECT count(*) FROM replicas WHERE block = b.id AND state = 0)
				OR EXISTS (SELECT 1 FROM replicas WHERE block = b.id AND (state <> 0 OR disk IN (SELECT id FROM disks WHERE state <> 'active')))
				OR EXISTS (SELECT 1 FROM repairs WHERE block = b.id) OR ?)
			ORDER BY b.id LIMIT 500`, slices.Concat([]any{last}, args, []any{r.hasMissing(ctx)})...)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := r.oneBlock(ctx, id); err != nil {
				return err
			}
		}
		last = ids[len(ids)-1]
	}
}

// hasMissing tells whether a disk is missing: then every block is looked at.
func (r *repairer) hasMissing(ctx context.Context) bool {
	rows, err := r.ns.disks(ctx)
	return err != nil || slices.ContainsFunc(rows, func(row diskRow) bool {
		_, err := r.disk(ctx, row.id)
		return row.state != diskRemoved && row.path != "" && err != nil
	})
}

// look reads what the namespace knows of a block. ok is false if it does not.
func (s *store) look(ctx context.Context, id int64) (b replicated, ok bool, err error) {
	err = patiently(ctx, func() error {
		b = replicated{}
		rows, err := s.ns.reads.QueryContext(ctx, `SELECT b.id, b.size, b.chunks, b.copies, r.disk, r.state
			FROM blocks b LEFT JOIN replicas r ON r.block = b.id WHERE b.id = ? ORDER BY r.disk`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var disk, state sql.NullInt64
			if err := rows.Scan(&b.id, &b.size, (*[]byte)(&b.chunks), &b.copies, &disk, &state); err != nil {
				return err
			}
			ok = true
			if disk.Valid {
				b.disks = append(b.disks, disk.Int64)
			}
			if state.Int64 != 0 {
				b.bad = append(b.bad, disk.Int64)
			}
		}
		return rows.Err()
	})
	return b, ok, err
}

// oneBlock brings a block to its number of good replicas on disks that are at hand and are not being
// drained, and then drops those that are bad or too many.
func (r *repairer) oneBlock(ctx context.Context, id int64) error {
	b, ok, err := r.look(ctx, id)
	if err != nil || !ok {
		return err
	}
	draining, err := r.draining(ctx)
	if err != nil {
		return err
	}
	var good, drained, missing []int64
	for _, disk := range b.disks {
		_, err := r.disk(ctx, disk)
		switch {
		case slices.Contains(b.bad, disk):
		case err != nil:
			missing = append(missing, disk)
		case draining[disk]:
			drained = append(drained, disk)
		default:
			good = append(good, disk)
		}
	}
	sources := slices.Concat(good, drained)
	for len(good) < b.copies && len(sources) > 0 {
		on, err := r.addReplica(ctx, b, sources, good)
		if errors.Is(err, errNoDisk) || ofDisk(err) {
			return nil // nothing takes it now; it stays in the queue
		}
		if err != nil || on == 0 {
			return err
		}
		good = append(good, on)
		r.report.Copied++
	}
	if len(good) < b.copies {
		return nil
	}
	// Only now is there something in place of these.
	drop := slices.Concat(drained, missing, good[b.copies:])
	for _, disk := range b.bad {
		if !slices.Contains(good, disk) {
			drop = append(drop, disk)
		}
	}
	return r.dropReplicas(ctx, id, drop)
}

// addReplica copies a block from one of its good replicas to another disk, which may be one whose
// replica is bad, and returns which; 0 if the block went meanwhile or has no good replica.
func (r *repairer) addReplica(ctx context.Context, b replicated, sources, notTo []int64) (int64, error) {
	targets, err := r.roomy(ctx, b.size, notTo)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, target := range targets {
		on, err := r.addReplicaOn(ctx, b, sources, target)
		if !ofDisk(err) {
			return on, err
		}
		target.shun()
		errs = append(errs, err)
	}
	return 0, errors.Join(errs...)
}

// addReplicaOn is addReplica to one disk. An error of a disk is of that one.
func (r *repairer) addReplicaOn(ctx context.Context, b replicated, sources []int64, target *disk) (int64, error) {
	for _, source := range sources {
		from, err := r.disk(ctx, source)
		if err != nil {
			continue
		}
		err = r.copyReplica(ctx, b.block, from, target)
		var damage *damageError
		if errors.As(err, &damage) {
			r.reportDamage(ctx, b.at(source), err)
			continue
		}
		if err != nil {
			return 0, target.wrap(err)
		}
		known := false
		err = r.update(ctx, func(tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO replicas (block, disk, state)
				SELECT id, ?2, 0 FROM blocks WHERE id = ?1`, b.id, target.id)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			known = n > 0
			return err
		})
		if err == nil && !known {
			r.discardReplica(target, b.id)
			return 0, nil
		}
		return target.id, err
	}
	return 0, nil
}

// copyReplica makes the file of a replica, whole or not at all.
func (r *repairer) copyReplica(ctx context.Context, b block, from, to *disk) (err error) {
	path := to.path(b.id)
	if err := r.files.mkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	temporary := path + ".new"
	f, err := r.files.open(temporary, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return err
	}
	err = r.readAll(ctx, from, &b, f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = r.files.rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, r.files.remove(temporary))
	}
	for dir := filepath.Dir(path); dir != filepath.Dir(to.root); dir = filepath.Dir(dir) {
		if err := r.files.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// dropReplicas takes replicas off a block, which has as many others as it should.
func (r *repairer) dropReplicas(ctx context.Context, id int64, disks []int64) error {
	var garbage []blockRef
	err := r.update(ctx, func(tx *sql.Tx) error {
		t := &transaction{Tx: tx, s: r.store, now: time.Now()}
		for _, disk := range disks {
			dropped, err := blockRefs(ctx, t, "DELETE FROM replicas WHERE block = ? AND disk = ? RETURNING block, disk", id, disk)
			if err != nil {
				return err
			}
			if err := t.addGarbage(ctx, dropped...); err != nil {
				return err
			}
		}
		garbage = t.garbage
		_, err := t.ExecContext(ctx, "DELETE FROM repairs WHERE block = ?", id)
		return err
	})
	if err != nil {
		return err
	}
	r.report.Dropped += int64(len(garbage))
	r.removeBlocks(ctx, garbage)
	return nil
}
