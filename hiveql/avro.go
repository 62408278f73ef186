package hiveql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// A table of AvroSerDe whose properties say a schema has the columns of that schema. Those that it had before, or was
// created with, are kept, and come back when the properties go.

// avroOwnColumns is where they are kept, where they are others.
const avroOwnColumns = hiddenParams + "avro.columns"

// maxAvroSchema is how large a schema may be.
const maxAvroSchema = 16 << 20

// avroProperties says which schema a table's properties name: by itself, or by its place; both "" for none. Properties of
// the table come before those of the SerDe.
func avroProperties(maps ...map[string]string) (literal, url string) {
	for _, params := range slices.Backward(maps) {
		if v, ok := params[formats.AvroLiteral]; ok {
			literal = v
		}
		if v, ok := params[formats.AvroURL]; ok {
			url = v
		}
	}
	if literal == "none" {
		literal = ""
	}
	if url == "none" {
		url = ""
	}
	return literal, url
}

// avroSchema is the schema that the properties of a table of AvroSerDe say; "" for none, and for tables of another SerDe.
func (s *Session) avroSchema(ctx context.Context, t *metastore.Table) (string, error) {
	if !classEqual(t.Storage.SerDe.Library, avroSerDe) {
		return "", nil
	}
	literal, url := avroProperties(t.Parameters, t.Storage.SerDe.Parameters)
	if literal != "" || url == "" {
		return literal, nil
	}
	f, err := s.fileAt(ctx, url)
	if err != nil {
		return "", fmt.Errorf("read the Avro schema of table %s: %w", t.TableName, err)
	}
	r, err := f.Bucket.Open(ctx, f.Object.Key, storage.ReadOptions{})
	if err != nil {
		return "", fmt.Errorf("read the Avro schema of table %s: %w", t.TableName, err)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxAvroSchema+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return "", fmt.Errorf("read the Avro schema of table %s: %w", t.TableName, err)
	}
	if len(b) > maxAvroSchema {
		return "", ddlFailed("%s has more than %d bytes, and is no Avro schema", f.URL(), maxAvroSchema)
	}
	return string(b), nil
}

// avroNamed is what CREATE TABLE says of an Avro schema.
func (s *Session) avroNamed(t *metastore.Table, n *syntax.CreateTable) (literal, url string) {
	if !classEqual(t.Storage.SerDe.Library, avroSerDe) {
		return "", ""
	}
	params := map[string]string{}
	setProperties(params, n.Properties)
	return avroProperties(params, t.Storage.SerDe.Parameters)
}

// takeAvro gives a table the columns of its Avro schema, or, when it has none any more, its own.
func (s *Session) takeAvro(ctx context.Context, t *metastore.Table) error {
	schema, err := s.avroSchema(ctx, t)
	if err != nil {
		return err
	}
	own, kept := t.Parameters[avroOwnColumns]
	if schema == "" {
		if kept {
			delete(t.Parameters, avroOwnColumns)
			if t.Storage.Columns, err = keptColumns(own); err != nil {
				return fmt.Errorf("table %s: %w", t.TableName, err)
			}
		}
		return nil
	}
	cols, err := avroColumns(schema)
	if err != nil {
		return ddlFailed("table %s: %v", t.TableName, err)
	}
	if !kept && len(t.Storage.Columns) > 0 && !sameDefinitions(t.Storage.Columns, cols) {
		text, err := json.Marshal(keepColumns(t.Storage.Columns))
		if err != nil {
			return err
		}
		setParam(&t.Parameters, avroOwnColumns, string(text))
	}
	t.Storage.Columns = cols
	return nil
}

func avroColumns(schema string) ([]metastore.Column, error) {
	found, err := formats.AvroColumns(schema)
	if err != nil {
		return nil, err
	}
	cols := make([]metastore.Column, len(found))
	for i, c := range found {
		cols[i] = metastore.Column{Name: c.Name, Type: c.Type, Comment: c.Doc}
		if slices.ContainsFunc(cols[:i], func(d metastore.Column) bool { return d.Name == c.Name }) {
			return nil, fmt.Errorf("the Avro schema has two fields %s, if case does not count", c.Name)
		}
	}
	return cols, nil
}

func sameDefinitions(a, b []metastore.Column) bool {
	return slices.EqualFunc(a, b, func(a, b metastore.Column) bool { return a.Name == b.Name && a.Type.Equal(b.Type) })
}

// keptColumn is a column as text.
type keptColumn struct{ Name, Type, Comment string }

