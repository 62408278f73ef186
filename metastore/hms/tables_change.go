package hms

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// What Hive counts in the parameters of tables and partitions, and says of how far to trust it.
const (
	ddlTime  = "transient_lastDdlTime"
	accurate = "COLUMN_STATS_ACCURATE"
)

// addTableChanges adds the methods that make, change and drop tables.
func (s *Service) addTableChanges(t *thrift.Service) {
	s.addTableCreation(t)
	s.addTableAlteration(t)
	s.addTableRemoval(t)
}

func (s *Service) addTableCreation(t *thrift.Service) {
	create := func(name string) {
		thrift.Handle(t, name, func(ctx context.Context, a *createTableArgs) (thrift.Void, error) {
			return thrift.Void{}, withoutDatabase(s.createTable(ctx, a.Table, nil))
		}, throwsAOMN...)
	}
	create("create_table")
	create("create_table_with_environment_context")
	thrift.Handle(t, "create_table_with_constraints", func(ctx context.Context, a *struct {
		Table    *table                  `thrift:"1"`
		Primary  []*sqlPrimaryKey        `thrift:"2"`
		Foreign  []*sqlForeignKey        `thrift:"3"`
		Unique   []*sqlUniqueConstraint  `thrift:"4"`
		NotNull  []*sqlNotNullConstraint `thrift:"5"`
		Defaults []*sqlDefaultConstraint `thrift:"6"`
		Checks   []*sqlCheckConstraint   `thrift:"7"`
	}) (thrift.Void, error) {
		return thrift.Void{}, withoutDatabase(s.createTable(ctx, a.Table, &sqlAllTableConstraints{
			a.Primary, a.Foreign, a.Unique, a.NotNull, a.Defaults, a.Checks,
		}))
	}, throwsAOMN...)
	thrift.Handle(t, "create_table_req", func(ctx context.Context, a *requestArgs[createTableRequest]) (thrift.Void, error) {
		r := a.Request
		return thrift.Void{}, s.createTable(ctx, r.Table, &sqlAllTableConstraints{
			r.PrimaryKeys, r.ForeignKeys, r.UniqueConstraints, r.NotNullConstraints, r.DefaultConstraints, r.CheckConstraints,
		})
	}, throwsAOMN...)
	thrift.Handle(t, "translate_table_dryrun", func(_ context.Context, a *requestArgs[createTableRequest]) (*table, error) {
		return a.Request.Table, nil
	}, throwsAOMN...)
}

func (s *Service) addTableAlteration(t *thrift.Service) {
	thrift.Handle(t, "alter_table", func(ctx context.Context, a *alterTableArgs) (thrift.Void, error) {
		return thrift.Void{}, s.alterTable(ctx, a)
	}, throwsPM...)
	thrift.Handle(t, "alter_table_with_environment_context", func(ctx context.Context, a *alterTableArgs) (thrift.Void, error) {
		return thrift.Void{}, s.alterTable(ctx, a)
	}, throwsPM...)
	thrift.Handle(t, "alter_table_with_cascade", func(ctx context.Context, a *struct {
		DB      string `thrift:"1"`
		Name    string `thrift:"2"`
		Table   *table `thrift:"3"`
		Cascade bool   `thrift:"4"`
	}) (thrift.Void, error) {
		env := &environmentContext{Properties: map[string]string{"CASCADE": strconv.FormatBool(a.Cascade)}}
		return thrift.Void{}, s.alterTable(ctx, &alterTableArgs{a.DB, a.Name, a.Table, env})
	}, throwsPM...)
	thrift.Handle(t, "alter_table_req", func(ctx context.Context, a *requestArgs[alterTableRequest]) (*noArgs, error) {
		r := a.Request
		if err := knownCatalog(r.CatName); err != nil {
			return nil, err
		}
		return &noArgs{}, s.alterTable(ctx, &alterTableArgs{r.DbName, r.TableName, r.Table, r.EnvironmentContext})
	}, throwsPM...)
}

