package hms

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// addDatabases adds the methods for databases, and for the catalog that they are in.
func (s *Service) addDatabases(t *thrift.Service) {
	s.addDatabaseReads(t)
	s.addDatabaseChanges(t)
	s.addCatalogs(t)
}

func (s *Service) addDatabaseReads(t *thrift.Service) {
	thrift.Handle(t, "get_all_databases", func(ctx context.Context, _ *noArgs) ([]string, error) {
		return s.store(ctx).Databases(ctx, "")
	}, throwsM...)
	thrift.Handle(t, "get_databases", func(ctx context.Context, a *oneName) ([]string, error) {
		return s.databases(ctx, a.Name)
	}, throwsM...)
	thrift.Handle(t, "get_database", func(ctx context.Context, a *oneName) (*database, error) {
		return s.database(ctx, a.Name)
	}, throwsNM...)
	thrift.Handle(t, "get_database_req", func(ctx context.Context, a *requestArgs[getDatabaseRequest]) (*database, error) {
		if err := knownCatalog(a.Request.CatalogName); err != nil {
			return nil, err
		}
		return s.database(ctx, a.Request.Name)
	}, throwsNM...)
}

func (s *Service) addDatabaseChanges(t *thrift.Service) {
	thrift.Handle(t, "create_database", func(ctx context.Context, a *requestArgs[*database]) (thrift.Void, error) {
		return thrift.Void{}, s.createDatabase(ctx, a.Request)
	}, throwsAOM...)
	thrift.Handle(t, "create_database_req", func(ctx context.Context, a *requestArgs[createDatabaseRequest]) (thrift.Void, error) {
		r := a.Request
		return thrift.Void{}, s.createDatabase(ctx, &database{
			Name: r.DatabaseName, Description: r.Description, LocationURI: r.LocationURI, Parameters: r.Parameters,
			OwnerName: r.OwnerName, OwnerType: r.OwnerType, CatalogName: r.CatalogName, CreateTime: r.CreateTime,
			ManagedLocationURI: r.ManagedLocationURI,
		})
	}, throwsAOM...)
	thrift.Handle(t, "alter_database", func(ctx context.Context, a *struct {
		Name     string    `thrift:"1"`
		Database *database `thrift:"2"`
	}) (thrift.Void, error) {
		return thrift.Void{}, s.alterDatabase(ctx, a.Name, a.Database)
	}, throwsMN...)
	thrift.Handle(t, "alter_database_req", func(ctx context.Context, a *requestArgs[struct {
		Name     string    `thrift:"1"`
		Database *database `thrift:"2"`
	}]) (thrift.Void, error) {
		return thrift.Void{}, s.alterDatabase(ctx, a.Request.Name, a.Request.Database)
	}, throwsMN...)
	thrift.Handle(t, "drop_database", func(ctx context.Context, a *dropDatabaseArgs) (thrift.Void, error) {
		return thrift.Void{}, s.dropDatabase(ctx, a)
	}, throwsNPM...)
	thrift.Handle(t, "drop_database_req", func(ctx context.Context, a *requestArgs[struct {
		Name       string `thrift:"1"`
		Catalog    string `thrift:"2"`
		Ignore     bool   `thrift:"3"`
		DeleteData bool   `thrift:"4"`
		Cascade    bool   `thrift:"5"`
	}]) (thrift.Void, error) {
		r := a.Request
		if err := knownCatalog(r.Catalog); err != nil {
			return thrift.Void{}, err
		}
		err := s.dropDatabase(ctx, &dropDatabaseArgs{r.Name, r.DeleteData, r.Cascade})
		var none *noSuchObject
		if r.Ignore && errors.As(err, &none) {
			err = nil
		}
		return thrift.Void{}, err
	}, throwsNPM...)
}

func (s *Service) databases(ctx context.Context, text string) ([]string, error) {
	text, err := databaseName(text) // Hive 3 puts the catalog before the pattern
	if err != nil {
		return nil, err
	}
	p, err := newPattern(text)
	if err != nil {
		return nil, err
	}
	names, err := s.store(ctx).Databases(ctx, simple(text))
	return p.filter(names), err
}

func (s *Service) database(ctx context.Context, text string) (*database, error) {
	name, err := databaseName(text)
	if err != nil {
		return nil, err
	}
	d, err := s.store(ctx).Database(ctx, name)
	if err != nil {
		return nil, missing(err, name, "")
	}
	return wireDatabase(d, s.location(d)), nil
}

// location is where the tables of a database lie.
func (s *Service) location(d *metastore.Database) string {
	switch {
	case d.Location != "":
		return d.Location
	case d.Name == metastore.DefaultDatabase:
		return s.Warehouse
	}
	return s.Warehouse + "/" + d.Name + ".db"
}

// hiveName is what Hive takes for a name; hiveql takes more.
var hiveName = regexp.MustCompile(`^\w+$`)

