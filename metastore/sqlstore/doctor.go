package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
)

// Info is what there is in a metastore.
type Info struct {
	Product      string // SQLite, PostgreSQL or MySQL
	Where        string // a path, or host:port/database
	Schema       int
	UUID         string
	Counts       Counts
	Views        int64
	Descriptors  int64
	Locks        int64
	LastChange   int64
	FirstChange  int64 // of those that are kept; 0 where there is none
	KeepDays     int64
	NewestSchema int
}

// Info counts what there is.
func (s *Store) Info(ctx context.Context) (*Info, error) {
	i := &Info{Product: s.d.name, Where: s.where}
	err := s.view(ctx, func(r reader) error {
		for query, dest := range map[string]*int64{
			`SELECT count(*) FROM dbs`:                                &i.Counts.Databases,
			`SELECT count(*) FROM tables`:                             &i.Counts.Tables,
			`SELECT count(*) FROM tables WHERE type = 'VIRTUAL_VIEW'`: &i.Views,
			`SELECT count(*) FROM partitions`:                         &i.Counts.Partitions,
			`SELECT count(*) FROM functions`:                          &i.Counts.Functions,
			`SELECT count(*) FROM roles`:                              &i.Counts.Roles,
			`SELECT count(*) FROM privileges`:                         &i.Counts.Privileges,
			`SELECT count(*) FROM descriptors`:                        &i.Descriptors,
			`SELECT count(*) FROM locks`:                              &i.Locks,
			`SELECT count(*) FROM changes`:                            &i.Counts.Changes,
			`SELECT coalesce(min(id), 0) FROM changes`:                &i.FirstChange,
		} {
			if err := r.one(ctx, query, nil, dest); err != nil {
				return err
			}
		}
		return r.one(ctx, `SELECT uuid, last_change, keep_days FROM store WHERE one = 1`, nil, &i.UUID, &i.LastChange, &i.KeepDays)
	}, nil)
	if err == nil {
		i.Schema, i.NewestSchema, err = s.Version(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("look at metastore %s: %w", s.where, err)
	}
	return i, nil
}

// Problem is something that Check has found.
type Problem struct {
	Object string // default.t, default.t/ds=1, or a number of a row
	What   string
	Do     string // about it
	Usual  bool   // what the store leaves behind where nothing went wrong, and goes on well with
}

// orphans are rows that belong to something which is not there.
func orphans() []struct{ what, from string } {
	return []struct{ what, from string }{
		{"partitions of a table that does not exist",
			`partitions WHERE table_id NOT IN (SELECT id FROM tables)`},
		{"statistics of a table that does not exist",
			`column_stats WHERE table_id NOT IN (SELECT id FROM tables)`},
		{"constraints of a table that does not exist",
			`table_constraints WHERE table_id NOT IN (SELECT id FROM tables)`},
		{"storage descriptors of a table that does not exist",
			`descriptors WHERE table_id NOT IN (SELECT id FROM tables)`},
		{"functions of a database that does not exist",
			`functions WHERE database_id NOT IN (SELECT id FROM dbs)`},
		{"privileges on a database or table that does not exist",
			`privileges WHERE table_id <> 0 AND table_id NOT IN (SELECT id FROM tables) OR
			  database_id <> 0 AND database_id NOT IN (SELECT id FROM dbs)`},
		{"privileges on a partition that does not exist",
			`privileges WHERE partition_name <> '' AND table_id IN (SELECT id FROM tables) AND NOT EXISTS (SELECT 1 FROM partitions p
			  WHERE p.table_id = privileges.table_id AND p.name = privileges.partition_name)`},
		{"privileges of a role that does not exist",
			`privileges WHERE principal_type = 'ROLE' AND principal NOT IN (SELECT name FROM roles)`},
		{"grants of or to a role that does not exist",
			`role_grants WHERE role NOT IN (SELECT name FROM roles) OR
			  principal_type = 'ROLE' AND principal NOT IN (SELECT name FROM roles)`},
		{"statistics of a partition that does not exist",
			`column_stats WHERE partition_name <> '' AND NOT EXISTS (SELECT 1 FROM partitions p
			  WHERE p.table_id = column_stats.table_id AND p.name = column_stats.partition_name)`},
	}
}

// unused are storage descriptors of what has been altered since: nobody looks for other uses when it is.
const unused = `descriptors WHERE table_id IN (SELECT id FROM tables) AND id NOT IN (SELECT descriptor_id FROM tables)
  AND id NOT IN (SELECT descriptor_id FROM partitions)`

func unusedDescriptors(ctx context.Context, r reader) ([]Problem, error) {
	var n int64
	if err := r.one(ctx, `SELECT count(*) FROM `+unused, nil, &n); err != nil || n == 0 {
		return nil, err
	}
	return []Problem{{"descriptors", fmt.Sprintf("%d rows: storage descriptors that nothing uses any more, as ALTER TABLE leaves them", n), doRepair, true}}, nil
}

// Check looks for what should not be: rows that belong to nothing, tables and partitions without
// what they need, partitions whose names are not those of their values, and counters that lag
// behind. With repair it removes what belongs to nothing.
func (s *Store) Check(ctx context.Context, repair bool) ([]Problem, error) {
	var found []Problem
	add := func(object, what, do string) { found = append(found, Problem{Object: object, What: what, Do: do}) }
	err := s.view(ctx, func(r reader) (err error) {
		if found, err = unusedDescriptors(ctx, r); err != nil {
			return err
		}
		for _, check := range []func(context.Context, reader, func(object, what, do string)) error{
			checkOrphans, checkTables, checkCounters, checkLocks, checkPartitions,
		} {
			if err := check(ctx, r, add); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	if err == nil && repair {
		err = s.Update(ctx, func(m metastore.Tx) error {
			t := m.(*tx)
			t.wrote = true
			for _, o := range orphans() {
				if _, err := t.exec(ctx, `DELETE FROM `+o.from); err != nil {
					return err
				}
			}
			if _, err := t.exec(ctx, `DELETE FROM `+unused); err != nil {
				return err
			}
			_, err := t.exec(ctx, `DELETE FROM locks WHERE expires < ?`, time.Now().UnixMicro())
			return err
		})
	}
	if err != nil {
		return found, fmt.Errorf("check metastore %s: %w", s.where, err)
	}
	return found, nil
}

const doRepair = "hiveql metastore doctor --repair removes them"

func checkOrphans(ctx context.Context, r reader, add func(object, what, do string)) error {
	for _, o := range orphans() {
		var n int64
		if err := r.one(ctx, `SELECT count(*) FROM `+o.from, nil, &n); err != nil {
			return err
		}
		if n > 0 {
			add(strings.Fields(o.from)[0], fmt.Sprintf("%d rows: %s", n, o.what), doRepair)
		}
	}
	return nil
}

func checkTables(ctx context.Context, r reader, add func(object, what, do string)) error {
	err := r.each(ctx, func(scan func(...any) error) error {
		var id int64
		var name string
		err := scan(&id, &name)
		add(name, fmt.Sprintf("table %d is of a database that does not exist", id),
			"create a database and set tables.database_id to its id, or delete the row")
		return err
	}, `SELECT id, name FROM tables WHERE database_id NOT IN (SELECT id FROM dbs)`)
	if err != nil {
		return err
	}
	return r.each(ctx, func(scan func(...any) error) error {
		var db, name string
		err := scan(&db, &name)
		add(db+"."+name, "the storage descriptor of the table is missing", "set tables.descriptor_id to that of a partition, or restore a backup")
		return err
	}, `
SELECT b.name, t.name FROM dbs b JOIN tables t ON t.database_id = b.id
 WHERE NOT EXISTS (SELECT 1 FROM descriptors d WHERE d.table_id = t.id AND d.id = t.descriptor_id) ORDER BY b.name, t.name`)
}

func checkCounters(ctx context.Context, r reader, add func(object, what, do string)) error {
	var next, last, ids, changes int64
	err := r.one(ctx, `
SELECT next_id, last_change, (SELECT coalesce(max(id), 0) FROM changes),
       (SELECT coalesce(max(id), 0) FROM (SELECT max(id) AS id FROM dbs UNION SELECT max(id) FROM tables
        UNION SELECT max(id) FROM descriptors UNION SELECT max(id) FROM locks UNION SELECT max(id) FROM txns
        UNION SELECT max(id) FROM privileges) AS ids)
  FROM store WHERE one = 1`, nil, &next, &last, &changes, &ids)
	if err != nil {
		return err
	}
	if next <= ids {
		add("store", fmt.Sprintf("next_id is %d, and %d is in use", next, ids), fmt.Sprintf("UPDATE store SET next_id = %d", ids+1))
	}
	if last < changes {
		add("store", fmt.Sprintf("last_change is %d, and there is a change %d", last, changes), fmt.Sprintf("UPDATE store SET last_change = %d", changes))
	}
	return nil
}

func checkLocks(ctx context.Context, r reader, add func(object, what, do string)) error {
	var n int64
	err := r.one(ctx, `SELECT count(*) FROM locks WHERE expires < ?`, with(time.Now().UnixMicro()), &n)
	if err == nil && n > 0 {
		add("locks", fmt.Sprintf("%d locks have expired", n), doRepair)
	}
	return err
}

// checkPartitions looks at each partition.
func checkPartitions(ctx context.Context, r reader, add func(object, what, do string)) error {
	for t, err := range r.AllTables(ctx, "", "") {
		if err != nil {
			return err
		}
		row, err := r.tableRow(ctx, t.TableName)
		if err != nil {
			return err
		}
		err = r.each(ctx, func(scan func(...any) error) error {
			var name string
			var descriptor *int64
			var k [keyColumns]*string
			if err := scan(&name, &k[0], &k[1], &k[2], &k[3], &descriptor); err != nil {
				return err
			}
			object := t.TableName.String() + "/" + name
			if descriptor == nil {
				add(object, "its storage descriptor is missing", "drop the partition and add it again")
			}
			if what := row.wrongName(name, k); what != "" {
				add(object, what, "drop the partition and add it again under its right name; MSCK REPAIR finds its files")
			}
			return nil
		}, `
SELECT p.name, p.k0, p.k1, p.k2, p.k3, d.id FROM partitions p
  LEFT JOIN descriptors d ON d.table_id = p.table_id AND d.id = p.descriptor_id WHERE p.table_id = ? ORDER BY p.name`, row.id)
		if err != nil {
			return err
		}
	}
	return nil
}

// wrongName says what is wrong with the name of a partition, if something is.
func (row tableRow) wrongName(name string, k [keyColumns]*string) string {
	values, err := row.keys.ParseName(name)
	if err != nil {
		return err.Error()
	}
	if right, err := row.keys.Name(values); err != nil || right != name {
		return "it should be called " + right
	}
	for i, key := range row.keys {
		if _, err := key.Normalize(values[i]); err != nil {
			return err.Error()
		}
	}
	for i, want := range row.sortValues(values) {
		text, ok := want.(string)
		if (k[i] != nil) != ok || ok && *k[i] != text {
			return fmt.Sprintf("its key %d is kept under another value, so that conditions do not find it", i+1)
		}
	}
	return ""
}

// Place is where a table or a partition lies.
type Place struct{ Object, Location string }

// Places yields every location of tables and partitions, in order of name.
func (s *Store) Places(ctx context.Context) iter.Seq2[Place, error] {
	return func(yield func(Place, error) bool) {
		for t, err := range s.AllTables(ctx, "", "") {
			if err != nil {
				yield(Place{}, err)
				return
			}
			if t.Storage.Location != "" && !yield(Place{t.TableName.String(), t.Storage.Location}, nil) {
				return
			}
			for p, err := range s.Partitions(ctx, t.TableName, nil) {
				if err != nil {
					yield(Place{}, err)
					return
				}
				name, err := t.Keys().Name(p.Values)
				if !yield(Place{t.TableName.String() + "/" + name, p.Storage.Location}, err) || err != nil {
					return
				}
			}
		}
	}
}