func (s *Service) addTableRemoval(t *thrift.Service) {
	drop := func(name string) {
		thrift.Handle(t, name, func(ctx context.Context, a *dropTableArgs) (thrift.Void, error) {
			return thrift.Void{}, s.dropTable(ctx, a)
		}, throwsNM...)
	}
	drop("drop_table")
	drop("drop_table_with_environment_context")
	thrift.Handle(t, "drop_table_req", func(ctx context.Context, a *requestArgs[struct {
		Catalog    string              `thrift:"1"`
		DB         string              `thrift:"2"`
		Name       string              `thrift:"3"`
		DeleteData bool                `thrift:"4"`
		Context    *environmentContext `thrift:"5"`
	}]) (*noArgs, error) {
		r := a.Request
		if err := knownCatalog(r.Catalog); err != nil {
			return nil, err
		}
		return &noArgs{}, s.dropTable(ctx, &dropTableArgs{r.DB, r.Name, r.DeleteData, r.Context})
	}, throwsNM...)
	thrift.Handle(t, "truncate_table", func(ctx context.Context, a *struct {
		DB         string   `thrift:"1"`
		Name       string   `thrift:"2"`
		Partitions []string `thrift:"3"`
	}) (thrift.Void, error) {
		return thrift.Void{}, s.truncate(ctx, a.DB, a.Name, a.Partitions)
	}, throwsM...)
	thrift.Handle(t, "truncate_table_req", func(ctx context.Context, a *requestArgs[truncateTableRequest]) (*noArgs, error) {
		return &noArgs{}, s.truncate(ctx, a.Request.DbName, a.Request.TableName, a.Request.PartNames)
	}, throwsM...)
}

// withoutDatabase is what the methods for tables that are older than Hive 4 say where there is no database.
func withoutDatabase(err error) error {
	var none *noSuchObject
	if errors.As(err, &none) {
		return &invalidObject{none.Message}
	}
	return err
}

type createTableArgs struct {
	Table *table `thrift:"1"`
}

func (s *Service) createTable(ctx context.Context, in *table, w *sqlAllTableConstraints) error {
	t, err := changedTable(in)
	if err != nil {
		return err
	}
	var constraints []metastore.Constraint
	if w != nil {
		if _, constraints, err = w.store(); err != nil {
			return err
		}
	}
	now := s.Now()
	if t.CreateTime.IsZero() {
		t.CreateTime = now
	}
	s.stamp(ctx, t.Parameters, "")
	d, err := s.store(ctx).Database(ctx, t.Database)
	if err != nil {
		return missing(err, t.Database, "")
	}
	if t.Storage.Location == "" && t.Type != metastore.View {
		t.Storage.Location = s.location(d) + "/" + t.Name
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		if err := tx.CreateTable(ctx, t); err != nil {
			return err
		}
		if err := grantWithTable(ctx, tx, in.Privileges.owned(t.TableName)); err != nil || len(constraints) == 0 {
			return err
		}
		return tx.AddConstraints(ctx, t.TableName, constraints)
	})
	if err != nil {
		return cannotCreate(err, fmt.Sprintf("Table %s.%s", catalog, t.TableName))
	}
	if t.Type != metastore.View {
		s.makeDir(ctx, t.Storage.Location)
	}
	return nil
}

// grantWithTable grants what comes with a new table, what is there twice once.
func grantWithTable(ctx context.Context, tx metastore.Tx, all []*metastore.Privilege) error {
	for _, p := range all {
		err := tx.GrantPrivileges(ctx, []*metastore.Privilege{p})
		if errors.Is(err, metastore.ErrNoSuchRole) {
			return fmt.Errorf("%w: %w", metastore.ErrInvalid, err)
		}
		if err != nil && !errors.Is(err, metastore.ErrExists) {
			return err
		}
	}
	return nil
}

// changedTable is storeTable for what a client wants to have. A table that keeps versions of rows is refused, since
// nobody here would compact it or pass over what has not been committed.
func changedTable(in *table) (*metastore.Table, error) {
	t, err := storeTable(in)
	if err == nil && t.Transactional() {
		return nil, &invalidObject{"transactional (ACID) tables are not supported yet"}
	}
	return t, err
}

type alterTableArgs struct {
	DB      string              `thrift:"1"`
	Name    string              `thrift:"2"`
	Table   *table              `thrift:"3"`
	Context *environmentContext `thrift:"4"`
}

// alterTable replaces a table in one transaction, in which the parameter that the client expects,
// if it does, is compared: so two commits of Iceberg cannot both succeed.
func (s *Service) alterTable(ctx context.Context, a *alterTableArgs) error {
	name, err := tableName(a.DB, a.Name)
	if err != nil {
		return err
	}
	t, err := changedTable(a.Table)
	var bad *invalidObject
	if errors.As(err, &bad) {
		return &invalidOperation{bad.Message}
	}
	if err != nil {
		return err
	}
	from, to, err := s.moves(ctx, name, t)
	if err != nil {
		return err
	}
	err = s.moving(ctx, from, to, func() error {
		return s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
			return s.alterTableIn(ctx, tx, name, t, a.Context, from, to)
		})
	})
	return cannotAlter(err, name.String())
}

