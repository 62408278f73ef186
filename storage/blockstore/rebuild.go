package blockstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
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

// load makes what an image has.
func (r *rebuilder) load(ctx context.Context, image string) error {
	return r.inTransactions(ctx, func(do func(entry) error) error { return eachEntry(image, do) }, r.loadEntry)
}

// replay makes the changes that came after it again, in their order.
func (r *rebuilder) replay(ctx context.Context) error {
	return r.inTransactions(ctx, func(do func(entry) error) error {
		var after struct {
			n, seq int64
			writer string
		}
		after.n = -1
		for {
			var frame []byte
			err := r.tx.QueryRowContext(ctx, `SELECT n, writer, seq, frame FROM staging
				WHERE (n, writer, seq) > (?, ?, ?) ORDER BY n, writer, seq LIMIT 1`,
				after.n, after.writer, after.seq).Scan(&after.n, &after.writer, &after.seq, &frame)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			e, _, err := readFrame(bytes.NewReader(frame))
			if err == nil {
				err = do(e)
			}
			if err != nil {
				return err
			}
		}
	}, r.replayEntry)
}

// perTransaction is how many entries share a transaction.
const perTransaction = 2000

// inTransactions calls do for the entries of source, in one transaction after the other.
func (r *rebuilder) inTransactions(
	ctx context.Context, source func(func(entry) error) error, do func(context.Context, entry) error,
) error {
	begin := func() error {
		if err := r.ns.getReady(ctx); err != nil {
			return err
		}
		tx, err := r.ns.writes.BeginTx(ctx, nil)
		r.tx = &transaction{Tx: tx, s: &r.store}
		return err
	}
	end := func() error {
		if err := r.tx.flush(ctx); err != nil {
			return err
		}
		return r.tx.Commit()
	}
	if err := begin(); err != nil {
		return err
	}
	n := 0
	err := source(func(e entry) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.report.Entries++
		if err := do(ctx, e); err != nil {
			return fmt.Errorf("entry %d, %s %s: %w", e.N, e.Op, e.Key, err)
		}
		if n++; n%perTransaction != 0 {
			return nil
		}
		if err := end(); err != nil {
			return err
		}
		return begin()
	})
	if err != nil {
		return errors.Join(err, r.tx.Rollback())
	}
	return end()
}

