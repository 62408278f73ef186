package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

// RebuildReport is what a rebuild has found.
type RebuildReport struct {
	Entries  int64     // changes that were made again
	Objects  int64     // that are visible then
	Blocks   int64     // of which a replica was found
	Lost     []Finding // blocks without one, and entries that could not be read; 1000 at most
	Losses   int64     // how many there were
	SetAside string    // where the old namespace is, if there was one
}

func (r *RebuildReport) lose(f Finding) {
	f.Lost = true
	if r.Losses++; len(r.Lost) < maxLosses {
		r.Lost = append(r.Lost, f)
	}
}

// Rebuild makes the namespace of the store on the directories roots anew, from the journals and from
// the blocks on the disks. The old one, if there is one, is kept under another name. Nobody else may use the
// store meanwhile.
func Rebuild(ctx context.Context, roots []string) (report RebuildReport, err error) {
	r := &rebuilder{report: &report}
	if err := r.find(roots); err != nil {
		return report, err
	}
	lock, err := lockPath(filepath.Join(r.home, lockFile))
	if err != nil {
		return report, err
	}
	defer lock.Close()
	if err := r.nobodyWrites(); err != nil {
		return report, err
	}
	path := filepath.Join(r.home, namespaceFile)
	fresh := path + ".rebuilt"
	if err := removeDatabase(fresh); err != nil {
		return report, err
	}
	if err := r.build(ctx, fresh); err != nil {
		return report, errors.Join(fmt.Errorf("rebuild the namespace: %w", err), removeDatabase(fresh))
	}
	if report.SetAside, err = setAside(path); err != nil {
		return report, err
	}
	if err := os.Rename(fresh, path); err != nil {
		return report, err
	}
	return report, errors.Join(osFiles{}.syncDir(r.home), os.RemoveAll(filepath.Join(r.home, writersDir)),
		os.RemoveAll(filepath.Join(r.home, uploadsDir))) // the blocks of uploads are orphans now
}

type rebuilder struct {
	store
	report *RebuildReport
	tx     *transaction
}

// find finds the disks, and the one that has, or had, the namespace.
func (r *rebuilder) find(roots []string) error {
	var disks []*disk
	for _, root := range roots {
		abs, err := filepath.Abs(root)
		if err != nil {
			return err
		}
		who, err := readIdentity(abs)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if r.id != "" && who.Store != r.id {
			return fmt.Errorf("%s is a disk of the store %s, and %s of the store %s", abs, who.Store, disks[0].root, r.id)
		}
		r.id = who.Store
		r.roots = append(r.roots, abs)
		disks = append(disks, &disk{id: who.Disk, root: abs})
	}
	if len(disks) == 0 {
		return fmt.Errorf("%w: none of %s is a disk of a block store", storage.ErrNotExist, strings.Join(roots, ", "))
	}
	r.known.Store(&disks)
	r.files, r.sums = osFiles{}, newCombiner()
	for _, marker := range []string{namespaceFile, lockFile} {
		for _, d := range disks {
			if _, err := os.Stat(filepath.Join(d.root, marker)); err == nil && r.home == "" {
				r.home = d.root
			}
		}
	}
	if r.home == "" {
		r.home = disks[0].root
	}
	return nil
}

// nobodyWrites makes sure that no writer lives.
func (r *rebuilder) nobodyWrites() error {
	entries, err := os.ReadDir(filepath.Join(r.home, writersDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		f, err := os.OpenFile(r.lockOf(e.Name()), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("a process is writing to the store, stop it first: %s: %w", f.Name(), err)
		}
	}
	return nil
}

// build makes a new namespace.
func (r *rebuilder) build(ctx context.Context, path string) (err error) {
	if err := createNamespace(ctx, path, r.id); err != nil {
		return err
	}
	if r.ns, err = openNamespace(ctx, path); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.ns.close()) }()
	image, last, err := r.newestImage()
	if err != nil {
		return err
	}
	if err := r.stage(ctx, last); err != nil {
		return err
	}
	if image != "" {
		if err := r.load(ctx, image); err != nil {
			return err
		}
	}
	if err := r.replay(ctx); err != nil {
		return err
	}
	if err := r.findReplicas(ctx); err != nil {
		return err
	}
	if err := r.finishTables(ctx, last); err != nil {
		return err
	}
	_, err = r.ns.writes.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// newestImage returns the newest image that is whole, and the greatest number in it.
