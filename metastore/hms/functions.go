package hms

import (
	"context"
	"errors"
	"fmt"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// addFunctions adds the methods for functions that users have made. A macro of hiveql is none that
// anybody else could call, so it is not among them.
func (s *Service) addFunctions(t *thrift.Service) {
	thrift.Handle(t, "get_all_functions", func(ctx context.Context, _ *noArgs) (*listOf[*function], error) {
		return s.allFunctions(ctx)
	}, throwsM...)
	thrift.Handle(t, "get_functions", func(ctx context.Context, a *tableArgs) ([]string, error) {
		return s.functionNames(ctx, a.DB, a.Table)
	}, throwsM...)
	thrift.Handle(t, "get_function", func(ctx context.Context, a *tableArgs) (*function, error) {
		return s.function(ctx, a.DB, a.Table)
	}, throwsMN...)
	thrift.Handle(t, "create_function", func(ctx context.Context, a *requestArgs[*function]) (thrift.Void, error) {
		return thrift.Void{}, s.createFunction(ctx, a.Request)
	}, throwsAOMN...)
	thrift.Handle(t, "alter_function", func(ctx context.Context, a *struct {
		DB       string    `thrift:"1"`
		Name     string    `thrift:"2"`
		Function *function `thrift:"3"`
	}) (thrift.Void, error) {
		return thrift.Void{}, s.alterFunction(ctx, a.DB, a.Name, a.Function)
	}, throwsPM...)
	thrift.Handle(t, "drop_function", func(ctx context.Context, a *tableArgs) (thrift.Void, error) {
		return thrift.Void{}, s.dropFunction(ctx, a.DB, a.Table)
	}, throwsNM...)
}

func (s *Service) allFunctions(ctx context.Context) (*listOf[*function], error) {
	all, err := s.store(ctx).Functions(ctx, "", "")
	out := &listOf[*function]{List: []*function{}}
	for _, f := range all {
		if f.Class != "" {
			out.List = append(out.List, wireFunction(f))
		}
	}
	return out, err
}

func (s *Service) functionNames(ctx context.Context, db, pattern string) ([]string, error) {
	db, err := databaseName(db)
	if err != nil {
		return nil, err
	}
	p, err := newPattern(pattern)
	if err != nil {
		return nil, err
	}
	all, err := s.store(ctx).Functions(ctx, db, simple(pattern))
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil, nil
	}
	var names []string
	for _, f := range all {
		if f.Class != "" {
			names = append(names, f.Name)
		}
	}
	return p.filter(names), err
}

func (s *Service) function(ctx context.Context, db, text string) (*function, error) {
	name, err := tableName(db, text)
	if err != nil {
		return nil, err
	}
	f, err := s.store(ctx).Function(ctx, name)
	if err != nil {
		return nil, noFunction(err, name)
	}
	return wireFunction(f), nil
}

func (s *Service) createFunction(ctx context.Context, in *function) error {
	f, err := storeFunction(in)
	if err != nil {
		return err
	}
	if f.CreateTime.IsZero() {
		f.CreateTime = s.Now()
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return tx.CreateFunction(ctx, f) })
	return cannotCreate(err, "Function "+f.Name)
}

func (s *Service) alterFunction(ctx context.Context, db, text string, in *function) error {
	name, err := tableName(db, text)
	if err != nil {
		return err
	}
	f, err := storeFunction(in)
	if err != nil {
		return &invalidOperation{err.Error()}
	}
	if f.Name != name.Name || f.Database != name.Database {
		return &invalidOperation{"a function cannot be renamed"}
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return tx.AlterFunction(ctx, f) })
	if errors.Is(err, metastore.ErrNoSuchFunction) {
		err = &invalidOperation{noFunction(err, name).Error()}
	}
	return cannotAlter(err, name.String())
}

func (s *Service) dropFunction(ctx context.Context, db, text string) error {
	name, err := tableName(db, text)
	if err != nil {
		return err
	}
	return noFunction(s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return tx.DropFunction(ctx, name) }), name)
}

func noFunction(err error, name metastore.TableName) error {
	if errors.Is(err, metastore.ErrNoSuchFunction) || errors.Is(err, metastore.ErrNoSuchDatabase) {
		return &noSuchObject{fmt.Sprintf("Function @%s#%s.%s does not exist", catalog, name.Database, name.Name)}
	}
	return err
}

// The numbers of what functions are made of.
var (
	resourceTypes  = map[string]int32{"JAR": 1, "FILE": 2, "ARCHIVE": 3}
	principalTypes = map[string]int32{"USER": 1, "ROLE": 2, "GROUP": 3}
)

// nameOf is the name that has a number.
func nameOf(numbers map[string]int32, number int32) string {
	for name, n := range numbers {
		if n == number {
			return name
		}
	}
	return ""
}

func wireFunction(f *metastore.Function) *function {
	out := &function{
		FunctionName: f.Name, DbName: f.Database, ClassName: f.Class, OwnerName: f.Owner,
		OwnerType: max(1, principalTypes[f.OwnerType]), CreateTime: seconds(f.CreateTime), FunctionType: 1,
		ResourceUris: []*resourceURI{}, CatName: catalog,
	}
	for _, r := range f.Resources {
		out.ResourceUris = append(out.ResourceUris, &resourceURI{resourceTypes[r.Type], r.URI})
	}
	return out
}

func storeFunction(in *function) (*metastore.Function, error) {
	if in == nil {
		return nil, &invalidObject{"there is no function in the request"}
	}
	name, err := tableName(in.DbName, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := &metastore.Function{
		Database: name.Database, Name: name.Name, Class: in.ClassName, Owner: in.OwnerName,
		OwnerType: nameOf(principalTypes, in.OwnerType), Type: "JAVA", CreateTime: fromSeconds(in.CreateTime),
	}
	for _, r := range in.ResourceUris {
		f.Resources = append(f.Resources, metastore.Resource{Type: nameOf(resourceTypes, r.ResourceType), URI: r.URI})
	}
	return f, nil
}
