package hiveql

import (
	"context"
	"errors"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// canonical is a location as the user wrote it, in the form that is kept: a URL that does not
// depend on the working directory or on what hdfs:// stands for, without a slash at the end.
func (s *Session) canonical(ctx context.Context, location string) (string, error) {
	loc, err := s.cfg.Storage.Open(ctx, location)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(loc.URL(), "/"), nil
}

// managedLocationParam holds what MANAGEDLOCATION says of a database.
const managedLocationParam = hiddenParams + "managed_location"

// tablesLocation is where the tables of a database go.
func (s *Session) tablesLocation(d *metastore.Database, t metastore.TableType) string {
	if place := d.Parameters[managedLocationParam]; place != "" && t == metastore.Managed {
		return place
	}
	return s.databaseLocation(d)
}

// databaseLocation is where the tables of a database go, if no other place is said.
func (s *Session) databaseLocation(d *metastore.Database) string {
	if d.Location != "" {
		return strings.TrimSuffix(d.Location, "/")
	}
	if d.Name == metastore.DefaultDatabase {
		return s.cfg.Warehouse
	}
	return s.cfg.Warehouse + "/" + d.Name + ".db"
}

func (s *Session) createDatabase(ctx context.Context, n *syntax.CreateDatabase) error {
	d := &metastore.Database{
		Name: n.Name.Object(), Owner: s.cfg.User, CreateTime: s.cfg.Now(), Parameters: map[string]string{},
	}
	if n.Comment != nil {
		d.Comment = *n.Comment
	}
	setProperties(d.Parameters, n.Properties)
	location := s.databaseLocation(d)
	if n.Location != nil {
		location = *n.Location
	}
	var err error
	if d.Location, err = s.canonical(ctx, location); err != nil {
		return err
	}
	if n.ManagedLocation != nil {
		place, err := s.canonical(ctx, *n.ManagedLocation)
		if err != nil {
			return err
		}
		d.Parameters[managedLocationParam] = place
	}
	err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return tx.CreateDatabase(ctx, d) })
	if errors.Is(err, metastore.ErrExists) {
		if n.IfNotExists {
			return nil
		}
		return ddlFailed("Database %s already exists%w", d.Name, quiet(err))
	}
	return err
}

// quiet lets an error be found by errors.Is without being printed: the sentence around it says
// what it says.
func quiet(err error) error { return quietError{err} }

type quietError struct{ err error }

func (quietError) Error() string   { return "" }
func (e quietError) Unwrap() error { return e.err }

func (s *Session) dropDatabase(ctx context.Context, n *syntax.DropDatabase) error {
	name := n.Name.Object()
	if name == metastore.DefaultDatabase {
		return ddlFailed("Can not drop default database")
	}
	db, err := s.cfg.Store.Database(ctx, name)
	if errors.Is(err, metastore.ErrNoSuchDatabase) && n.IfExists {
		return nil
	}
	if err != nil {
		return s.databaseError(&n.Name, name, err)
	}
	if err := s.recoverIntentsOf(ctx, db, s.tablesLocation(db, metastore.Managed), s.databaseLocation(db)); err != nil {
		return err
	}
	if n.Cascade {
		if err := s.dropTemporary(ctx, name); err != nil {
			return err
		}
		tables, err := s.cfg.Store.Tables(ctx, name, "")
		if err != nil {
			return err
		}
		for _, t := range tables {
			err := s.dropTable(ctx, metastore.TableName{Database: name, Name: t})
			if err != nil && !errors.Is(err, metastore.ErrNoSuchTable) {
				return err
			}
		}
	}
	if err := s.finishAllDropped(ctx, name); err != nil { // nobody would know of it
		return err
	}
	err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		if err := leaveRecords(ctx, tx, name); err != nil {
			return err
		}
		return tx.DropDatabase(ctx, name)
	})
	if errors.Is(err, metastore.ErrNotEmpty) {
		e := ddlFailed("Database %s is not empty. One or more tables exist.%w", name, quiet(err))
		e.Hint = "drop its tables first, or use DROP DATABASE " + name + " CASCADE"
		return e
	}
	if err != nil {
		return err
	}
	if s.db == name {
		s.db = metastore.DefaultDatabase
	}
	for n := range s.cleanups {
		if c := &s.cleanups[n]; c.dropped && c.table.Database == name {
			c.table.Database = metastore.DefaultDatabase
		}
	}
	return s.dropTemporary(ctx, name)
}

func (s *Session) alterDatabase(ctx context.Context, n *syntax.AlterDatabase) error {
	name := n.Name.Object()
	location := ""
	if n.Location != nil {
		var err error
		if location, err = s.canonical(ctx, *n.Location); err != nil {
			return err
		}
	}
	managed := ""
	if n.ManagedLocation != nil {
		var err error
		if managed, err = s.canonical(ctx, *n.ManagedLocation); err != nil {
			return err
		}
	}
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		d, err := tx.Database(ctx, name)
		if err != nil {
			return err
		}
		if d.Parameters == nil {
			d.Parameters = map[string]string{}
		}
		setProperties(d.Parameters, n.Properties)
		if location != "" {
			d.Location = location
		}
		if managed != "" {
			d.Parameters[managedLocationParam] = managed
		}
		if _, owner, ok := strings.Cut(n.Owner, " "); ok {
			d.Owner = owner
		}
		return tx.AlterDatabase(ctx, d)
	})
	return s.databaseError(&n.Name, name, err)
}
