package hms

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// Function implements metastore.Reader.
func (r reader) Function(ctx context.Context, name metastore.TableName) (*metastore.Function, error) {
	name = lower(name)
	var got function
	err := meaning(r.call(ctx, "get_function", &tableArgs{name.Database, name.Name}, &got, throwsMN), metastore.ErrNoSuchFunction)
	if errors.Is(err, metastore.ErrNoSuchFunction) {
		if _, dbErr := r.database(ctx, name.Database); dbErr != nil {
			err = dbErr
		}
	}
	if err == nil {
		var f *metastore.Function
		if f, err = storeFunction(&got); err == nil {
			return f, nil
		}
	}
	return nil, failed("get function", name.String(), err)
}

// Functions implements metastore.Reader.
func (r reader) Functions(ctx context.Context, db, pattern string) ([]*metastore.Function, error) {
	db = strings.ToLower(db)
	var all listOf[*function]
	err := r.call(ctx, "get_all_functions", &noArgs{}, &all, throwsM)
	if err == nil && db != "" {
		_, err = r.database(ctx, db)
	}
	var out []*metastore.Function
	for _, in := range all.List {
		if err != nil {
			break
		}
		var f *metastore.Function
		if f, err = storeFunction(in); err == nil && (db == "" || f.Database == db) && metastore.MatchPattern(pattern, f.Name) {
			out = append(out, f)
		}
	}
	if err != nil {
		return nil, failed("list functions", db, err)
	}
	slices.SortFunc(out, func(a, b *metastore.Function) int {
		return strings.Compare(a.Database+"\x00"+a.Name, b.Database+"\x00"+b.Name)
	})
	return out, nil
}

// CreateFunction implements metastore.Tx.
func (x *remoteTx) CreateFunction(ctx context.Context, f *metastore.Function) error {
	return x.putFunction(ctx, "create function", f, func(in *function) error {
		return x.call(ctx, "create_function", &requestArgs[*function]{in}, nil, throwsAOMN)
	})
}

// AlterFunction implements metastore.Tx.
func (x *remoteTx) AlterFunction(ctx context.Context, f *metastore.Function) error {
	if _, err := x.Function(ctx, metastore.TableName{Database: f.Database, Name: f.Name}); err != nil {
		return err
	}
	return x.putFunction(ctx, "alter function", f, func(in *function) error {
		return x.call(ctx, "alter_function", &struct {
			DB       string    `thrift:"1"`
			Name     string    `thrift:"2"`
			Function *function `thrift:"3"`
		}{in.DbName, in.FunctionName, in}, nil, throwsPM)
	})
}

func (x *remoteTx) putFunction(ctx context.Context, op string, f *metastore.Function, put func(*function) error) error {
	name := lower(metastore.TableName{Database: f.Database, Name: f.Name})
	if f.Class == "" {
		return unsupported(op, name.String(), "a macro")
	}
	err := f.Validate()
	if err == nil {
		out := *f
		out.Database, out.Name = name.Database, name.Name
		err = meaning(put(wireFunction(&out)), metastore.ErrNoSuchDatabase)
	}
	if err != nil {
		return failed(op, name.String(), err)
	}
	return nil
}

// DropFunction implements metastore.Tx.
func (x *remoteTx) DropFunction(ctx context.Context, name metastore.TableName) error {
	if _, err := x.Function(ctx, name); err != nil {
		return err
	}
	name = lower(name)
	err := x.call(ctx, "drop_function", &tableArgs{name.Database, name.Name}, nil, throwsNM)
	if err != nil {
		return failed("drop function", name.String(), meaning(err, metastore.ErrNoSuchFunction))
	}
	return nil
}
