package sqlstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/metastore"
)

// Import reads what Export has written into a metastore in which there is nothing yet, in one
// transaction. It streams. A stream that ends early, and one of a newer program, is refused.
func (s *Store) Import(ctx context.Context, r io.Reader) (n Counts, err error) {
	failed, err := s.attempt(ctx, func(m metastore.Tx) error {
		t := m.(*tx)
		t.wrote, t.quiet = true, true
		im := importer{t: t}
		err := im.all(ctx, r)
		n = im.n
		return err
	})
	if err = errors.Join(failed, err); err != nil {
		return n, fmt.Errorf("import into metastore %s: %w", s.where, err)
	}
	return n, nil
}

type importer struct {
	t        *tx
	n        Counts
	row      tableRow // the last table
	storage  []metastore.StorageDescriptor
	ids      descriptorIDs
	waiting  []partition // to be added together
	format   int
	finished bool
}

func (im *importer) all(ctx context.Context, r io.Reader) error {
	if err := im.empty(ctx); err != nil {
		return err
	}
	dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	dec.DisallowUnknownFields()
	for line := 1; ; line++ {
		var rec record
		err := dec.Decode(&rec)
		switch {
		case errors.Is(err, io.EOF) && im.finished:
			return nil
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("line %d: the export ends early; its last line should count what there is", line)
		case err != nil:
			return fmt.Errorf("line %d: this is no export, or one of a newer skep: %w", line, err)
		case im.finished:
			return fmt.Errorf("line %d: there is something after the end", line)
		case (line == 1) != (rec.Header != nil):
			return fmt.Errorf("line %d: this is no export of a metastore", line)
		}
		if err := im.record(ctx, &rec); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// empty refuses a metastore in which there is something.
func (im *importer) empty(ctx context.Context) error {
	var things int64
	err := im.t.one(ctx, `SELECT (SELECT count(*) FROM dbs WHERE name <> ?) + (SELECT count(*) FROM tables) + (SELECT count(*) FROM functions) +
(SELECT count(*) FROM roles WHERE name <> ? AND name <> ?) + (SELECT count(*) FROM role_grants)`,
		with(metastore.DefaultDatabase, metastore.AdminRole, metastore.PublicRole), &things)
	if err == nil && things > 0 {
		err = errors.New("it is not empty; import into a new one, since nothing is replaced or joined")
	}
	if err == nil {
		_, err = im.t.exec(ctx, `DELETE FROM changes`)
	}
	return err
}

func (im *importer) record(ctx context.Context, rec *record) error {
	if rec.Partition == nil && rec.Storage == nil {
		if err := im.flush(ctx); err != nil {
			return err
		}
	}
	switch {
	case rec.Header != nil:
		return im.header(ctx, rec.Header)
	case rec.Database != nil:
		return im.database(ctx, rec.Database.decode())
	case rec.Function != nil:
		im.n.Functions++
		return im.t.CreateFunction(ctx, rec.Function)
	case rec.Table != nil:
		return im.table(ctx, rec.Table)
	case rec.WriteID > 0:
		return im.t.SetWriteID(ctx, im.row.name, rec.WriteID)
	case rec.Constraints != nil:
		return im.t.AddConstraints(ctx, im.row.name, rec.Constraints)
	case rec.Statistics != nil:
		return im.t.SetStatistics(ctx, im.row.name, rec.Statistics)
	case rec.Storage != nil:
		d, err := rec.Storage.decode("")
		im.storage = append(im.storage, d)
		return err
	case rec.Partition != nil:
		return im.partition(ctx, rec.Partition)
	case rec.Role != nil:
		im.n.Roles++
		return im.t.CreateRole(ctx, rec.Role)
	case rec.RoleGrant != nil:
		return im.t.GrantRole(ctx, rec.RoleGrant)
	case rec.Privilege != nil:
		im.n.Privileges++
		return im.t.GrantPrivileges(ctx, []*metastore.Privilege{rec.Privilege})
	case rec.Change != nil:
		c := rec.Change
		im.n.Changes++
		_, err := im.t.exec(ctx, insertChange, c.ID, c.At, c.Who, c.Kind, c.DB, c.Name, string(c.Was), string(c.Became))
		return err
	case rec.End != nil:
		im.finished = true
		if *rec.End != im.n {
			return fmt.Errorf("the export says that it has %+v, and it has %+v: lines are missing", *rec.End, im.n)
		}
		if im.format < 2 {
			return moveDetails(ctx, im.t.session)
		}
	}
	return nil
}

func (im *importer) header(ctx context.Context, h *headerJSON) error {
	if h.Format > formatVersion {
		return fmt.Errorf("the export has format %d, but this program knows formats up to %d: use a newer skep", h.Format, formatVersion)
	}
	im.t.lastChange, im.format = h.LastChange, h.Format
	if _, err := im.t.exec(ctx, `UPDATE store SET keep_days = ? WHERE one = 1`, h.KeepDays); err != nil || h.Format < 3 {
		return err
	}
	for _, table := range []string{"roles", "privileges"} { // the export has those that every metastore has
		if _, err := im.t.exec(ctx, `DELETE FROM `+table); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) database(ctx context.Context, d *metastore.Database) error {
	im.n.Databases++
	if d.Name == metastore.DefaultDatabase {
		return im.t.AlterDatabase(ctx, d)
	}
	return im.t.CreateDatabase(ctx, d)
}

func (im *importer) table(ctx context.Context, j *tableJSON) error {
	t, err := j.decode()
	if err != nil {
		return err
	}
	if err := t.Validate(); err != nil {
		return err
	}
	im.n.Tables++
	im.storage, im.ids = nil, descriptorIDs{}
	if err := im.t.insertTable(ctx, t); err != nil {
		return fmt.Errorf("table %s: %w", t.TableName, err)
	}
	im.row, err = im.t.tableRow(ctx, t.TableName)
	return err
}

func (im *importer) partition(ctx context.Context, j *partitionJSON) error {
	if j.Storage < 0 || j.Storage >= len(im.storage) {
		return fmt.Errorf("partition %v: there is no storage descriptor %d", j.Values, j.Storage)
	}
	p := j.decode(im.storage[j.Storage])
	part, err := im.row.partition(p)
	if err != nil {
		return err
	}
	im.n.Partitions++
	part.Partition = p
	if im.waiting = append(im.waiting, part); len(im.waiting) < pageSize {
		return nil
	}
	return im.flush(ctx)
}

func (im *importer) flush(ctx context.Context) error {
	if len(im.waiting) == 0 {
		return nil
	}
	err := im.t.insertPartitions(ctx, im.row, im.waiting, im.ids)
	im.waiting = im.waiting[:0]
	return err
}