// moving moves data, if from is not empty, along with a change: it is copied before, and what was
// copied removed after, so that it is whole wherever the metastore says it is.
func (s *Service) moving(ctx context.Context, from, to string, change func() error) error {
	if from == "" {
		return change()
	}
	if err := s.Files.Copy(ctx, from, to); err != nil {
		return &invalidOperation{fmt.Sprintf("Unable to move %s to %s: %v", from, to, err)}
	}
	if err := change(); err != nil {
		s.remove(context.WithoutCancel(ctx), to)
		return err
	}
	s.remove(ctx, from)
	return nil
}

func (s *Service) alterTableIn(
	ctx context.Context, tx metastore.Tx, name metastore.TableName, t *metastore.Table, env *environmentContext, from, to string,
) error {
	old, err := tx.Table(ctx, name)
	if err != nil {
		return err
	}
	if err := expected(env, old.Parameters, t.Parameters); err != nil {
		return err
	}
	changed := *t
	rest := t.Parameters[restParam]
	changed.Parameters = keepHidden(t.Parameters, old.Parameters)
	if rest != "" {
		changed.Parameters[restParam] = rest
	}
	if changed.CreateTime.IsZero() {
		changed.CreateTime = old.CreateTime
	}
	if !env.is("DO_NOT_UPDATE_STATS") {
		s.untrust(changed.Parameters, old.Parameters, env)
	}
	s.stamp(ctx, changed.Parameters, old.Parameters[ddlTime])
	changed.Version = old.Version
	if err := tx.AlterTable(ctx, name, &changed); err != nil {
		return err
	}
	if from != "" {
		if err := movePartitions(ctx, tx, &changed, from, to); err != nil {
			return err
		}
	}
	if env.is("CASCADE") && !sameColumns(old.Storage.Columns, t.Storage.Columns) {
		return cascade(ctx, tx, &changed)
	}
	return nil
}

// stamp notes the time of a change where the client has not.
func (s *Service) stamp(ctx context.Context, params map[string]string, old string) {
	if stamped := params[ddlTime]; (stamped == "" || stamped == old) && !own(ctx) {
		params[ddlTime] = strconv.FormatInt(s.Now().Unix(), 10)
	}
}

// expected compares a parameter with what the client takes it to be: Iceberg's commit. Its texts
// are what Iceberg looks for.
func expected(env *environmentContext, old, changed map[string]string) error {
	key := env.property("expected_parameter_key")
	if key == "" {
		return nil
	}
	want, given := env.Properties["expected_parameter_value"]
	have, exists := old[key]
	if given && (!exists || have != want) || !given && exists {
		return metaf("The table has been modified. The parameter value for key '%s' is '%s'. The expected was value was '%s'",
			key, have, want)
	}
	if changed[key] == "" {
		return metaf("New value for expected key %s is not set", key)
	}
	return nil
}

// untrust ends the trust in statistics that a change may have made untrue. What the client says it
// has computed just now stays.
func (s *Service) untrust(params, old map[string]string, env *environmentContext) {
	computed := env.property("STATS_GENERATED") != "" || params["STATS_GENERATED"] != ""
	if !computed && params[accurate] == old[accurate] {
		delete(params, accurate)
	}
}

// moves says whether renaming the table moves its data: that of a managed table at its usual place
// does.
func (s *Service) moves(ctx context.Context, name metastore.TableName, t *metastore.Table) (from, to string, err error) {
	if t.TableName == name || t.Type != metastore.Managed || s.Files == nil || s.ReadOnly {
		return "", "", nil
	}
	old, err := s.store(ctx).Table(ctx, name)
	if err != nil {
		return "", "", cannotAlter(err, name.String())
	}
	before, err := s.store(ctx).Database(ctx, name.Database)
	if err != nil {
		return "", "", cannotAlter(err, name.Database)
	}
	after, err := s.store(ctx).Database(ctx, t.Database)
	if err != nil {
		return "", "", cannotAlter(err, t.Database)
	}
	if _, err := s.store(ctx).Table(ctx, t.TableName); err == nil {
		return "", "", &invalidOperation{fmt.Sprintf("new table %s already exists", t.TableName)}
	}
	usual := s.location(before) + "/" + name.Name
	if strings.TrimSuffix(old.Storage.Location, "/") != usual || strings.TrimSuffix(t.Storage.Location, "/") != usual {
		return "", "", nil
	}
	t.Storage.Location = s.location(after) + "/" + t.Name
	return usual, t.Storage.Location, nil
}