func (s *Service) createDatabase(ctx context.Context, in *database) error {
	d, err := storeDatabase(in)
	if err != nil {
		return err
	}
	if !hiveName.MatchString(d.Name) && !own(ctx) {
		return &invalidObject{d.Name + " is not a valid database name"}
	}
	if d.Location == "" {
		d.Location = s.location(d)
	}
	if d.CreateTime.IsZero() {
		d.CreateTime = s.Now()
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return tx.CreateDatabase(ctx, d) })
	if err != nil {
		return cannotCreate(err, "Database "+d.Name)
	}
	s.makeDir(ctx, d.Location)
	return nil
}

func (s *Service) alterDatabase(ctx context.Context, text string, in *database) error {
	name, err := databaseName(text)
	if err != nil {
		return err
	}
	d, err := storeDatabase(in)
	if err != nil {
		return metaf("%v", err) // of what the method may throw, this fits
	}
	if d.Name != name {
		return metaf("a database cannot be renamed: %s to %s", name, d.Name)
	}
	return missing(s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		old, err := tx.Database(ctx, name)
		if err != nil {
			return err
		}
		rest := d.Parameters[restParam]
		d.Parameters = keepHidden(d.Parameters, old.Parameters)
		if rest != "" {
			d.Parameters[restParam] = rest
		}
		if d.CreateTime.IsZero() {
			d.CreateTime = old.CreateTime
		}
		return tx.AlterDatabase(ctx, d)
	}), name, "")
}

type dropDatabaseArgs struct {
	Name       string `thrift:"1"`
	DeleteData bool   `thrift:"2"`
	Cascade    bool   `thrift:"3"`
}

// dropDatabase removes a database and, if it is told to, first its tables: in one transaction, and
// then the data.
func (s *Service) dropDatabase(ctx context.Context, a *dropDatabaseArgs) error {
	name, err := databaseName(a.Name)
	if err != nil {
		return err
	}
	var garbage []string
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		garbage = nil
		d, err := tx.Database(ctx, name)
		if err != nil {
			return err
		}
		if a.Cascade {
			tables, err := tx.Tables(ctx, name, "")
			if err != nil {
				return err
			}
			for _, table := range tables {
				dirs, err := s.dropTableIn(ctx, tx, metastore.TableName{Database: name, Name: table}, a.DeleteData, false)
				if err != nil {
					return err
				}
				garbage = append(garbage, dirs...)
			}
		}
		if a.DeleteData && strings.HasPrefix(s.location(d), s.Warehouse+"/") {
			garbage = append(garbage, s.location(d))
		}
		return tx.DropDatabase(ctx, name)
	})
	switch {
	case errors.Is(err, metastore.ErrNotEmpty):
		return &invalidOperation{fmt.Sprintf("Database %s is not empty. One or more tables exist.", name)}
	case errors.Is(err, metastore.ErrInvalid):
		return metaf("Can not drop default database in catalog %s", catalog)
	case err != nil:
		return missing(err, name, "")
	}
	s.remove(ctx, garbage...)
	return nil
}

// addCatalogs adds the methods for catalogs, of which there is one.
func (s *Service) addCatalogs(t *thrift.Service) {
	thrift.Handle(t, "get_catalogs", func(context.Context, *noArgs) (*listOf[string], error) {
		return &listOf[string]{[]string{catalog}}, nil
	}, throwsM...)
	thrift.Handle(t, "get_catalog", func(_ context.Context, a *requestArgs[getCatalogRequest]) (*getCatalogResponse, error) {
		if err := knownCatalog(a.Request.Name); err != nil {
			return nil, err
		}
		return &getCatalogResponse{&catalogInfo{
			Name: catalog, Description: "Default catalog for Hive", LocationURI: s.Warehouse,
		}}, nil
	}, throwsNM...)
	refuse := func(name string, throws []error) {
		thrift.Handle(t, name, func(context.Context, *noArgs) (thrift.Void, error) {
			return thrift.Void{}, metaf("there is one catalog, %s; more are not supported yet", catalog)
		}, throws...)
	}
	refuse("create_catalog", throwsAOM)
	refuse("alter_catalog", throwsNPM)
	refuse("drop_catalog", throwsNPM)
}

// makeDir makes a directory. Where it fails the object exists nevertheless, as for stores that have
// no directories.
func (s *Service) makeDir(ctx context.Context, url string) {
	if s.Files == nil || url == "" {
		return
	}
	if err := s.Files.MakeDir(ctx, url); err != nil {
		s.Log.WarnContext(ctx, "a directory could not be made", "url", url, "error", err)
	}
}

// remove removes data that no object refers to any more. What cannot be removed stays.
func (s *Service) remove(ctx context.Context, urls ...string) {
	if s.Files == nil {
		return
	}
	for _, url := range urls {
		if err := s.Files.Remove(ctx, url); err != nil {
			s.Log.WarnContext(ctx, "data could not be removed", "url", url, "error", err)
		}
	}
}
