package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// The JSON forms. Their field names are part of the schema.
type (
	columnJSON struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Comment string `json:"comment,omitempty"`
	}
	serdeJSON struct {
		Name       string            `json:"name,omitempty"`
		Library    string            `json:"library,omitempty"`
		Parameters map[string]string `json:"parameters,omitempty"`
	}
	sortJSON struct {
		Name string `json:"name"`
		Desc bool   `json:"desc,omitempty"`
	}
	// descriptorJSON is a storage descriptor without its location.
	descriptorJSON struct {
		Columns       []columnJSON      `json:"columns,omitempty"`
		InputFormat   string            `json:"input,omitempty"`
		OutputFormat  string            `json:"output,omitempty"`
		SerDe         serdeJSON         `json:"serde"`
		Compressed    bool              `json:"compressed,omitempty"`
		NumBuckets    int               `json:"buckets,omitempty"`
		BucketColumns []string          `json:"bucket_columns,omitempty"`
		SortColumns   []sortJSON        `json:"sort_columns,omitempty"`
		Skewed        *metastore.Skewed `json:"skewed,omitempty"`
		Parameters    map[string]string `json:"parameters,omitempty"`
	}
)

// encode writes v, which consists of strings, numbers and booleans, as JSON. Maps are in the
// order of their keys, so equal values have equal texts.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sqlstore: %T cannot be encoded: %v", v, err)) // no such type above
	}
	return string(text)
}

func encodeParameters(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	return encode(m)
}

// decodeParameters never returns nil: callers add to what they get.
func decodeParameters(text string) (map[string]string, error) {
	if m, ok := plainParameters(text); ok {
		return m, nil
	}
	m := map[string]string{}
	err := json.Unmarshal([]byte(text), &m)
	return m, err
}

// plainParameters reads what encodeParameters writes of texts without escapes, which is nearly
// everything; partitions by the ten thousand wait for it. Of everything else it says so.
func plainParameters(text string) (map[string]string, bool) {
	if text == "{}" {
		return map[string]string{}, true
	}
	inner, begins := strings.CutPrefix(text, `{"`)
	inner, ends := strings.CutSuffix(inner, `"}`)
	if !begins || !ends || strings.IndexByte(inner, '\\') >= 0 {
		return nil, false
	}
	m := make(map[string]string, strings.Count(inner, `":"`))
	for pair := range strings.SplitSeq(inner, `","`) {
		key, value, ok := strings.Cut(pair, `":"`)
		if !ok || strings.IndexByte(key, '"') >= 0 || strings.IndexByte(value, '"') >= 0 {
			return nil, false
		}
		m[key] = value
	}
	return m, true
}

func encodeColumns(columns []metastore.Column) []columnJSON {
	out := make([]columnJSON, len(columns))
	for i, c := range columns {
		out[i] = columnJSON{strings.ToLower(c.Name), c.Type.String(), c.Comment}
	}
	return out
}

func decodeColumns(columns []columnJSON) ([]metastore.Column, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	out := make([]metastore.Column, len(columns))
	for i, c := range columns {
		t, err := hivetype.Parse(c.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		out[i] = metastore.Column{Name: c.Name, Type: t, Comment: c.Comment}
	}
	return out, nil
}

// descriptorHash is that by which equal descriptors of a table are found.
func descriptorHash(body, base string) string {
	if base != "" {
		body += "\n" + base
	}
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:16])
}

// splitLocation divides the location of a partition into the place that it shares with others, if
// it is in the directory of its name there, and otherwise its own.
func splitLocation(location, name string) (base, own string) {
	if b, ok := strings.CutSuffix(location, "/"+name); ok && b != "" {
		return b, ""
	}
	return "", location
}

// joinLocation is the inverse.
func joinLocation(base, own, name string) string {
	if base != "" && own == "" {
		return base + "/" + name
	}
	return own
}

// encodeDescriptor returns the text of a descriptor, without its location.
func encodeDescriptor(d *metastore.StorageDescriptor) string { return encode(descriptorOf(d)) }

func descriptorOf(d *metastore.StorageDescriptor) descriptorJSON {
	j := descriptorJSON{
		Columns: encodeColumns(d.Columns), InputFormat: d.InputFormat, OutputFormat: d.OutputFormat,
		SerDe:      serdeJSON{d.SerDe.Name, d.SerDe.Library, d.SerDe.Parameters},
		Compressed: d.Compressed, NumBuckets: d.NumBuckets, BucketColumns: d.BucketColumns,
		Skewed: d.Skewed, Parameters: d.Parameters,
	}
	for _, s := range d.SortColumns {
		j.SortColumns = append(j.SortColumns, sortJSON{s.Name, s.Desc})
	}
	return j
}

func decodeDescriptor(body, location string) (metastore.StorageDescriptor, error) {
	var j descriptorJSON
	if err := json.Unmarshal([]byte(body), &j); err != nil {
		return metastore.StorageDescriptor{}, fmt.Errorf("storage descriptor: %w", err)
	}
	return j.decode(location)
}

func (j descriptorJSON) decode(location string) (metastore.StorageDescriptor, error) {
	columns, err := decodeColumns(j.Columns)
	if err != nil {
		return metastore.StorageDescriptor{}, err
	}
	d := metastore.StorageDescriptor{
		Columns: columns, Location: location, InputFormat: j.InputFormat, OutputFormat: j.OutputFormat,
		SerDe: metastore.SerDe{
			Name: j.SerDe.Name, Library: j.SerDe.Library, Parameters: orEmpty(j.SerDe.Parameters),
		},
		Compressed: j.Compressed, NumBuckets: j.NumBuckets, BucketColumns: j.BucketColumns,
		Skewed: j.Skewed, Parameters: orEmpty(j.Parameters),
	}
	for _, s := range j.SortColumns {
		d.SortColumns = append(d.SortColumns, metastore.SortColumn{Name: s.Name, Desc: s.Desc})
	}
	return d, nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// encodeTime keeps microseconds; the zero time is now.
func encodeTime(t time.Time) int64 {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UnixMicro()
}

func decodeTime(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