func keepColumns(cols []metastore.Column) []keptColumn {
	list := make([]keptColumn, len(cols))
	for i, c := range cols {
		list[i] = keptColumn{c.Name, c.Type.String(), c.Comment}
	}
	return list
}

func keptColumns(text string) ([]metastore.Column, error) {
	var list []keptColumn
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("the property %s: %w", avroOwnColumns, err)
	}
	cols := make([]metastore.Column, len(list))
	for i, c := range list {
		t, err := hivetype.Parse(c.Type)
		if err != nil {
			return nil, fmt.Errorf("the property %s: %w", avroOwnColumns, err)
		}
		cols[i] = metastore.Column{Name: c.Name, Type: t, Comment: c.Comment}
	}
	return cols, nil
}

// avroFollows gives a table, whose properties have been changed from what they were in before, the columns that they mean.
// found is what takeAvro has made of the same change; nothing is read.
func avroFollows(t, found *metastore.Table) {
	if !classEqual(t.Storage.SerDe.Library, avroSerDe) {
		return
	}
	t.Storage.Columns = slices.Clone(found.Storage.Columns)
	if own, ok := found.Parameters[avroOwnColumns]; ok {
		setParam(&t.Parameters, avroOwnColumns, own)
	} else {
		delete(t.Parameters, avroOwnColumns)
	}
}

// avroKeepsColumns refuses to change the columns of a table that has those of an Avro schema.
func avroKeepsColumns(t *metastore.Table, n syntax.Node) error {
	if !classEqual(t.Storage.SerDe.Library, avroSerDe) {
		return nil
	}
	if literal, url := avroProperties(t.Parameters, t.Storage.SerDe.Parameters); literal == "" && url == "" {
		return nil
	}
	return semantic(n, 0, "Not allowed to alter schema of Avro stored table having external schema. Consider removing %s or %s "+
		"from table properties.", formats.AvroLiteral, formats.AvroURL)
}

// updateColumns runs UPDATE COLUMNS: the columns that the SerDe says become the table's own, and with CASCADE those of its
// partitions, or of the partitions of a spec.
func (s *Session) updateColumns(ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, a *syntax.UpdateColumns) error {
	schema, err := s.avroSchema(ctx, t)
	if err != nil {
		return err
	}
	if schema == "" {
		return semantic(a, 0, "%s has serde %s for which schema is already handled by HMS.", t.Name, t.Storage.SerDe.Library)
	}
	cols, err := avroColumns(schema)
	if err != nil {
		return ddlFailed("table %s: %v", t.TableName, err)
	}
	if spec == nil {
		err = s.alterRow(ctx, t.TableName, func(t *metastore.Table) error {
			t.Storage.Columns = slices.Clone(cols)
			delete(t.Parameters, avroOwnColumns)
			return nil
		})
		if err != nil || !a.Cascade || !t.Partitioned() {
			return err
		}
	}
	return s.alterPartitions(ctx, t, spec, func(p *metastore.Partition) error {
		p.Storage.Columns = slices.Clone(cols)
		return nil
	})
}

// avroScans gives the scans of a plan the Avro schemas of their tables that lie elsewhere.
func (s *Session) avroScans(ctx context.Context, scans []*analysis.Scan) error {
	for _, scan := range scans {
		t, err := s.withAvro(ctx, scan.Table)
		if err != nil {
			return err
		}
		scan.Table = t
	}
	return nil
}

// withAvro is a table whose Avro schema is among its properties, if it has one.
func (s *Session) withAvro(ctx context.Context, t *metastore.Table) (*metastore.Table, error) {
	if !classEqual(t.Storage.SerDe.Library, avroSerDe) {
		return t, nil
	}
	schema, err := s.avroSchema(ctx, t)
	if err != nil || schema == "" || t.Parameters[formats.AvroLiteral] == schema {
		return t, err
	}
	with := *t
	with.Parameters = maps.Clone(t.Parameters)
	setParam(&with.Parameters, formats.AvroLiteral, schema)
	return &with, nil
}

// avroOptions are the session's for Avro files that it writes.
func (s *Session) avroOptions(t *metastore.Table) {
	if !classEqual(t.Storage.SerDe.Library, avroSerDe) || t.Parameters[formats.AvroCodec] != "" {
		return
	}
	if codec := s.Setting(formats.AvroCodec); t.Storage.Compressed && codec != "" {
		setParam(&t.Parameters, formats.AvroCodec, strings.ToLower(codec))
	} else if t.Storage.Compressed {
		setParam(&t.Parameters, formats.AvroCodec, "deflate")
	}
}
