package hms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// addTables adds the methods that read tables.
func (s *Service) addTables(t *thrift.Service) {
	thrift.Handle(t, "get_table", func(ctx context.Context, a *tableArgs) (*table, error) {
		return s.table(ctx, a.DB, a.Table)
	}, throwsMN...)
	thrift.Handle(t, "get_table_req", func(ctx context.Context, a *requestArgs[getTableRequest]) (*getTableResult, error) {
		if err := knownCatalog(a.Request.CatName); err != nil {
			return nil, err
		}
		found, err := s.table(ctx, a.Request.DbName, a.Request.TblName)
		return &getTableResult{Table: found}, err
	}, throwsMN...)
	thrift.Handle(t, "get_table_objects_by_name", func(ctx context.Context, a *struct {
		DB    string   `thrift:"1"`
		Names []string `thrift:"2"`
	}) (*thrift.Spool, error) {
		return s.tablesByName(ctx, a.DB, a.Names)
	}, throwsMPD...)
	thrift.Handle(t, "get_table_objects_by_name_req", func(ctx context.Context, a *requestArgs[getTablesRequest]) (*tablesResult, error) {
		r := a.Request
		if err := knownCatalog(r.CatName); err != nil {
			return nil, &unknownDB{err.Error()}
		}
		if r.TblNames == nil {
			return nil, &invalidOperation{r.DbName + " cannot find null tables"}
		}
		spool, err := s.tablesByName(ctx, r.DbName, r.TblNames)
		return &tablesResult{spool}, err
	}, throwsMPD...)
	s.addTableNames(t)
	s.addFields(t)
	s.addViews(t)
}

// addTableNames adds the methods that list tables by their names.
func (s *Service) addTableNames(t *thrift.Service) {
	thrift.Handle(t, "get_all_tables", func(ctx context.Context, a *oneName) ([]string, error) {
		return s.tableNames(ctx, a.Name, "", "")
	}, throwsM...)
	thrift.Handle(t, "get_tables", func(ctx context.Context, a *tableArgs) ([]string, error) {
		return s.tableNames(ctx, a.DB, a.Table, "")
	}, throwsM...)
	thrift.Handle(t, "get_tables_by_type", func(ctx context.Context, a *struct {
		DB      string `thrift:"1"`
		Pattern string `thrift:"2"`
		Type    string `thrift:"3"`
	}) ([]string, error) {
		return s.tableNames(ctx, a.DB, a.Pattern, a.Type)
	}, throwsM...)
	thrift.Handle(t, "get_table_meta", s.tableMeta, throwsM...)
	thrift.Handle(t, "get_tables_ext", func(ctx context.Context, a *requestArgs[getTablesExtRequest]) ([]*extendedTableInfo, error) {
		return s.extendedTables(ctx, &a.Request)
	}, throwsM...)
	thrift.Handle(t, "get_table_names_by_filter", func(ctx context.Context, a *struct {
		DB     string `thrift:"1"`
		Filter string `thrift:"2"`
		Max    *int16 `thrift:"3"`
	}) ([]string, error) {
		return s.tableNamesByFilter(ctx, a.DB, a.Filter, limitOf(a.Max))
	}, throwsMPD...)
}

type tablesResult struct {
	Tables *thrift.Spool `thrift:"1"`
}

func (s *Service) extendedTables(ctx context.Context, r *getTablesExtRequest) ([]*extendedTableInfo, error) {
	if err := knownCatalog(r.Catalog); err != nil {
		return nil, err
	}
	names, err := s.tableNames(ctx, r.Database, r.TableNamePattern, "")
	infos := []*extendedTableInfo{}
	for _, name := range names {
		if r.Limit > 0 && len(infos) == int(r.Limit) {
			break
		}
		infos = append(infos, &extendedTableInfo{TblName: name})
	}
	return infos, err
}

func (s *Service) table(ctx context.Context, db, name string) (*table, error) {
	t, err := s.stored(ctx, db, name)
	if err != nil {
		return nil, err
	}
	if t, err = s.shared(ctx, t); err != nil {
		return nil, err
	}
	return wireTable(t), nil
}

// sharedFor is how long a note that a table is shared is not made again.
const sharedFor = time.Hour

// shared notes that a client has looked a managed table up, as it does before it reads or writes
// its files: hiveql lists the files of such a table for some time, and does not rely on knowing them.
// A Remote is a hiveql. It gives the table as it then is.
func (s *Service) shared(ctx context.Context, t *metastore.Table) (*metastore.Table, error) {
	if own(ctx) || s.ReadOnly || t.Type != metastore.Managed || t.Parameters["table_type"] != "" {
		return t, nil
	}
	now := time.Now()
	at, err := strconv.ParseInt(t.Parameters[metastore.SharedParameter], 10, 64)
	if err == nil && now.Sub(time.Unix(at, 0)) < sharedFor {
		return t, nil
	}
	name := t.TableName
	err = s.Store.Update(ctx, func(tx metastore.Tx) error {
		var err error
		if t, err = tx.Table(ctx, name); err != nil {
			return missing(err, name.Database, name.Name)
		}
		if t.Parameters == nil {
			t.Parameters = map[string]string{}
		}
		t.Parameters[metastore.SharedParameter] = strconv.FormatInt(now.Unix(), 10)
		delete(t.Parameters, metastore.TrackingParameter)
		if err := tx.AlterTable(ctx, name, t); err != nil {
			return err
		}
		t, err = tx.Table(ctx, name)
		return err
	})
	return t, err
}

