package hiveql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hiveql/orc"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// fromFile is the comment of columns that CREATE TABLE LIKE FILE finds, by the format.
func fromFile(format string) string {
	return "Inferred from " + format[:1] + strings.ToLower(format[1:]) + " file."
}

// fileColumns are the columns of CREATE TABLE LIKE FILE.
func (s *Session) fileColumns(ctx context.Context, n *syntax.LikeFile) ([]metastore.Column, error) {
	format := strings.ToUpper(n.Format)
	if !slices.Contains([]string{"PARQUET", "ORC", "AVRO"}, format) {
		return nil, unsupported(n, "CREATE TABLE LIKE FILE "+n.Format)
	}
	f, err := s.fileAt(ctx, n.Path)
	if err != nil {
		return nil, err
	}
	src := &source{cfg: s.cfg, counts: &counts{}}
	local, err := src.Local(ctx, f)
	if err != nil {
		return nil, err
	}
	defer local.Release()
	if local.Parts != nil {
		release, err := local.Parts.Hold(ctx, 0, f.Object.Size)
		if err != nil {
			return nil, err
		}
		defer release()
		if err := local.Parts.Confirm(ctx, 0, f.Object.Size); err != nil { // where the store has no sum of it
			return nil, err
		}
	}
	cols, err := s.columnsAt(ctx, format, local.Path, f.Object.Size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.URL(), err)
	}
	asText := strings.EqualFold(s.Setting("hive.parquet.infer.binary.as"), "string")
	for i := range cols {
		cols[i].Name, cols[i].Comment = strings.ToLower(cols[i].Name), fromFile(format)
		if asText {
			cols[i].Type = binaryAsText(cols[i].Type)
		}
	}
	return cols, nil
}

// columnsAt are the columns of a local file.
func (s *Session) columnsAt(ctx context.Context, format, path string, size int64) (cols []metastore.Column, err error) {
	if format == "PARQUET" {
		if s.cfg.Executor == nil {
			return nil, errNoExecutor
		}
		return s.cfg.Executor.ParquetColumns(ctx, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if format == "AVRO" {
		found, err := formats.AvroFileColumns(f)
		for _, c := range found {
			cols = append(cols, metastore.Column{Name: c.Name, Type: c.Type})
		}
		return cols, err
	}
	o, err := orc.Open(ctx, func(_ context.Context, p []byte, off int64) error {
		_, err := f.ReadAt(p, off)
		return err
	}, size)
	if err != nil {
		return nil, err
	}
	for i := range o.Columns() {
		cols = append(cols, metastore.Column{Name: o.Name(i), Type: o.Type(i)})
	}
	return cols, nil
}

// binaryAsText is a type with string in the place of binary.
func binaryAsText(t hivetype.Type) hivetype.Type {
	switch t.Kind {
	case hivetype.Binary:
		return hivetype.Of(hivetype.String)
	case hivetype.Array:
		return hivetype.ArrayOf(binaryAsText(*t.Elem))
	case hivetype.Map:
		return hivetype.MapOf(binaryAsText(*t.Key), binaryAsText(*t.Elem))
	case hivetype.Struct:
		fields := make([]hivetype.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = hivetype.Field{Name: f.Name, Type: binaryAsText(f.Type)}
		}
		return hivetype.StructOf(fields...)
	}
	return t
}

// fileAt is the file that a path names, or the first data file of a directory.
func (s *Session) fileAt(ctx context.Context, name string) (File, error) {
	loc, err := s.cfg.Storage.Open(ctx, name)
	if err != nil {
		return File{}, err
	}
	if o, err := statNamed(ctx, loc); err == nil {
		return File{loc.Bucket, o}, nil
	} else if !errors.Is(err, storage.ErrNotExist) && !errors.Is(err, storage.ErrInvalidKey) {
		return File{}, err
	}
	dir, err := s.cfg.directory(ctx, name)
	if err != nil {
		return File{}, err
	}
	for o, err := range within(ctx, dir) {
		if err != nil {
			return File{}, err
		}
		if !partitions.Hidden(o.Key[len(dir.Prefix):]) && o.Size > 0 {
			return File{dir.Bucket, o}, nil
		}
	}
	return File{}, fmt.Errorf("%s: %w", name, storage.ErrNotExist)
}

// statNamed finds the object of a path. Scripts know files by Hive's names, as 000000_0, which end
// in the id of a write here; where there is one such file, it is meant.
func statNamed(ctx context.Context, loc storage.Location) (storage.Object, error) {
	o, err := loc.Bucket.Stat(ctx, loc.Prefix)
	if !errors.Is(err, storage.ErrNotExist) || loc.Prefix == "" {
		return o, err
	}
	var found []storage.Object
	for o, listErr := range loc.Bucket.List(ctx, loc.Prefix+"_") {
		if listErr != nil {
			return storage.Object{}, listErr
		}
		if id, _ := idOf(o.Key); id != "" && strings.HasPrefix(o.Key, loc.Prefix+"_"+id) {
			found = append(found, o)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return o, err
}
