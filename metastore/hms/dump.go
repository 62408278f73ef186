package hms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// The file _metadata that Hive's EXPORT writes, and IMPORT reads: a JSON object with the version of
// the format, the table, and the partitions, these as TJSON in strings.

const (
	dumpVersion = "0.2"
	dumpMajor   = "0."
)

// ErrDump says that a file is not what EXPORT writes, or of a version that is not known.
var ErrDump = errors.New("no _metadata of an export")

// Dump is what an exported directory says of its table.
type Dump struct {
	Table      *metastore.Table
	Partitions []*metastore.Partition // with all that the table has, or those that were exported
	// Replication says that the directory was made FOR REPLICATION: what is in it need not be whole.
	Replication bool
}

// dumpFile is the file as it is read.
type dumpFile struct {
	Version     string   `json:"version"`
	Table       string   `json:"table"`
	Partitions  []string `json:"partitions"`
	Replication string   `json:"repl.scope"`
}

// WriteDump writes the file of a table and of some of its partitions. It streams.
func WriteDump(w io.Writer, t *metastore.Table, ps iter.Seq2[*metastore.Partition, error]) error {
	wire := wireTable(t)
	withoutPlaces(wire.Sd)
	text, err := dumpText(wire)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `{"version":%q,"table":%s,"partitions":[`, dumpVersion, text); err != nil {
		return err
	}
	comma := ""
	for p, err := range ps {
		if err != nil {
			return err
		}
		one := wirePartition(t.TableName, p)
		withoutPlaces(one.Sd)
		if text, err = dumpText(one); err != nil {
			return err
		}
		if _, err := io.WriteString(w, comma+text); err != nil {
			return err
		}
		comma = ","
	}
	_, err = io.WriteString(w, "]}")
	return err
}

// withoutPlaces takes out where skewed values were: they are not there in a copy, and TJSON has no
// such maps.
func withoutPlaces(d *storageDescriptor) { d.SkewedInfo.Locations = nil }

// dumpText is a struct as a JSON string.
func dumpText(v any) (string, error) {
	text, err := tjson(v)
	if err != nil {
		return "", err
	}
	quoted, err := json.Marshal(text)
	return string(quoted), err
}

// ReadDump reads such a file. Its error is ErrDump where it is none.
func ReadDump(data []byte) (*Dump, error) {
	fail := func(format string, args ...any) (*Dump, error) {
		return nil, fmt.Errorf("%w: %s", ErrDump, fmt.Sprintf(format, args...))
	}
	var f dumpFile
	if err := json.Unmarshal(data, &f); err != nil {
		return fail("%v", err)
	}
	switch {
	case f.Version == "":
		return fail("Version number missing")
	case !strings.HasPrefix(f.Version, dumpMajor):
		return fail("Producer version %s, Consumer version %s", f.Version, dumpVersion)
	case f.Table == "":
		return fail("there is no table in it")
	}
	var wire table
	if err := fromTJSON(f.Table, &wire); err != nil {
		return fail("its table: %v", err)
	}
	t, err := storeTable(&wire)
	if err != nil {
		return fail("its table: %v", err)
	}
	if t.Name == "" {
		return fail("its table has no name")
	}
	d := &Dump{Table: t, Replication: f.Replication != ""}
	for _, text := range f.Partitions {
		var one partition
		if err := fromTJSON(text, &one); err != nil {
			return fail("a partition: %v", err)
		}
		p, err := storePartition(&one, t)
		if err != nil {
			return fail("a partition: %v", err)
		}
		d.Partitions = append(d.Partitions, p)
	}
	return d, nil
}
