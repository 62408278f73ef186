package hiveql

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// loadedBefore is a file that an earlier LOAD DATA has loaded and not removed.
type loadedBefore struct {
	table *metastore.Table
	id    string
	file  File
}

// refuse is the error of a LOAD DATA of the file.
func (l *loadedBefore) refuse() error {
	return notLoadedAgain(l.file, "an earlier LOAD DATA has loaded it into "+l.table.String()+", but has not removed it")
}

// unloaded are files of a LOAD DATA that no earlier one has loaded: where one has, it is finished.
func (s *Session) unloaded(ctx context.Context, n *syntax.LoadData, files []File) ([]File, error) {
	before, _, err := s.loadedBefore(ctx, files)
	if err != nil || len(before) == 0 {
		return files, err
	}
	for _, l := range before {
		if s.finishMove(ctx, s.engine.cfg.Store, l.table, l.id) != nil {
			return nil, l.refuse()
		}
	}
	return s.loadSources(ctx, n)
}

// loadedBefore finds the writes on record that have loaded any of the files, and one file of each. loaded
// changes when there is another.
func (s *Session) loadedBefore(ctx context.Context, files []File) (before []loadedBefore, loaded string, err error) {
	d, err := s.engine.cfg.Store.Database(ctx, metastore.DefaultDatabase)
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, k := range slices.Sorted(maps.Keys(d.Parameters)) {
		id, ok := strings.CutPrefix(k, movedParam)
		if !ok {
			continue
		}
		record := movedRecordOf(d.Parameters[k])
		if !record.concerns(files) {
			continue // and be its list unreadable
		}
		t, err := s.movedInto(ctx, record.TableName, id)
		if err != nil {
			return nil, "", err
		}
		if t == nil {
			continue
		}
		list, err := s.cfg.readMoved(ctx, t, id)
		if err != nil {
			return nil, "", err
		}
		if i := loadedAmong(list, files); i >= 0 {
			before = append(before, loadedBefore{t, id, files[i]})
		}
	}
	return before, d.Parameters[loadedParam], nil
}

// loadedAmong is the first of the files that is in a list, or -1.
func loadedAmong(list []moved, files []File) int {
	loaded := map[string]moved{}
	for _, m := range list {
		loaded[m.url()] = m
	}
	return slices.IndexFunc(files, func(f File) bool {
		m, ok := loaded[f.URL()]
		return ok && m.same(f.Object)
	})
}

// movedRecord is what the default database says of a LOAD DATA: into which table, and from where.
type movedRecord struct {
	metastore.TableName
	From string `json:"from,omitempty"` // the URL of all sources begins with it; "" if that is not known
}

// movedRecordOf reads a record; one that is damaged is of no table, and of any source.
func movedRecordOf(text string) movedRecord {
	var r movedRecord
	if json.Unmarshal([]byte(text), &r) != nil {
		return movedRecord{}
	}
	return r
}

// concerns reports whether any of the files can be among the sources.
func (r *movedRecord) concerns(files []File) bool {
	return slices.ContainsFunc(files, func(f File) bool { return strings.HasPrefix(f.URL(), r.From) })
}

// commonDir is the longest URL of a directory that those of all files begin with.
func commonDir(files []File) string {
	common := files[0].URL()
	for _, f := range files {
		for !strings.HasPrefix(f.URL(), common) || !strings.HasSuffix(common, "/") {
			common = common[:strings.LastIndexByte(common[:len(common)-1], '/')+1]
		}
	}
	return common
}

// movedInto is the table of a write on record. It may have another name by now. Where it was dropped, or the
// write is finished, it is nil, and the record goes.
func (s *Session) movedInto(ctx context.Context, name metastore.TableName, id string) (*metastore.Table, error) {
	store := s.engine.cfg.Store
	if name.Name != "" {
		t, err := store.Table(ctx, name)
		if err == nil && t.Parameters[movedParam+id] != "" {
			return t, nil
		}
		if err != nil && !errors.Is(err, metastore.ErrNoSuchTable) && !errors.Is(err, metastore.ErrNoSuchDatabase) {
			return nil, err
		}
	}
	for t, err := range store.AllTables(ctx, "", "") {
		if err != nil {
			return nil, err
		}
		if t.Parameters[movedParam+id] != "" {
			return t, nil
		}
	}
	return nil, store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, name) // which a transaction that was under way may have changed
		if err == nil && t.Parameters[movedParam+id] != "" {
			return nil
		}
		return changeMoves(ctx, tx, func(p map[string]string) { delete(p, movedParam+id) })
	})
}

// commitMoves says that the sources are to be removed: first where others look for it, because not every
// metastore does both or nothing, and what nobody has on record is loaded again.
func (j *job) commitMoves(ctx context.Context, tx metastore.Tx, t *metastore.Table) error {
	if len(j.moves) == 0 {
		return nil
	}
	record, err := json.Marshal(movedRecord{j.s.temporary.kept(t.TableName), commonDir(j.moves)})
	if err != nil {
		return err
	}
	another := false
	err = changeMoves(ctx, tx, func(p map[string]string) {
		if another = p[loadedParam] != j.loaded; another {
			return
		}
		p[loadedParam], p[movedParam+j.id] = j.id, string(record)
	})
	if err == nil && another {
		err = errReplaced
	}
	setParam(&t.Parameters, movedParam+j.id, time.Now().UTC().Format(time.RFC3339)+" at "+j.table.Storage.Location)
	return err
}

// changeMoves changes the records of the default database, where there is one that keeps any.
func changeMoves(ctx context.Context, tx metastore.Tx, change func(map[string]string)) error {
	err := changeIntentsIfKept(ctx, tx, metastore.DefaultDatabase, change)
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil
	}
	return err
}
