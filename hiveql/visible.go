package hiveql

import (
	"context"
	"errors"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// Which files of a location belong to the table is decided here; doc.go tells the protocol.

// Parameters of tables and partitions that belong to the protocol. They are never shown.
const (
	writeParam      = "skep.write."     // + id, on the table: a write under way, by its owner
	generationParam = "skep.generation" // on the table: changes with every write that replaces
	temporaryParam  = "skep.temporary"  // on a table that goes with its session
	hiddenParams    = "skep."
)

// The states of a write, the first word of its parameter.
const (
	stateWriting  = "writing"  // its files are not yet there for readers
	stateCleaning = "cleaning" // committed; the files it replaced are being removed
	stateCleaned  = "cleaned"  // they are; their list is being removed
)

// writeID is what the names of a write's files end in, before any extension: the version of
// the table when the write began, and a random number.
var writeID = regexp.MustCompile(`_([0-9a-f]{8})([0-9a-f]{8})(\.[^/]*)?$`)

// idOf is the id in a file's name, and the table's version in it; "" if there is none.
func idOf(key string) (id string, version int64) {
	m := writeID.FindStringSubmatch(path.Base(key))
	if m == nil {
		return "", 0
	}
	v, err := strconv.ParseInt(m[1], 16, 64)
	if err != nil {
		return "", 0
	}
	return m[1] + m[2], v
}

// lister lists the files of a table as readers of one version of it see them.
type lister struct {
	cfg     *Config
	table   *metastore.Table
	pending map[string]bool // ids of the writes under way in that version
	gone    func(context.Context) (gone, error)
	lists   *atomic.Int64 // counts the listings; may be nil
	kept    *listings     // of places that need not be listed again; may be nil
	ttl     time.Duration // for those
	since   time.Time     // what was listed since then is good; zero if nothing is

	// What has been found, by URL, or is being looked for, if that is to be asked for once. It is nil otherwise.
	mu   sync.Mutex
	once map[string]func() ([]storage.Object, error)
}

func newLister(cfg *Config, t *metastore.Table) *lister {
	l := &lister{cfg: cfg, table: t, pending: pendingWrites(t)}
	var once sync.Once
	var found gone
	var err error
	l.gone = func(ctx context.Context) (gone, error) { // most plans need no listing, and none of this
		once.Do(func() { found, err = cfg.goneFrom(ctx, t) })
		return found, err
	}
	return l
}

func pendingWrites(t *metastore.Table) map[string]bool {
	pending := map[string]bool{}
	for _, id := range writesOf(t, stateWriting) {
		pending[id] = true
	}
	return pending
}

// files are the data files of a place: neither hidden nor empty, not of a write under way, not
// replaced by a committed one. params are those of the partition, or of the table. Where the place
// is tracked, the store is not asked.
func (l *lister) files(ctx context.Context, url string, params map[string]string) ([]File, error) {
	loc, err := l.cfg.directory(ctx, url)
	if err != nil {
		return nil, err
	}
	if files, ok := l.tracked(loc, url, params); ok {
		return files, nil
	}
	return l.list(ctx, loc, url)
}

// tracked are the files of a place that is tracked.
func (l *lister) tracked(loc storage.Location, url string, params map[string]string) (files []File, ok bool) {
	list, ok := trackedAt(l.table, url, params)
	if !ok {
		return nil, false
	}
	for _, o := range list.objects(loc) {
		if id, _ := idOf(o.Key); o.Size > 0 && !l.pending[id] {
			files = append(files, File{Bucket: loc.Bucket, Object: o})
		}
	}
	return files, true
}

// knownBy is how files are known.
type knownBy int

const (
	unknown knownBy = iota
	trackedNow
	listedBefore
)

// before are the files of a place as they are known without asking the store: as they were listed before if it is not
// tracked.
func (l *lister) before(ctx context.Context, url string, params map[string]string) ([]File, knownBy, error) {
	loc, err := l.cfg.directory(ctx, url)
	if err != nil {
		return nil, unknown, err
	}
	if files, ok := l.tracked(loc, url, params); ok {
		return files, trackedNow, nil
	}
	if l.kept == nil {
		return nil, unknown, nil
	}
	objects, ok := l.kept.since(l.table, url, time.Time{})
	if !ok {
		return nil, unknown, nil
	}
	files, err := l.visible(ctx, loc, url, objects)
	return files, listedBefore, err
}

// list asks the store for the data files of a place.
func (l *lister) list(ctx context.Context, loc storage.Location, url string) ([]File, error) {
	if _, err := l.gone(ctx); err != nil { // before what is there now
		return nil, err
	}
	objects, err := l.objectsOnce(ctx, loc, url)
	if err != nil {
		return nil, err
	}
	return l.visible(ctx, loc, url, objects)
}

// visible are the data files among the objects of a place.
func (l *lister) visible(ctx context.Context, loc storage.Location, url string, objects []storage.Object) ([]File, error) {
	gone, err := l.gone(ctx)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, o := range objects {
		name := o.Key[len(loc.Prefix):]
		id, _ := idOf(name)
		if o.Size == 0 || strings.HasSuffix(name, "/") || partitions.Hidden(name) || l.pending[id] ||
			gone[url][replacedFileOf(name, o)] {
			continue
		}
		files = append(files, File{Bucket: loc.Bucket, Object: o})
	}
	return files, nil
}

// objectsOnce is objects, or what it was before. Where several callers have one lister a context that ends must be the end
// for all of them.
func (l *lister) objectsOnce(ctx context.Context, loc storage.Location, url string) ([]storage.Object, error) {
	if l.once == nil {
		return l.objects(ctx, loc, url)
	}
	l.mu.Lock()
	find := l.once[url]
	if find == nil {
		find = sync.OnceValues(func() ([]storage.Object, error) { return l.objects(ctx, loc, url) })
		l.once[url] = find
	}
	l.mu.Unlock()
	return find()
}

// objects are all that the store has at a place, now or, where that is good enough, a while ago.
func (l *lister) objects(ctx context.Context, loc storage.Location, url string) ([]storage.Object, error) {
	now := time.Now()
	if l.kept != nil && !l.since.IsZero() {
		if objects, ok := l.kept.since(l.table, url, l.since); ok {
			return objects, nil
		}
	}
	if l.kept != nil && l.ttl > 0 && l.table.Type != metastore.Managed {
		if objects, ok := l.kept.get(l.table, url, l.ttl, now); ok {
			return objects, nil
		}
	}
	if l.lists != nil {
		l.lists.Add(1)
	}
	var objects []storage.Object
	for o, err := range loc.Bucket.List(ctx, loc.Prefix) {
		if errors.Is(err, storage.ErrNotExist) && l.table.Type == metastore.Managed {
			break // of a table of ours: nothing has been written there yet
		}
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	if l.kept != nil {
		l.kept.put(l.table, url, now, objects)
	}
	return objects, nil
}

// tableNow is a table as it is after its files were listed; errStale if there is none any more.
func tableNow(ctx context.Context, store metastore.Store, name metastore.TableName) (*metastore.Table, error) {
	now, err := store.Table(ctx, name)
	if noTable(err) {
		return nil, errStale
	}
	return now, err
}

// verify makes sure that the listings of a table show one state of it, by what it is now, after them.
// Files of writes that began since are taken out; if one of these has ended, or anything was replaced,
// the error is errStale.
func verify(was, now *metastore.Table, found []PartitionFiles) error {
	if now.Version == was.Version {
		return nil
	}
	if now.Parameters[generationParam] != was.Parameters[generationParam] {
		return errStale
	}
	pending := pendingWrites(now)
	for i := range found {
		kept := found[i].Files[:0]
		for _, f := range found[i].Files {
			id, version := idOf(f.Object.Key)
			later := id != "" && version > was.Version && version <= now.Version
			if later && !pending[id] {
				return errStale
			}
			if !later {
				kept = append(kept, f)
			}
		}
		found[i].Files = kept
	}
	return nil
}

// shownParams are the parameters without those of the protocol.
func shownParams(params map[string]string) map[string]string {
	shown := map[string]string{}
	for k, v := range params {
		if !strings.HasPrefix(k, hiddenParams) {
			shown[k] = v
		}
	}
	return shown
}