// loadEntry makes the row of an entry of an image.
func (r *rebuilder) loadEntry(ctx context.Context, e entry) error {
	switch e.Op {
	case opBegin, opEnd:
		return nil
	case opVolume:
		return r.setVolume(ctx, e)
	case opBlock:
		return r.describe(ctx, e)
	}
	v, err := r.tx.volumeNamed(ctx, e.Volume)
	if err != nil {
		return err
	}
	switch e.Op {
	case opSnapshot:
		v.lastSnapshot = max(v.lastSnapshot, e.N)
		_, err := r.tx.ExecContext(ctx, "INSERT INTO snapshots (volume, name, number, created) VALUES (?, ?, ?, ?)",
			v.id, e.Name, e.N, e.MTime)
		if err == nil {
			_, err = r.tx.ExecContext(ctx, "UPDATE volumes SET last_snapshot = ? WHERE id = ?", v.lastSnapshot, v.id)
		}
		return err
	case opOld:
		_, err := r.tx.ExecContext(ctx, `
			INSERT INTO old_files (volume, key, version, size, crc32c, mtime, content_type, metadata, more, died)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, v.id, e.Key, e.N, e.Size, int64(e.CRC32C), e.MTime,
			e.ContentType, e.Metadata, e.More, e.Died)
		if err != nil {
			return err
		}
		return r.addContent(ctx, e)
	case opPut:
		return r.put(ctx, v, e)
	}
	return fmt.Errorf("an image has no entry %q", e.Op)
}

// replayEntry makes a change again.
func (r *rebuilder) replayEntry(ctx context.Context, e entry) error {
	if e.Op == opVolume {
		return r.setVolume(ctx, e)
	}
	t := r.tx
	v, err := t.volumeNamed(ctx, e.Volume)
	if errors.Is(err, storage.ErrNotExist) && e.Op != opPut {
		return nil // what made the volume is lost, and so is what was in it
	}
	if err != nil {
		return err
	}
	t.numbers, t.now = e.N, time.Unix(0, e.MTime)
	switch e.Op {
	case opPut:
		err = r.put(ctx, v, e)
	case opDelete:
		err = t.remove(ctx, v.id, string(e.Key))
	case opDeletePrefix:
		err = t.deletePrefix(ctx, v, string(e.Key))
	case opMove:
		err = t.move(ctx, v, string(e.Key), string(e.To))
	case opMovePrefix:
		err = t.movePrefix(ctx, v, string(e.Key), string(e.To))
	case opSnapshot:
		err = t.createSnapshot(ctx, v, e.Name)
	case opRemoveSnapshot:
		err = t.removeSnapshot(ctx, v, e.Name)
	case opRemoveVolume:
		err = t.removeVolume(ctx, v)
	case opReplication:
		_, err = t.setReplication(ctx, v, string(e.Key), e.Copies)
	default:
		return fmt.Errorf("this program does not know the entry %q", e.Op)
	}
	t.entries, t.garbage = nil, nil
	var refused refusal
	if errors.As(err, &refused) { // something that it needs is lost
		r.report.lose(Finding{Kind: ContentDamaged, Volume: e.Volume, Key: string(e.Key), Detail: e.Op + ": " + err.Error()})
		return nil
	}
	return err
}

// setVolume makes a volume, or gives it other settings.
func (r *rebuilder) setVolume(ctx context.Context, e entry) error {
	set := e.Settings
	if set == nil {
		return errors.New("it has no settings")
	}
	if err := r.tx.flush(ctx); err != nil { // the volume is read anew after it
		return err
	}
	_, err := r.tx.ExecContext(ctx, `
		INSERT INTO volumes (name, created, block_size, replication, dedup, quota_bytes, quota_files)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET
			block_size = ?3, replication = ?4, dedup = ?5, quota_bytes = ?6, quota_files = ?7`,
		e.Volume, e.MTime, set.BlockSize, set.Replication, set.Dedup, set.QuotaBytes, set.QuotaFiles)
	return err
}

// describe makes blocks known that an entry describes.
func (r *rebuilder) describe(ctx context.Context, e entry) error {
	for _, b := range e.Blocks {
		if b.Size == 0 {
			continue // described earlier
		}
		var hash any
		if len(b.Hash) > 0 {
			hash = b.Hash
		}
		_, err := r.tx.ExecContext(ctx,
			"INSERT OR IGNORE INTO blocks (id, size, crc32c, chunks, copies, hash) VALUES (?, ?, ?, ?, ?, ?)",
			b.ID, b.Size, int64(b.CRC32C), []byte(b.Chunks), max(b.Copies, 1), hash)
		if err != nil {
			return err
		}
	}
	return nil
}

// addContent gives the version of an entry its content.
func (r *rebuilder) addContent(ctx context.Context, e entry) error {
	if len(e.content) > 0 {
		_, err := r.tx.ExecContext(ctx, insertInline, e.N, e.content)
		return err
	}
	if err := r.describe(ctx, e); err != nil {
		return err
	}
	for seq, b := range e.Blocks {
		var known bool
		err := r.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM blocks WHERE id = ?)", b.ID).Scan(&known)
		if err != nil {
			return err
		}
		if !known {
			r.report.lose(Finding{Kind: BlockMissing, Volume: e.Volume, Key: string(e.Key), Block: b.ID,
				Detail: "no journal describes it"})
			continue // the check tells that the object is not whole
		}
		if _, err := r.tx.ExecContext(ctx, insertFileBlock, e.N, seq, b.ID); err != nil {
			return err
		}
	}
	return nil
}

// put makes the object of an entry visible.
func (r *rebuilder) put(ctx context.Context, v *volumeState, e entry) error {
	if err := r.addContent(ctx, e); err != nil {
		return err
	}
	if err := r.tx.retire(ctx, v, string(e.Key), e.N); err != nil {
		return err
	}
	if e.Metadata != "" && !json.Valid([]byte(e.Metadata)) {
		return errors.New("its metadata are not JSON")
	}
	_, err := r.tx.ExecContext(ctx, insertFile, v.id, append([]byte{}, e.Key...), e.N, e.Size, int64(e.CRC32C), e.MTime,
		e.ContentType, e.Metadata, e.More)
	v.grow(e.Size, 1)
	return err
}

// findReplicas looks on which disks the blocks are.
func (r *rebuilder) findReplicas(ctx context.Context) error {
	return r.ns.update(ctx, func(tx *sql.Tx) error {
		for _, d := range r.disks() {
			if _, err := tx.ExecContext(ctx, "INSERT INTO disks (id, path) VALUES (?, ?)", d.id, d.root); err != nil {
				return err
			}
		}
		for last := int64(0); ; {
			blocks, err := sizes(ctx, tx, last)
			if err != nil || len(blocks) == 0 {
				return err
			}
			for _, b := range blocks {
				if err := r.findReplicasOf(ctx, tx, b.id, b.size); err != nil {
					return err
				}
			}
			last = blocks[len(blocks)-1].id
		}
	})
}

func sizes(ctx context.Context, tx *sql.Tx, after int64) (all []block, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, size FROM blocks WHERE id > ? ORDER BY id LIMIT 1000", after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b block
		if err := rows.Scan(&b.id, &b.size); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}

func (r *rebuilder) findReplicasOf(ctx context.Context, tx *sql.Tx, id, size int64) error {
	found := false
	for _, d := range r.disks() {
		info, err := os.Stat(d.path(id))
		if err != nil {
			continue
		}
		state := 0
		if info.Size() != size {
			state = 1
		}
		found = found || state == 0
		if _, err := tx.ExecContext(ctx, "INSERT INTO replicas (block, disk, state) VALUES (?, ?, ?)", id, d.id, state); err != nil {
			return err
		}
	}
	if found {
		r.report.Blocks++
	} else {
		r.report.lose(Finding{Kind: BlockMissing, Block: id, Detail: "no disk has it"})
	}
	return nil
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

// highestBlock is the greatest number of a block that a file has.
func (r *rebuilder) highestBlock() (highest int64, err error) {
	for _, d := range r.disks() {
		err := filepath.WalkDir(filepath.Join(d.root, blocksDir), func(_ string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			var id int64
			if err == nil && !e.IsDir() {
				if _, scanned := fmt.Sscanf(e.Name(), "%016x", &id); scanned == nil {
					highest = max(highest, id)
				}
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return highest, nil
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
