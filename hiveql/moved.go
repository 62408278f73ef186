package hiveql

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// LOAD DATA without LOCAL moves files: it removes its sources when it has committed. Between that and
// the last removal they are listed in a file in the table's location, so that whoever writes to the table
// next, or loads one of them into whatever table, removes what is left of them first, and nobody loads them again.

const (
	movedPrefix = ".skep-moved-" // begins the name of the list; the id of the write follows
	movedParam  = "skep.moved."  // + id, on the table: a LOAD DATA that was committed and has sources left
	loadedParam = "skep.loaded"  // on the default database: changes with every such LOAD DATA
)

// moved is one source: a line of the list.
type moved struct {
	Place    string `json:"place"` // URL of its directory
	Name     string `json:"name"`  // below it
	Size     int64  `json:"size"`  // bytes
	ETag     string `json:"etag"`
	Modified int64  `json:"modified"` // in Unix milliseconds
}

func movedOf(f File) moved {
	dir, name := path.Split(f.Object.Key)
	return moved{f.Bucket.URL() + dir, name, f.Object.Size, f.Object.ETag, f.Object.ModTime.UnixMilli()}
}

func (m moved) url() string { return m.Place + m.Name }

// same reports whether an object is still the one that was loaded. S3 tells the time of one object in
// seconds, in listings in milliseconds.
func (m moved) same(o storage.Object) bool {
	at := o.ModTime.UnixMilli()
	if at%1000 == 0 || m.Modified%1000 == 0 {
		at, m.Modified = at/1000, m.Modified/1000
	}
	return m.Size == o.Size && m.ETag == o.ETag && m.Modified == at
}

// movesOf lists the ids of the writes to t that have sources left, in their order.
func movesOf(t *metastore.Table) []string {
	var ids []string
	for k := range t.Parameters {
		if id, ok := strings.CutPrefix(k, movedParam); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// movedFrom is where the list of such a write is: the place that the table had.
func movedFrom(t *metastore.Table, id string) string {
	_, home, _ := strings.Cut(t.Parameters[movedParam+id], " at ")
	return cmp.Or(home, t.Storage.Location)
}

// writeMoved lists the sources of a write.
func (cfg *Config) writeMoved(ctx context.Context, table, id string, files []File) error {
	loc, err := cfg.directory(ctx, table)
	if err != nil {
		return err
	}
	w, err := loc.Bucket.Create(ctx, loc.Prefix+movedPrefix+id, storage.CreateOptions{Durable: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	enc := json.NewEncoder(w)
	for _, f := range files {
		if err := enc.Encode(movedOf(f)); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
}

// readMoved reads such a list. There is none where another process has finished the write.
func (cfg *Config) readMoved(ctx context.Context, t *metastore.Table, id string) ([]moved, error) {
	loc, err := cfg.directory(ctx, movedFrom(t, id))
	if err != nil {
		return nil, err
	}
	var list []moved
	err = readAgain(ctx, loc.Bucket, loc.Prefix+movedPrefix+id, func(r io.Reader) error {
		list = nil
		for in := json.NewDecoder(r); ; {
			var one moved
			err := in.Decode(&one)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read %s%s%s: entry %d is damaged: %w", loc.URL(), movedPrefix, id, len(list)+1, err)
			}
			list = append(list, one)
		}
	})
	if errors.Is(err, storage.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// finishMove removes the sources of a committed write that are still what they were, then its traces.
// Every step can be repeated, by any process. t is a table of store, which may know it by another name than
// the session does.
func (s *Session) finishMove(ctx context.Context, store metastore.Store, t *metastore.Table, id string) error {
	list, err := s.cfg.readMoved(ctx, t, id)
	if err != nil {
		return err
	}
	places := map[string][]moved{}
	for _, m := range list {
		places[m.Place] = append(places[m.Place], m)
	}
	for place, list := range places {
		if err := s.removeMoved(ctx, place, list); err != nil {
			return err
		}
	}
	// The records go last: without them nobody would look for the list.
	if err := s.removeNamed(ctx, movedFrom(t, id), movedPrefix+id); err != nil {
		return err
	}
	return store.Update(ctx, func(tx metastore.Tx) error {
		now, err := tx.Table(ctx, t.TableName)
		switch {
		case noTable(err):
		case err != nil:
			return err
		case now.Parameters[movedParam+id] != "":
			delete(now.Parameters, movedParam+id)
			if err := tx.AlterTable(ctx, t.TableName, now); err != nil {
				return err
			}
		}
		return changeMoves(ctx, tx, func(p map[string]string) { delete(p, movedParam+id) })
	})
}

// removeMoved removes what is left of the sources in one directory, which may be a table's. That is listed
// again from then on.
func (s *Session) removeMoved(ctx context.Context, place string, list []moved) error {
	if err := s.untrackAt(ctx, place); err != nil {
		return err
	}
	loc, err := s.cfg.directory(ctx, place)
	if err != nil {
		return err
	}
	keep := make([]bool, len(list))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.Parallel)
	for n, m := range list {
		g.Go(func() error {
			o, err := loc.Bucket.Stat(gctx, loc.Prefix+m.Name)
			if err != nil && !errors.Is(err, storage.ErrNotExist) {
				return err
			}
			keep[n] = err != nil || !m.same(o)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var keys []string
	for n, m := range list {
		if !keep[n] {
			keys = append(keys, loc.Prefix+m.Name)
		}
	}
	return loc.Bucket.Delete(ctx, keys...)
}

// finishMoves removes sources that earlier writes to a table have left. Those that cannot be removed are
// no reason not to write: notLoaded guards against loading them again.
func (s *Session) finishMoves(ctx context.Context, t *metastore.Table) {
	for _, id := range movesOf(t) {
		_ = s.finishMove(ctx, s.cfg.Store, t, id)
	}
}

func notLoadedAgain(f File, why string) error {
	return &Error{Phase: Execution, Code: 1, SQLState: "08S01", Task: moveTask,
		Msg:  fmt.Sprintf("%s is not loaded: %s", f.URL(), why),
		Hint: "run the statement again when the file is gone, or to load the others"}
}

// seeSources makes sure, before the commit, that the sources are there, and not loaded by somebody else
// meanwhile, and lists them.
func (j *job) seeSources(ctx context.Context) error {
	if len(j.moves) == 0 {
		return nil
	}
	before, loaded, err := j.s.loadedBefore(ctx, j.moves)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		return before[0].refuse()
	}
	j.loaded = loaded
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(j.s.cfg.Parallel)
	for _, f := range j.moves {
		g.Go(func() error {
			o, err := f.Bucket.Stat(gctx, f.Object.Key)
			if err != nil && !errors.Is(err, storage.ErrNotExist) {
				return err
			}
			if err != nil || !movedOf(f).same(o) {
				return notLoadedAgain(f, "it was removed or replaced meanwhile, perhaps by another LOAD DATA")
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil || j.movesListed {
		return err
	}
	j.movesListed = true
	return j.s.cfg.writeMoved(ctx, j.table.Storage.Location, j.id, j.moves)
}
