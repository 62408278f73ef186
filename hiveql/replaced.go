package hiveql

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// The files that a write replaces are listed in a file beside them, until they are removed.

// replacedPrefix begins its name, which ends in the id of the write. It lies in the table's
// location.
const replacedPrefix = ".skep-replaced-"

// replaced are the files of one place that a write replaces: one line of the list.
type replaced struct {
	// Place is the location, below the table's where it lies there, so that it stays true when
	// the table moves.
	Place string         `json:"place"`
	Files []replacedFile `json:"files"`
	// Dropped says that the place goes as well, if nothing else is there.
	Dropped bool `json:"dropped,omitempty"`
}

// replacedFile is one version of a file.
type replacedFile struct {
	Name     string `json:"name"` // below the place
	ETag     string `json:"etag"`
	Modified int64  `json:"modified"` // in Unix milliseconds
}

func replacedFileOf(name string, o storage.Object) replacedFile {
	return replacedFile{Name: name, ETag: o.ETag, Modified: o.ModTime.UnixMilli()}
}

// below shortens the URL of a place of a table; whole is its inverse.
func below(table, place string) string {
	if place == table {
		return "."
	}
	if rest, ok := strings.CutPrefix(place, table+"/"); ok {
		return "./" + rest
	}
	return place
}

func whole(table, place string) string {
	if place == "." {
		return table
	}
	if rest, ok := strings.CutPrefix(place, "./"); ok {
		return table + "/" + rest
	}
	return place
}

// readReplaced reads the list of a write. It reports storage.ErrNotExist where there is none.
func (cfg *Config) readReplaced(ctx context.Context, table, id string) ([]replaced, error) {
	loc, err := cfg.directory(ctx, table)
	if err != nil {
		return nil, err
	}
	var list []replaced
	err = readAgain(ctx, loc.Bucket, loc.Prefix+replacedPrefix+id, func(r io.Reader) error {
		list = nil
		for in := json.NewDecoder(bufio.NewReader(r)); ; {
			var one replaced
			err := in.Decode(&one) // More would not tell of an error of the reader
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read %s%s%s: entry %d is damaged: %w", loc.URL(), replacedPrefix, id, len(list)+1, err)
			}
			one.Place = whole(table, one.Place)
			list = append(list, one)
		}
	})
	return list, err
}

// writeReplaced writes the list of a write, in place of an earlier one.
func (cfg *Config) writeReplaced(ctx context.Context, table, id string, list []replaced) error {
	loc, err := cfg.directory(ctx, table)
	if err != nil {
		return err
	}
	w, err := loc.Bucket.Create(ctx, loc.Prefix+replacedPrefix+id, storage.CreateOptions{Durable: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	enc := json.NewEncoder(w)
	for _, one := range list {
		one.Place = below(table, one.Place)
		if err := enc.Encode(one); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
}

// gone are the files of a table that committed writes have replaced and nobody has removed yet,
// by place.
type gone map[string]map[replacedFile]bool

// add adds a file of a place, which is one of the places below it too: those of a partition, if the list is
// that of a whole table.
func (g gone) add(place string, f replacedFile) {
	for {
		if g[place] == nil {
			g[place] = map[replacedFile]bool{}
		}
		g[place][f] = true
		dir, rest, ok := strings.Cut(f.Name, "/")
		if !ok {
			return
		}
		place, f.Name = place+"/"+dir, rest
	}
}

// goneFrom reads the lists of all writes to t that are being cleaned up. It reports errStale when
// one has been finished meanwhile.
func (cfg *Config) goneFrom(ctx context.Context, t *metastore.Table) (gone, error) {
	all := gone{}
	for _, id := range writesOf(t, stateCleaning) {
		i := writeOf(t, id)
		list, err := cfg.readReplaced(ctx, i.place, id)
		if errors.Is(err, storage.ErrNotExist) {
			return nil, errStale
		}
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			for _, f := range one.Files {
				all.add(one.Place, f)
			}
		}
	}
	return all, nil
}

// writesOf lists the ids of the writes to t that are in a state, in their order.
func writesOf(t *metastore.Table, state string) []string {
	var ids []string
	for k, v := range t.Parameters {
		if id, ok := strings.CutPrefix(k, writeParam); ok && strings.HasPrefix(v, state) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