func (r *rebuilder) newestImage() (path string, last int64, err error) {
	found := false
	for _, d := range r.disks() {
		j, err := d.journals()
		if err != nil {
			return "", 0, err
		}
		found = found || len(j.logs)+len(j.images) > 0
		for _, image := range j.images {
			n, whole := int64(0), false
			err := eachEntry(image, func(e entry) error {
				n, whole = e.N, e.Op == opEnd
				return nil
			})
			if err == nil && whole && n >= last {
				path, last = image, n
			} else if !whole {
				r.report.lose(Finding{Kind: NamespaceDamaged, Disk: d.id, Path: image, Detail: "the image is not whole"})
			}
		}
	}
	if !found {
		return "", 0, fmt.Errorf("there are no journals in %s: a namespace of before there were any cannot be made anew",
			strings.Join(r.roots, ", "))
	}
	return path, last, nil
}

const staging = `CREATE TABLE staging (n INTEGER NOT NULL, writer TEXT NOT NULL, seq INTEGER NOT NULL, frame BLOB NOT NULL,
	PRIMARY KEY (n, writer, seq)) WITHOUT ROWID`

// stage puts the entries of all journals that are newer than the image into a table, which sorts them.
// The journals of a writer on two disks are alike, but for where one of them ends.
func (r *rebuilder) stage(ctx context.Context, last int64) error {
	if _, err := r.ns.writes.ExecContext(ctx, staging); err != nil {
		return err
	}
	return r.ns.update(ctx, func(tx *sql.Tx) error {
		for _, d := range r.disks() {
			j, err := d.journals()
			if err != nil {
				return err
			}
			for _, path := range j.logs {
				writer, seq := filepath.Base(path), 0
				err := eachEntry(path, func(e entry) error {
					if seq++; e.Op == opBegin || e.N <= last {
						return nil
					}
					frame, err := appendFrame(nil, &e)
					if err != nil {
						return err
					}
					_, err = tx.ExecContext(ctx, "INSERT OR IGNORE INTO staging (n, writer, seq, frame) VALUES (?, ?, ?, ?)",
						e.N, writer, seq, frame)
					return err
				})
				if errors.Is(err, errTorn) {
					r.report.lose(Finding{Kind: NamespaceDamaged, Disk: d.id, Path: path, Detail: err.Error()})
				} else if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// finishTables sets the counters, beyond all that was ever given out, and clears up.
func (r *rebuilder) finishTables(ctx context.Context, last int64) error {
	highest, err := r.highestBlock()
	if err != nil {
		return err
	}
	return r.ns.update(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM files").Scan(&r.report.Objects)
		if err != nil {
			return err
		}
		for _, step := range []struct {
			query string
			args  []any
		}{
			{`UPDATE counters SET next = max(next, ?1 + 1, (SELECT coalesce(max(n), 0) + 100000 FROM staging)) WHERE name = 'version'`, []any{last}},
			{"UPDATE counters SET next = max(?1, (SELECT coalesce(max(id), 0) FROM blocks)) + 100000 WHERE name = 'block'", []any{highest}},
			{"DELETE FROM repairs", nil},
			{`INSERT INTO repairs (block, since, reason) SELECT id, ?1, 'found on fewer disks by a rebuild' FROM blocks b
				WHERE copies > (SELECT count(*) FROM replicas WHERE block = b.id AND state = 0)`, []any{time.Now().UnixNano()}},
			{"DROP TABLE staging", nil},
		} {
			if _, err := tx.ExecContext(ctx, step.query, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// databaseFiles are those of an SQLite database in WAL mode.
func databaseFiles(path string) []string { return []string{path, path + "-wal", path + "-shm"} }

func removeDatabase(path string) error {
	var errs []error
	for _, file := range databaseFiles(path) {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// setAside gives a database another name, and returns it; it is empty if there was none.
func setAside(path string) (string, error) {
	aside := fmt.Sprintf("%s.damaged-%d", path, time.Now().Unix())
	moved := slices.ContainsFunc(databaseFiles(path), func(file string) bool { _, err := os.Stat(file); return err == nil })
	if !moved {
		return "", nil
	}
	for _, file := range databaseFiles(path) {
		err := os.Rename(file, aside+strings.TrimPrefix(file, path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, nil
}
