package hiveql

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// inJSON reports whether SHOW and DESCRIBE answer with one line of JSON.
func (s *Session) inJSON() bool {
	return strings.EqualFold(s.Setting("hive.ddl.output.format"), "json")
}

// showJSON makes one line of an object, whose keys stand in the order of its fields.
func (r *Result) showJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	r.showLines("result", []string{strings.TrimSpace(b.String())})
	return nil
}

// jsonColumn is a column as DESCRIBE tells of it.
type jsonColumn struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Comment string `json:"comment,omitempty"`
}

func jsonColumns(cols []metastore.Column) []jsonColumn {
	list := make([]jsonColumn, len(cols))
	for i, c := range cols {
		list[i] = jsonColumn{c.Name, c.Type.String(), c.Comment}
	}
	return list
}

// jsonTable is what DESCRIBE EXTENDED and FORMATTED add.
type jsonTable struct {
	Table        string            `json:"table"`
	Database     string            `json:"database"`
	Owner        string            `json:"owner,omitempty"`
	CreateTime   int64             `json:"createTime"`
	Type         string            `json:"tableType,omitempty"`
	Partition    []string          `json:"partitionValues,omitempty"`
	Keys         []jsonColumn      `json:"partitionKeys,omitempty"`
	Location     string            `json:"location,omitempty"`
	InputFormat  string            `json:"inputFormat,omitempty"`
	OutputFormat string            `json:"outputFormat,omitempty"`
	SerDe        string            `json:"serializationLib,omitempty"`
	SerDeParams  map[string]string `json:"serdeParameters,omitempty"`
	Buckets      int               `json:"numBuckets"`
	BucketCols   []string          `json:"bucketCols,omitempty"`
	Params       map[string]string `json:"parameters"`
	Original     string            `json:"viewOriginalText,omitempty"`
	Expanded     string            `json:"viewExpandedText,omitempty"`
}

// json is DESCRIBE of a table or partition.
func (d *describer) json(mode string) any {
	sd, t := d.storage(), d.table
	cols := sd.Columns
	if d.partition == nil || mode == "" {
		cols = append(cols[:len(cols):len(cols)], t.PartitionKeys...)
	}
	answer := struct {
		Columns []jsonColumn `json:"columns"`
		Info    *jsonTable   `json:"tableInfo,omitempty"`
	}{Columns: jsonColumns(cols)}
	if mode == "" {
		return answer
	}
	answer.Info = &jsonTable{Table: t.Name, Database: t.Database, Owner: t.Owner, CreateTime: t.CreateTime.Unix(),
		Type: string(t.Type), Keys: jsonColumns(t.PartitionKeys), Location: sd.Location, InputFormat: sd.InputFormat,
		OutputFormat: sd.OutputFormat, SerDe: sd.SerDe.Library, SerDeParams: redactedParams(sd.SerDe.Parameters), Buckets: sd.NumBuckets,
		BucketCols: sd.BucketColumns, Params: redactedParams(t.Parameters), Original: t.ViewOriginalText, Expanded: t.ViewExpandedText}
	if p := d.partition; p != nil {
		answer.Info.Partition, answer.Info.CreateTime, answer.Info.Params = p.Values, p.CreateTime.Unix(), redactedParams(p.Parameters)
	}
	return answer
}

func redactedParams(params map[string]string) map[string]string {
	shown := map[string]string{}
	for k, v := range shownParams(params) {
		shown[k] = redacted(k, v)
	}
	return shown
}

// jsonNames is the answer of SHOW DATABASES, TABLES and VIEWS.
func jsonNames(what string, names []string) any {
	if names == nil {
		names = []string{}
	}
	return map[string][]string{what: names}
}

// jsonTables is SHOW TABLES of a kind of table, and SHOW EXTENDED TABLES.
func jsonTables(rows [][]string, extended bool) any {
	list := []any{}
	for _, row := range rows {
		name := strings.TrimSpace(row[0])
		if !extended {
			list = append(list, name)
			continue
		}
		list = append(list, struct {
			Name string `json:"Table Name"`
			Type string `json:"Table Type"`
		}{name, strings.TrimSpace(row[1])})
	}
	return map[string][]any{"tables": list}
}

// jsonDatabase is DESCRIBE DATABASE.
func (s *Session) jsonDatabase(d *metastore.Database, extended bool) any {
	answer := struct {
		Database  string            `json:"database"`
		Comment   string            `json:"comment,omitempty"`
		Location  string            `json:"location"`
		Managed   string            `json:"managedLocation,omitempty"`
		Owner     string            `json:"owner,omitempty"`
		OwnerType string            `json:"ownerType"`
		Params    map[string]string `json:"params,omitempty"`
	}{Database: d.Name, Comment: d.Comment, Location: s.databaseLocation(d), Managed: d.Parameters[managedLocationParam],
		Owner: d.Owner, OwnerType: "USER"}
	if extended {
		answer.Params = redactedParams(d.Parameters)
	}
	return answer
}

// jsonPartitions is SHOW PARTITIONS: names as Hive writes them here, with quotes, and the values.
func jsonPartitions(keys partitions.Keys, found []partitions.Values) any {
	type value struct {
		Column string `json:"columnName"`
		Value  string `json:"columnValue"`
	}
	type partition struct {
		Name   string  `json:"name"`
		Values []value `json:"values"`
	}
	list := make([]partition, len(found))
	for i, v := range found {
		var parts []string
		for k, key := range keys {
			parts = append(parts, key.Name+"='"+v[k]+"'")
			list[i].Values = append(list[i].Values, value{key.Name, v[k]})
		}
		list[i].Name = strings.Join(parts, "/")
	}
	return map[string][]partition{"partitions": list}
}

// showExtendedJSON is SHOW TABLE EXTENDED.
func (s *Session) showExtendedJSON(ctx context.Context, r *Result, n *syntax.Show, db string, names []string) error {
	list := []map[string]any{}
	for t, err := range s.shownTables(ctx, db, names) {
		if err != nil {
			return err
		}
		part, err := s.chosenPartition(ctx, t, n.Partition)
		if err != nil {
			return err
		}
		sd := &t.Storage
		if part != nil {
			sd = &part.Storage
		}
		one := map[string]any{"tableName": t.Name, "owner": t.Owner, "location": sd.Location, "inputFormat": sd.InputFormat,
			"outputFormat": sd.OutputFormat, "columns": jsonColumns(sd.Columns), "partitioned": t.Partitioned()}
		if t.Partitioned() {
			one["partitionColumns"] = jsonColumns(t.PartitionKeys)
		}
		list = append(list, one)
	}
	return r.showJSON(map[string]any{"tables": list})
}

// columnJSON is DESCRIBE of one column or a part of it.
func columnJSON(name string, typ hivetype.Type, stats [][]string) any {
	answer := map[string]any{"name": name, "type": typ.String(), "comment": fromDeserializer}
	for _, row := range stats {
		key, value := strings.TrimSpace(row[0]), strings.ReplaceAll(strings.TrimSpace(row[1]), `\"`, `"`)
		if key != "col_name" && key != "data_type" && key != "comment" && value != "" {
			answer[key] = value
		}
	}
	return map[string]any{"columns": []any{answer}}
}
