package duck

/*
#include <stdlib.h>

extern void skepCompute(void *info, void *input, void *output);
extern void skepComputeFree(void *data);

static void *skep_compute_pointer(void) { return skepCompute; }
static void *skep_compute_free_pointer(void) { return skepComputeFree; }
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"slices"
	"strings"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// compute makes the value of a function from those of its arguments. It is used by one goroutine.
type compute func(args []hivetype.Value) (hivetype.Value, error)

// computed is a function that Go computes, one row after the other. That costs some 300 ns a row
// more than a C++ function, and is for what is rare, or dear in itself.
type computed struct {
	name   string
	args   []hivetype.Type
	result hivetype.Type
	// nulls asks for rows with NULL among the arguments too; otherwise their result is NULL.
	nulls bool
	// start is called for each two thousand rows or so, for what they can share.
	start func() compute
	// resolution is that of the statement. compute sets it.
	resolution resolution
}

// signature is the name under which DuckDB knows f. It has the types in it, so that a function
// may take any.
func (f *computed) signature() string {
	types := make([]string, len(f.args))
	for i, t := range f.args {
		types[i] = t.String()
	}
	signature := "skep " + f.name + "(" + strings.Join(types, ", ") + ") " + f.result.String()
	if f.resolution == nanos && (slices.ContainsFunc(f.args, hasTime) || hasTime(f.result)) {
		signature += " in nanoseconds"
	}
	return signature
}

// compute is the SQL of a call that Go computes.
func (l *lowerer) compute(f *computed, args []string) string {
	for _, t := range append(slices.Clone(f.args), f.result) {
		if err := noUnion(t, "in "+f.name); err != nil {
			return l.fail(err)
		}
	}
	f.resolution = l.resolution
	l.computed = append(l.computed, f)
	return name(f.signature()) + "(" + strings.Join(args, ", ") + ")::" + l.sqlType(f.result)
}

// inGo is a rule for a function that Go computes.
func inGo(call compute) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		return l.compute(computedCall(x, func() compute { return call }), args)
	}
}

// computedCall is the function that a call calls, with the types that it has there.
func computedCall(x *analysis.Call, start func() compute) *computed {
	f := &computed{name: x.Func.Name, result: x.T, start: start}
	for _, a := range x.Args {
		f.args = append(f.args, a.Type())
	}
	return f
}

// registerComputed makes functions known to the database, each once in its life.
func (e *Executor) registerComputed(c *connection, list []*computed) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range list {
		known := f.signature()
		if e.registered[known] {
			continue
		}
		if err := c.registerComputed(f); err != nil {
			return err
		}
		e.registered[known] = true
	}
	return nil
}

func (c *connection) registerComputed(f *computed) error {
	function := duckdb.CreateScalarFunction()
	defer duckdb.DestroyScalarFunction(&function)
	duckdb.ScalarFunctionSetName(function, f.signature())
	for _, a := range f.args {
		t := f.resolution.logicalType(a)
		duckdb.ScalarFunctionAddParameter(function, t)
		duckdb.DestroyLogicalType(&t)
	}
	t := f.resolution.logicalType(f.result)
	duckdb.ScalarFunctionSetReturnType(function, t)
	duckdb.DestroyLogicalType(&t)
	if f.nulls {
		duckdb.ScalarFunctionSetSpecialHandling(function)
	}
	duckdb.ScalarFunctionSetExtraInfo(function, box(f), C.skep_compute_free_pointer())
	duckdb.ScalarFunctionSetFunction(function, C.skep_compute_pointer())
	if duckdb.RegisterScalarFunction(c.handle, function) == duckdb.StateError {
		return fmt.Errorf("register function %s: refused by DuckDB", f.name)
	}
	return nil
}

//export skepComputeFree
func skepComputeFree(p unsafe.Pointer) {
	(*(*cgo.Handle)(p)).Delete()
	C.free(p)
}

//export skepCompute
func skepCompute(info, input, output unsafe.Pointer) {
	function := duckdb.FunctionInfo{Ptr: info}
	f := unbox[*computed](duckdb.ScalarFunctionGetExtraInfo(function))
	if err := f.run(duckdb.DataChunk{Ptr: input}, duckdb.Vector{Ptr: output}); err != nil {
		duckdb.ScalarFunctionSetError(function, mark+err.Error())
	}
}

// run computes all rows of a chunk.
func (f *computed) run(chunk duckdb.DataChunk, out duckdb.Vector) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the function %s failed: %v", f.name, r)
		}
	}()
	readers, columns := make([]reader, len(f.args)), make([]vector, len(f.args))
	for i, t := range f.args {
		readers[i] = f.resolution.newReader(t)
		columns[i] = newVector(duckdb.DataChunkGetVector(chunk, duckdb.IdxT(i)))
	}
	write, call := f.resolution.newCellWriter(f.result), f.start()
	args := make([]hivetype.Value, len(f.args))
	for row := range int(duckdb.DataChunkGetSize(chunk)) {
		null := false
		for i, read := range readers {
			args[i] = read(columns[i], row)
			null = null || args[i] == nil
		}
		var v hivetype.Value
		if !null || f.nulls {
			if v, err = call(args); err != nil {
				return err
			}
		}
		if err := write(out, row, v); err != nil {
			return err
		}
	}
	return nil
}

// cellWriter puts a value into a row of a vector.
type cellWriter func(v duckdb.Vector, row int, x hivetype.Value) error

// newCellWriter makes a cellWriter of values of type t into vectors of type r.sqlType(t), whose rows are
// written in order, each once.
func (r resolution) newCellWriter(t hivetype.Type) cellWriter {
	write := r.cellWriterOf(t)
	return func(v duckdb.Vector, row int, x hivetype.Value) error {
		if x == nil {
			writeNull(v, row, t)
			return nil
		}
		return write(v, row, x)
	}
}

// writeNull makes the fields of a NULL struct NULL too, and a NULL list empty.
func writeNull(v duckdb.Vector, row int, t hivetype.Type) {
	writableMask(v).setNull(row)
	switch t.Kind {
	case hivetype.Struct:
		for i, f := range t.Fields {
			writeNull(duckdb.StructVectorGetChild(v, duckdb.IdxT(i)), row, f.Type)
		}
	case hivetype.Array, hivetype.Map:
		rowsOf[listEntry](v, row, 1)[0] = listEntry{}
	}
}

func (r resolution) cellWriterOf(t hivetype.Type) cellWriter {
	switch t.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Char, hivetype.Binary:
		return func(v duckdb.Vector, row int, x hivetype.Value) error {
			switch x := x.(type) {
			case string:
				duckdb.UnsafeVectorAssignStringElementLen(v, duckdb.IdxT(row), []byte(x))
			case []byte:
				duckdb.UnsafeVectorAssignStringElementLen(v, duckdb.IdxT(row), x)
			}
			return nil
		}
	case hivetype.Array:
		elem := r.newCellWriter(*t.Elem)
		return func(v duckdb.Vector, row int, x hivetype.Value) error {
			list := x.([]any)
			at, child := grow(v, row, len(list))
			for i, e := range list {
				if err := elem(child, at+i, e); err != nil {
					return err
				}
			}
			return nil
		}
	case hivetype.Map:
		return r.mapWriter(t)
	case hivetype.Struct:
		fields := make([]cellWriter, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = r.newCellWriter(f.Type)
		}
		return func(v duckdb.Vector, row int, x hivetype.Value) error {
			for i, e := range x.([]any) {
				if err := fields[i](duckdb.StructVectorGetChild(v, duckdb.IdxT(i)), row, e); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return func(v duckdb.Vector, row int, x hivetype.Value) error {
		cell, err := r.cellOf(x, t)
		if err == nil {
			copy(unsafe.Slice((*byte)(unsafe.Add(duckdb.VectorGetData(v), row*len(cell))), len(cell)), cell)
		}
		return err
	}
}

func (r resolution) mapWriter(t hivetype.Type) cellWriter {
	key, value := r.newCellWriter(*t.Key), r.newCellWriter(*t.Elem)
	return func(v duckdb.Vector, row int, x hivetype.Value) error {
		list := x.([]hivetype.Entry)
		at, child := grow(v, row, len(list))
		keys, values := duckdb.StructVectorGetChild(child, 0), duckdb.StructVectorGetChild(child, 1)
		for i, e := range list {
			if err := key(keys, at+i, e.Key); err != nil {
				return err
			}
			if err := value(values, at+i, e.Value); err != nil {
				return err
			}
		}
		return nil
	}
}

// grow appends n elements to the child of a list vector, and makes them those of a row.
func grow(v duckdb.Vector, row, n int) (at int, child duckdb.Vector) {
	at = int(duckdb.ListVectorGetSize(v))
	duckdb.ListVectorReserve(v, duckdb.IdxT(at+n))
	duckdb.ListVectorSetSize(v, duckdb.IdxT(at+n))
	rowsOf[listEntry](v, row, 1)[0] = listEntry{offset: uint64(at), length: uint64(n)}
	return at, duckdb.ListVectorGetChild(v)
}
