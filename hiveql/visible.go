package hiveql

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// Which files of a location belong to the table is decided here; doc.go tells the protocol.

// Parameters of tables and partitions that belong to the protocol. They are never shown.
const (
	writeParam      = "skep.write."     // + id, on the table: a write under way, by its owner
	replacingParam  = "skep.replacing"  // on the table or partition: the write whose old files go
	generationParam = "skep.generation" // on the table: changes with every write that replaces
	temporaryParam  = "skep.temporary"  // on a table that goes with its session
	hiddenParams    = "skep."
)

// The states of a write, the first word of its parameter.
const (
	stateWriting  = "writing"  // its files are not yet there for readers
	stateCleaning = "cleaning" // committed; the files it replaced are being removed
)

// replacedPrefix begins the name of the list of files that a write replaces.
const replacedPrefix = ".skep-replaced-"

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

// replaced is one line of the list of files that a write replaces.
type replaced struct {
	Name string `json:"name"` // below the location
	ETag string `json:"etag"`
}

// lister lists the files of a table as readers of one version of it see them.
type lister struct {
	cfg     *Config
	table   *metastore.Table
	pending map[string]bool // ids of the writes under way in that version
}

func newLister(cfg *Config, t *metastore.Table) *lister {
	return &lister{cfg: cfg, table: t, pending: pendingWrites(t)}
}

func pendingWrites(t *metastore.Table) map[string]bool {
	pending := map[string]bool{}
	for k, v := range t.Parameters {
		if id, ok := strings.CutPrefix(k, writeParam); ok && strings.HasPrefix(v, stateWriting) {
			pending[id] = true
		}
	}
	return pending
}

// files lists the data files at a location: neither hidden nor empty, not of a write under way,
// not replaced by a committed one. params are those of the partition, or of the table.
func (l *lister) files(ctx context.Context, url string, params map[string]string) ([]File, error) {
	loc, err := l.cfg.directory(ctx, url)
	if err != nil {
		return nil, err
	}
	var gone map[replaced]bool
	if id := params[replacingParam]; id != "" {
		list, err := readReplaced(ctx, loc, id)
		if errors.Is(err, storage.ErrNotExist) {
			return nil, errStale // the write has finished meanwhile
		}
		if err != nil {
			return nil, err
		}
		gone = map[replaced]bool{}
		for _, r := range list {
			gone[r] = true
		}
	}
	var files []File
	for o, err := range loc.Bucket.List(ctx, loc.Prefix) {
		if errors.Is(err, storage.ErrNotExist) && l.table.Type == metastore.Managed {
			break // of a table of ours: nothing has been written there yet
		}
		if err != nil {
			return nil, err
		}
		name := o.Key[len(loc.Prefix):]
		if o.Size == 0 || strings.HasSuffix(name, "/") || partitions.Hidden(name) || gone[replaced{name, o.ETag}] {
			continue
		}
		if id, _ := idOf(name); id != "" && l.pending[id] {
			continue
		}
		files = append(files, File{Bucket: loc.Bucket, Object: o})
	}
	return files, nil
}

// verify makes sure, after the listings, that they show one state of the table. Files of writes
// that began since are taken out; if one of these has ended, or anything was replaced, the
// error is errStale.
func (l *lister) verify(ctx context.Context, found []PartitionFiles) error {
	now, err := l.cfg.Store.Table(ctx, l.table.TableName)
	if errors.Is(err, metastore.ErrNoSuchTable) || errors.Is(err, metastore.ErrNoSuchDatabase) {
		return errStale
	}
	if err != nil {
		return err
	}
	if now.Version == l.table.Version {
		return nil
	}
	if now.Parameters[generationParam] != l.table.Parameters[generationParam] {
		return errStale
	}
	pending := pendingWrites(now)
	for i := range found {
		kept := found[i].Files[:0]
		for _, f := range found[i].Files {
			id, version := idOf(f.Object.Key)
			later := id != "" && version > l.table.Version && version <= now.Version
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

func readReplaced(ctx context.Context, loc storage.Location, id string) ([]replaced, error) {
	r, err := loc.Bucket.Open(ctx, loc.Prefix+replacedPrefix+id, storage.ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var list []replaced
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var one replaced
		if err := json.Unmarshal(sc.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("read %s%s%s: line %d is damaged: %w", loc.URL(), replacedPrefix, id, len(list)+1, err)
		}
		list = append(list, one)
	}
	return list, sc.Err()
}

func writeReplaced(ctx context.Context, loc storage.Location, id string, list []replaced) error {
	w, err := loc.Bucket.Create(ctx, loc.Prefix+replacedPrefix+id, storage.CreateOptions{Durable: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	enc := json.NewEncoder(w)
	for _, r := range list {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
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
