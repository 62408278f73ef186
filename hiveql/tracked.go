package hiveql

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// A place, which is a partition or a table without partition keys, is tracked when the metastore
// lists its files. Reading it needs no listing of the store.

// Parameters that say which files a place has.
const (
	// trackingParam, on the table, is part of every list that holds. Taking it away ends the tracking
	// of the whole table, until the next write begins it again.
	trackingParam = metastore.TrackingParameter
	// filesParam, on the place, is its list.
	filesParam = metastore.FilesParameter
)

// maxTracked is the number of files up to which a place is tracked. Every write to the place
// stores the list anew. A place without files is not tracked: others may begin to use it, and
// listing it costs little.
const maxTracked = 1000

// tracking is the list of the files of one place.
type tracking struct {
	Tracking string        `json:"tracking"` // trackingParam of the table
	Location string        `json:"at"`       // of the place
	Files    []trackedFile `json:"files"`
}

// trackedFile is a file as its store described it.
type trackedFile struct {
	Name string `json:"name"` // below the location
	Size int64  `json:"size"`
	ETag string `json:"etag"`
	CRC  string `json:"crc,omitempty"` // CRC32C of the whole, where it is known
}

// trackedOf is a file of a name as its store has just described it.
func trackedOf(name string, o storage.Object) trackedFile {
	f := trackedFile{Name: name, Size: o.Size, ETag: o.ETag}
	if o.CRC32C.Known {
		f.CRC = o.CRC32C.String()
	}
	return f
}

func newTracking() string { return fmt.Sprintf("%016x", rand.Uint64()) }

// trackedAt gives the list of a place of t, if it has one that holds. Tables that are not managed
// belong to others, who need not tell us what they write: they are never tracked. A list that
// cannot be read is none, because listing the store is always right.
func trackedAt(t *metastore.Table, location string, params map[string]string) (*tracking, bool) {
	text := params[filesParam]
	if text == "" || !tracks(t) {
		return nil, false
	}
	var l tracking
	if json.Unmarshal([]byte(text), &l) != nil {
		return nil, false
	}
	return &l, len(l.Files) > 0 && l.Tracking == t.Parameters[trackingParam] && l.Location == location
}

// tracks reports whether places of the table can be tracked.
func tracks(t *metastore.Table) bool {
	return t.Type == metastore.Managed && t.Parameters[trackingParam] != ""
}

// sharedFor is how long a table is listed after another program has looked it up in the metastore:
// such programs add files to partitions without telling.
const sharedFor = 24 * time.Hour

func shared(t *metastore.Table, now time.Time) bool {
	at, err := strconv.ParseInt(t.Parameters[metastore.SharedParameter], 10, 64)
	return err == nil && now.Sub(time.Unix(at, 0)) < sharedFor
}

// setTracked makes files the list of a place, or ends its tracking where they are too many.
func setTracked(t *metastore.Table, location string, params *map[string]string, files []trackedFile) error {
	if len(files) == 0 || len(files) > maxTracked || below(t.Storage.Location, location) == location {
		delete(*params, filesParam)
		return nil
	}
	text, err := json.Marshal(tracking{Tracking: t.Parameters[trackingParam], Location: location, Files: files})
	if err != nil {
		return fmt.Errorf("list the files of %s: %w", location, err)
	}
	setParam(params, filesParam, string(text))
	return nil
}

// objects are the files as a listing would have found them.
func (l *tracking) objects(loc storage.Location) []storage.Object {
	all := make([]storage.Object, len(l.Files))
	for i, f := range l.Files {
		all[i] = storage.Object{Key: loc.Prefix + f.Name, Size: f.Size, ETag: f.ETag}
		if sum, err := storage.ParseChecksum(f.CRC); err == nil {
			all[i].CRC32C = sum
		}
	}
	return all
}

// untrack ends the tracking of a table, so that files which others have put there are found.
func (s *Session) untrack(ctx context.Context, name metastore.TableName) error {
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		t, err := tx.Table(ctx, name)
		if err != nil {
			return err
		}
		if _, ok := t.Parameters[trackingParam]; !ok {
			return nil
		}
		delete(t.Parameters, trackingParam)
		return tx.AlterTable(ctx, name, t)
	})
}

// untrackAt ends the tracking of the tables that have files at or below a URL, or above it.
func (s *Session) untrackAt(ctx context.Context, url string) error {
	url = strings.TrimSuffix(url, "/") + "/"
	var found []metastore.TableName
	for t, err := range s.cfg.Store.AllTables(ctx, "", "") {
		if err != nil {
			return err
		}
		at := t.Storage.Location + "/"
		if tracks(t) && (strings.HasPrefix(at, url) || strings.HasPrefix(url, at)) {
			found = append(found, t.TableName)
		}
	}
	for _, name := range found {
		if err := s.untrack(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