// stored finds a table; that there is none is a NoSuchObjectException.
func (s *Service) stored(ctx context.Context, db, name string) (*metastore.Table, error) {
	n, err := tableName(db, name)
	if err != nil {
		return nil, err
	}
	t, err := s.store(ctx).Table(ctx, n)
	if err != nil {
		return nil, missing(err, n.Database, n.Name)
	}
	return t, nil
}

// tablesByName finds the tables of the names that exist, once each.
func (s *Service) tablesByName(ctx context.Context, db string, names []string) (*thrift.Spool, error) {
	spool := thrift.NewSpool[*table](ctx)
	database, err := databaseName(db)
	if err != nil {
		return nil, err
	}
	if _, err := s.store(ctx).Database(ctx, database); err != nil {
		if errors.Is(err, metastore.ErrNoSuchDatabase) {
			err = &unknownDB{fmt.Sprintf("Could not find database %s.%s", catalog, database)}
		}
		return nil, err
	}
	seen := map[metastore.TableName]bool{}
	for _, name := range names {
		n, err := tableName(database, name)
		if err != nil {
			return nil, err
		}
		if seen[n] {
			continue
		}
		seen[n] = true
		t, err := s.store(ctx).Table(ctx, n)
		if errors.Is(err, metastore.ErrNoSuchTable) || errors.Is(err, metastore.ErrNoSuchDatabase) {
			continue
		}
		if err == nil {
			err = spool.Add(wireTable(t))
		}
		if err != nil {
			return nil, err
		}
	}
	return spool, nil
}

// tableNames lists names; a database that does not exist has none.
func (s *Service) tableNames(ctx context.Context, db, text, kind string) ([]string, error) {
	database, err := databaseName(db)
	if err != nil {
		return nil, err
	}
	p, err := newPattern(text)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		return s.filterTables(ctx, database, p, func(t *metastore.Table) bool { return string(t.Type) == kind })
	}
	names, err := s.store(ctx).Tables(ctx, database, simple(text))
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return []string{}, nil
	}
	return p.filter(names), err
}

// filterTables lists the tables of a database that match a pattern and fit.
func (s *Service) filterTables(
	ctx context.Context, db string, p pattern, fits func(*metastore.Table) bool,
) ([]string, error) {
	kept := []string{}
	for t, err := range s.store(ctx).AllTables(ctx, db, "") {
		if err != nil {
			return nil, err
		}
		if p.match(t.Name) && fits(t) {
			kept = append(kept, t.Name)
		}
	}
	return kept, nil
}

type tableMetaArgs struct {
	Databases string   `thrift:"1"`
	Tables    string   `thrift:"2"`
	Types     []string `thrift:"3"`
}

func (s *Service) tableMeta(ctx context.Context, a *tableMetaArgs) (*thrift.Spool, error) {
	text, err := databaseName(a.Databases)
	if err != nil {
		return nil, err
	}
	databases, err := newPattern(text)
	if err != nil {
		return nil, err
	}
	tables, err := newPattern(a.Tables)
	if err != nil {
		return nil, err
	}
	spool := thrift.NewSpool[*tableMeta](ctx)
	for t, err := range s.store(ctx).AllTables(ctx, simple(text), simple(a.Tables)) {
		if err == nil && databases.match(t.Database) && tables.match(t.Name) &&
			(len(a.Types) == 0 || slices.Contains(a.Types, string(t.Type))) {
			err = spool.Add(&tableMeta{
				DbName: t.Database, TableName: t.Name, TableType: string(t.Type), Comments: t.Parameters["comment"],
				CatName: catalog,
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return spool, nil
}

// addFields adds the methods that give columns only.
func (s *Service) addFields(t *thrift.Service) {
	fields := func(ctx context.Context, db, name string, keys bool) ([]*fieldSchema, error) {
		t, err := s.stored(ctx, db, name)
		var none *noSuchObject
		if errors.As(err, &none) {
			return nil, &unknownTable{none.Message}
		}
		if err != nil {
			return nil, err
		}
		out := wireColumns(t.Storage.Columns)
		if keys {
			out = append(out, wireColumns(t.PartitionKeys)...)
		}
		return out, nil
	}
	for name, keys := range map[string]bool{"get_fields": false, "get_schema": true} {
		thrift.Handle(t, name, func(ctx context.Context, a *tableArgs) ([]*fieldSchema, error) {
			return fields(ctx, a.DB, a.Table, keys)
		}, throwsMTD...)
		thrift.Handle(t, name+"_with_environment_context", func(ctx context.Context, a *tableContextArgs) ([]*fieldSchema, error) {
			return fields(ctx, a.DB, a.Table, keys)
		}, throwsMTD...)
		thrift.Handle(t, name+"_req", func(ctx context.Context, a *requestArgs[getFieldsRequest]) (*listOf[*fieldSchema], error) {
			f, err := fields(ctx, a.Request.DbName, a.Request.TblName, keys)
			return &listOf[*fieldSchema]{f}, err
		}, throwsMTD...)
	}
}

// addViews adds the methods for materialized views, of which there are none.
func (s *Service) addViews(t *thrift.Service) {
	thrift.Handle(t, "get_materialized_views_for_rewriting", func(context.Context, *oneName) ([]string, error) {
		return nil, nil
	}, throwsM...)
	thrift.Handle(t, "get_all_materialized_view_objects_for_rewriting", func(context.Context, *noArgs) ([]*table, error) {
		return nil, nil
	}, throwsM...)
}

// limitOf reads a largest number of results: none is what clients write as -1.
func limitOf[T int16 | int32 | int64](n *T) int {
	if n == nil || *n < 0 {
		return -1
	}
	return int(*n)
}
