package sqlstore

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/skepdata/skep/metastore"
)

// formatVersion is the version of the stream that Export writes. In 1, details of tables were in
// parameters; before 3, there were no roles and privileges.
const formatVersion = 3

// Counts are how many things there are of each kind.
type Counts struct {
	Databases  int64 `json:"databases"`
	Tables     int64 `json:"tables"`
	Partitions int64 `json:"partitions"`
	Functions  int64 `json:"functions"`
	Changes    int64 `json:"changes"`
	Roles      int64 `json:"roles"`
	Privileges int64 `json:"privileges"`
}

// record is one line of an export. Exactly one field is set.
type record struct {
	Header      *headerJSON            `json:"skep_metastore,omitempty"`
	Database    *databaseJSON          `json:"database,omitempty"`
	Function    *metastore.Function    `json:"function,omitempty"`
	Table       *tableJSON             `json:"table,omitempty"`
	WriteID     int64                  `json:"write_id,omitempty"`    // the greatest of the last table
	Constraints []metastore.Constraint `json:"constraints,omitempty"` // of the last table
	Statistics  *metastore.Statistics  `json:"statistics,omitempty"`  // of it or of a partition of it
	Storage     *descriptorJSON        `json:"storage,omitempty"`     // numbered from 0 within the last table
	Partition   *partitionJSON         `json:"partition,omitempty"`   // of the last table
	Role        *metastore.Role        `json:"role,omitempty"`
	RoleGrant   *metastore.RoleGrant   `json:"role_grant,omitempty"`
	Privilege   *metastore.Privilege   `json:"privilege,omitempty"`
	Change      *changeJSON            `json:"change,omitempty"`
	End         *Counts                `json:"end,omitempty"`
}

type headerJSON struct {
	Format     int   `json:"format"`
	KeepDays   int64 `json:"keep_days"`
	LastChange int64 `json:"last_change"`
}

type changeJSON struct {
	changeRow
	Was    json.RawMessage `json:"was,omitempty"`
	Became json.RawMessage `json:"became,omitempty"`
}

// Export writes everything but locks and transactions, as it is at one moment, as lines of JSON: a header,
// databases with their functions and tables with what belongs to them, in order of name, roles and
// privileges, the change log, and the numbers of all. It is the same for every database, and streams.
func (s *Store) Export(ctx context.Context, w io.Writer) (Counts, error) {
	e := exporter{w: bufio.NewWriterSize(w, 1<<16)}
	err := s.view(ctx, func(r reader) error { return e.all(ctx, r) }, func() bool { return e.begun })
	if err == nil {
		err = e.w.Flush()
	}
	if err != nil {
		return e.n, fmt.Errorf("export metastore %s: %w", s.where, err)
	}
	return e.n, nil
}

type exporter struct {
	w     *bufio.Writer
	begun bool
	n     Counts
}

func (e *exporter) line(r record) error {
	e.begun = true
	if _, err := e.w.WriteString(encode(r)); err != nil {
		return err
	}
	return e.w.WriteByte('\n')
}

func (e *exporter) all(ctx context.Context, r reader) error {
	h := headerJSON{Format: formatVersion}
	if err := r.one(ctx, `SELECT keep_days, last_change FROM store WHERE one = 1`, nil, &h.KeepDays, &h.LastChange); err != nil {
		return err
	}
	if err := e.line(record{Header: &h}); err != nil {
		return err
	}
	dbs, err := r.Databases(ctx, "")
	if err != nil {
		return err
	}
	for _, db := range dbs {
		if err := e.database(ctx, r, db); err != nil {
			return err
		}
	}
	if err := e.privileges(ctx, r); err != nil {
		return err
	}
	for c, err := range r.changeRows(ctx, 0) {
		if err != nil {
			return err
		}
		e.n.Changes++
		if err := e.line(record{Change: &changeJSON{c, json.RawMessage(c.was), json.RawMessage(c.became)}}); err != nil {
			return err
		}
	}
	return e.line(record{End: &e.n})
}

// privileges writes roles, who has them, and privileges.
func (e *exporter) privileges(ctx context.Context, r reader) error {
	roles, err := r.Roles(ctx)
	if err != nil {
		return err
	}
	for _, role := range roles {
		e.n.Roles++
		if err := e.line(record{Role: role}); err != nil {
			return err
		}
	}
	grants, err := r.RoleGrants(ctx, "", metastore.Principal{})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := e.line(record{RoleGrant: g}); err != nil {
			return err
		}
	}
	for p, err := range r.Privileges(ctx, metastore.PrivilegeFilter{}) {
		if err != nil {
			return err
		}
		e.n.Privileges++
		if err := e.line(record{Privilege: p}); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) database(ctx context.Context, r reader, name string) error {
	d, err := r.Database(ctx, name)
	if err != nil {
		return err
	}
	e.n.Databases++
	if err := e.line(record{Database: encodeDatabase(d)}); err != nil {
		return err
	}
	fs, err := r.Functions(ctx, name, "")
	if err != nil {
		return err
	}
	for _, f := range fs {
		e.n.Functions++
		if err := e.line(record{Function: f}); err != nil {
			return err
		}
	}
	after, n := "", tablePage
	for n == tablePage {
		var page []*metastore.Table
		if page, n, err = r.tablesAfter(ctx, name, after, "", &after); err != nil {
			return err
		}
		for _, t := range page {
			if err := e.table(ctx, r, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *exporter) table(ctx context.Context, r reader, t *metastore.Table) error {
	e.n.Tables++
	if err := e.line(record{Table: encodeTable(t)}); err != nil {
		return err
	}
	id, err := r.WriteID(ctx, t.TableName)
	if err != nil {
		return err
	}
	if id > 0 {
		if err := e.line(record{WriteID: id}); err != nil {
			return err
		}
	}
	cs, err := r.Constraints(ctx, t.TableName)
	if err != nil {
		return err
	}
	if len(cs) > 0 {
		if err := e.line(record{Constraints: cs}); err != nil {
			return err
		}
	}
	s, err := r.TableStatistics(ctx, t.TableName)
	if err != nil {
		return err
	}
	if len(s.Columns) > 0 {
		if err := e.line(record{Statistics: s}); err != nil {
			return err
		}
	}
	if !t.Partitioned() {
		return nil
	}
	if err := e.partitions(ctx, r, t.TableName); err != nil {
		return err
	}
	for s, err := range r.Statistics(ctx, t.TableName, nil) {
		if err != nil {
			return err
		}
		if err := e.line(record{Statistics: s}); err != nil {
			return err
		}
	}
	return nil
}

// partitions writes those of a table, each descriptor before the first that has it.
func (e *exporter) partitions(ctx context.Context, r reader, name metastore.TableName) error {
	numbers := map[string]int{}
	for p, err := range r.Partitions(ctx, name, nil) {
		if err != nil {
			return err
		}
		d := descriptorOf(&p.Storage)
		text := encode(d)
		n, ok := numbers[text]
		if !ok {
			n = len(numbers)
			numbers[text] = n
			if err := e.line(record{Storage: &d}); err != nil {
				return err
			}
		}
		e.n.Partitions++
		j := partitionJSON{p.Values, n, p.Storage.Location, p.Parameters, p.CreateTime.UnixMicro()}
		if err := e.line(record{Partition: &j}); err != nil {
			return err
		}
	}
	return nil
}