// movePartitions changes the locations of partitions below a directory that has been moved.
func movePartitions(ctx context.Context, tx metastore.Tx, t *metastore.Table, from, to string) error {
	if !t.Partitioned() {
		return nil
	}
	return changePartitions(ctx, tx, t.TableName, func(p *metastore.Partition) bool {
		rest, ok := strings.CutPrefix(p.Storage.Location, from+"/")
		if ok {
			p.Storage.Location = to + "/" + rest
		}
		return ok
	})
}

// cascade gives all partitions the columns of the table.
func cascade(ctx context.Context, tx metastore.Tx, t *metastore.Table) error {
	if !t.Partitioned() {
		return nil
	}
	return changePartitions(ctx, tx, t.TableName, func(p *metastore.Partition) bool {
		p.Storage.Columns = t.Storage.Columns
		return true
	})
}

// changePartitions changes those of the partitions of which change reports true.
func changePartitions(
	ctx context.Context, tx metastore.Tx, name metastore.TableName, change func(*metastore.Partition) bool,
) error {
	var changed []*metastore.Partition
	for p, err := range tx.Partitions(ctx, name, nil) {
		if err != nil {
			return err
		}
		if change(p) {
			changed = append(changed, p)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return tx.AlterPartitions(ctx, name, changed)
}

type dropTableArgs struct {
	DB         string              `thrift:"1"`
	Name       string              `thrift:"2"`
	DeleteData bool                `thrift:"3"`
	Context    *environmentContext `thrift:"4"`
}

func (s *Service) dropTable(ctx context.Context, a *dropTableArgs) error {
	name, err := tableName(a.DB, a.Name)
	if err != nil {
		return err
	}
	var garbage []string
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		garbage, err = s.dropTableIn(ctx, tx, name, a.DeleteData, true)
		return err
	})
	if err != nil {
		return missing(err, name.Database, name.Name)
	}
	s.remove(ctx, garbage...)
	return nil
}

// dropTableIn removes a table and says which directories are to go with it: those of managed
// tables, and of external ones that say so.
func (s *Service) dropTableIn(
	ctx context.Context, tx metastore.Tx, name metastore.TableName, data, all bool,
) ([]string, error) {
	t, err := tx.Table(ctx, name)
	if err != nil {
		return nil, err
	}
	owned := t.Type == metastore.Managed ||
		t.Type == metastore.External && strings.EqualFold(t.Parameters["external.table.purge"], "true")
	var garbage []string
	if data && owned && t.Storage.Location != "" {
		garbage = append(garbage, t.Storage.Location)
		inside := strings.TrimSuffix(t.Storage.Location, "/") + "/"
		for p, err := range tx.Partitions(ctx, name, nil) {
			if err != nil {
				return nil, err
			}
			if p.Storage.Location != "" && !strings.HasPrefix(p.Storage.Location, inside) {
				garbage = append(garbage, p.Storage.Location)
			}
		}
	}
	return garbage, tx.DropTable(ctx, name)
}

// truncate removes the data of a table, or of some of its partitions.
func (s *Service) truncate(ctx context.Context, db, table string, names []string) error {
	t, err := s.stored(ctx, db, table)
	if err != nil {
		return metaf("%v", err)
	}
	if s.ReadOnly {
		return metaf("this metastore is served read-only")
	}
	if s.Files == nil {
		return metaf("truncating a table is not supported yet where no files can be reached")
	}
	if t.Type != metastore.Managed {
		return metaf("Cannot truncate non-managed table %s.", t.TableName)
	}
	places := []string{t.Storage.Location}
	if t.Partitioned() {
		places = nil
		var only partitions.Predicate
		if names != nil {
			if only, err = namesPredicate(t, names); err != nil {
				return err
			}
		}
		for p, err := range s.store(ctx).Partitions(ctx, t.TableName, only) {
			if err != nil {
				return err
			}
			places = append(places, p.Storage.Location)
		}
	}
	for _, place := range places {
		if err := s.Files.Remove(ctx, place); err != nil {
			return metaf("truncate %s: %v", t.TableName, err)
		}
		s.makeDir(ctx, place)
	}
	return nil
}
