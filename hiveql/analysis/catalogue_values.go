package analysis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

func conditionalFunctions() []*Function {
	check := scalar("assert_true", "assert_true(condition) - Fails where the condition is not true", sig("boolean->boolean"))
	check.Volatile = true
	return []*Function{
		check,
		scalar("coalesce", "coalesce(a1, a2, ...) - Returns the first argument that is not NULL", bindBranches),
		scalar("if", "if(condition, a, b) - Returns a where the condition is true, b otherwise", bindIf),
		scalar("isnotnull", "isnotnull(a) - Returns whether a is not NULL", sig("any->boolean")),
		scalar("isnull", "isnull(a) - Returns whether a is NULL", sig("any->boolean")),
		scalar("nullif", "nullif(a, b) - Returns NULL if a = b, a otherwise", bindNullIf),
		scalar("nvl ifnull", "nvl(a, b) - Returns b if a is NULL, a otherwise", bindNvl),
		scalar("nvl2", "nvl2(a, b, c) - Returns b if a is not NULL, c otherwise", bindNvl2),
	}
}

func bindIf(args []Arg) (Binding, error) {
	if err := arity(args, 3, 3); err != nil {
		return Binding{}, err
	}
	if !hivetype.Castable(args[0].Type, boolean) {
		return Binding{}, &TypeError{Index: 0, Want: "boolean", Got: args[0].Type}
	}
	b, err := bindBranches(args[1:])
	b.Args = append([]hivetype.Type{boolean}, b.Args...)
	return b, err
}

func bindNvl(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	return sameTypes(args)
}

func bindNvl2(args []Arg) (Binding, error) {
	if err := arity(args, 3, 3); err != nil {
		return Binding{}, err
	}
	b, err := sameTypes(args[1:])
	b.Args = append([]hivetype.Type{args[0].Type}, b.Args...)
	return b, err
}

// bindNullIf compares as = does and returns the first argument as it is.
func bindNullIf(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	if _, err := comparison(args); err != nil {
		return Binding{}, err
	}
	return bound(args[0].Type, argTypes(args)...)
}

// conversionFunctions are the types that may be called like functions.
// typeNames are the types whose names are functions that convert, as CAST does.
func typeNames() []string {
	return []string{
		"boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string", "binary",
		"date", "timestamp", "decimal", "char", "varchar", "interval_year_month", "interval_day_time",
	}
}

func conversionFunctions() []*Function {
	var list []*Function
	for _, name := range typeNames() {
		t := callable(name)
		list = append(list, scalar(name, name+"(expr) - Converts expr to "+name, func(args []Arg) (Binding, error) {
			if err := arity(args, 1, 1); err != nil {
				return Binding{}, err
			}
			if !hivetype.Castable(args[0].Type, t) {
				return Binding{}, &TypeError{Index: 0, Want: "what can be converted to " + name, Got: args[0].Type}
			}
			return bound(t, args[0].Type)
		}))
	}
	return list
}

// callable is the type that is named without its parameters.
func callable(name string) hivetype.Type {
	switch name {
	case "char":
		return hivetype.CharOf(hivetype.MaxChar)
	case "varchar":
		return hivetype.VarcharOf(hivetype.MaxVarchar)
	}
	return mustType(name)
}

func sessionFunctions() []*Function {
	unique := scalar("uuid", "uuid() - Returns a universally unique identifier", sig("->string"))
	unique.Volatile = true
	return []*Function{
		scalar("buildversion", "buildversion() - Returns the version of the engine, and what it was built from", sig("->string")),
		scalar("current_authorizer", "current_authorizer() - Returns the name of what decides who may do what: NULL, there is none", sig("->string")),
		scalar("current_groups", "current_groups() - Returns an array of the groups of the user", sig("->array<string>")),
		scalar("current_catalog", "current_catalog() - Returns the name of the current catalog", sig("->string")),
		scalar("current_database current_schema", "current_database() - Returns the name of the current database", sig("->string")),
		scalar("current_user", "current_user() - Returns the name of the user", sig("->string")),
		scalar("hash", "hash(a1, a2, ...) - Returns Hive's hash of the arguments", bindHash),
		scalar("murmur_hash", "murmur_hash(a1, a2, ...) - Returns the hash by which rows are put into buckets", bindHash),
		scalar("logged_in_user", "logged_in_user() - Returns the name of the user", sig("->string")),
		scalar("typeof", "typeof(a) - Returns the type of a", sig("any->string")),
		unique,
		scalar("version", "version() - Returns the version of the engine", sig("->string")),
	}
}

// bindHash takes all but unions.
func bindHash(args []Arg) (Binding, error) {
	if err := arity(args, 1, -1); err != nil {
		return Binding{}, err
	}
	return bound(hivetype.Of(hivetype.Int), argTypes(args)...)
}

func collectionFunctions() []*Function {
	return []*Function{
		scalar("array", "array(a1, a2, ...) - Returns an array of its arguments", bindArray),
		scalar("array_contains", "array_contains(array, value) - Returns whether the array contains the value", bindArrayContains),
		scalar("array_distinct", "array_distinct(array) - Returns the elements, each once", bindArrayToItself),
		scalar("array_except", "array_except(array1, array2) - Returns the elements of array1 that are not in array2, each once", bindArrays),
		scalar("array_intersect", "array_intersect(array1, array2) - Returns the elements that are in both arrays, each once", bindArrays),
		scalar("array_remove", "array_remove(array, value) - Returns the array without the elements that equal the value", bindArrayRemove),
		scalar("array_union", "array_union(array1, array2) - Returns the elements of both arrays, each once", bindArrays),
		scalar("array_join", "array_join(array, delimiter[, replacement]) - Joins the elements", bindArrayJoin),
		scalar("array_max", "array_max(array) - Returns the greatest element", bindArrayElement),
		scalar("array_min", "array_min(array) - Returns the least element", bindArrayElement),
		scalar("array_append", "array_append(array, value) - Returns the array with the value at its end", bindArrayAppend),
		scalar("array_position", "array_position(array, value) - Returns the index of the value, from 1, 0 where it is not there", bindArrayPosition),
		scalar("array_slice", "array_slice(array, start, length) - Returns length elements from start on, counted from 0", bindArraySlice),
		scalar("map", "map(k1, v1, k2, v2, ...) - Returns a map", bindMap),
		scalar("map_keys", "map_keys(map) - Returns an array of the keys", bindMapPart(true)),
		scalar("map_values", "map_values(map) - Returns an array of the values", bindMapPart(false)),
		scalar("named_struct", "named_struct(name1, value1, ...) - Returns a struct", bindNamedStruct),
		scalar("create_union", "create_union(tag, v0, v1, ...) - Returns the uniontype whose value is the one with the number tag", bindCreateUnion),
		scalar("extract_union", "extract_union(union[, tag]) - Returns the value of the type with the number tag, or a struct of the values of all types", bindExtractUnion),
		scalar("size cardinality", "size(a) - Returns the number of elements of an array or map, -1 if it is NULL", bindSize),
		scalar("sort_array", "sort_array(array) - Sorts the elements in ascending order", bindArrayToItself),
		scalar("sort_array_by", "sort_array_by(array, field1, ...[, 'ASC' | 'DESC']) - Sorts an array of structs by fields", bindSortArrayBy),
		scalar("struct", "struct(a1, a2, ...) - Returns a struct with the fields col1, col2, ...", bindStruct),
	}
}

func bindArray(args []Arg) (Binding, error) {
	if len(args) == 0 {
		return bound(hivetype.ArrayOf(text))
	}
	b, err := ofStrings(sameTypes(args))
	b.Result = hivetype.ArrayOf(b.Result)
	return b, err
}

// ofStrings makes strings of values that are all NULL.
func ofStrings(b Binding, err error) (Binding, error) {
	if err == nil && b.Result.Kind == hivetype.Void {
		for i := range b.Args {
			b.Args[i] = text
		}
		b.Result = text
	}
	return b, err
}

func arrayArgument(args []Arg, count int) (hivetype.Type, error) {
	if err := arity(args, count, count); err != nil {
		return hivetype.Type{}, err
	}
	if args[0].Type.Kind != hivetype.Array {
		return hivetype.Type{}, &TypeError{Index: 0, Want: "an array", Got: args[0].Type}
	}
	return args[0].Type, nil
}

func bindArrayToItself(args []Arg) (Binding, error) {
	t, err := arrayArgument(args, 1)
	return Binding{Args: []hivetype.Type{t}, Result: t}, err
}

// bindArrayJoin takes elements of any type that can be text.
func bindArrayJoin(args []Arg) (Binding, error) {
	if err := arity(args, 2, 3); err != nil {
		return Binding{}, err
	}
	t := args[0].Type
	if t.Kind != hivetype.Array || !t.Elem.Primitive() {
		return Binding{}, &TypeError{Index: 0, Want: "an array of primitive values", Got: t}
	}
	b := same(args, text, text)
	b.Args[0] = t
	for i, a := range args[1:] {
		if !accepts(a.Type, text) {
			return Binding{}, &TypeError{Index: i + 1, Want: "a string", Got: a.Type}
		}
	}
	return b, nil
}

func bindArrayElement(args []Arg) (Binding, error) {
	t, err := arrayArgument(args, 1)
	if err != nil {
		return Binding{}, err
	}
	return bound(*t.Elem, t)
}

func bindArraySlice(args []Arg) (Binding, error) {
	t, err := arrayArgument(args, 3)
	for i := 1; i < len(args) && err == nil; i++ {
		if !accepts(args[i].Type, hivetype.Of(hivetype.Int)) {
			err = &TypeError{Index: i, Want: "int", Got: args[i].Type}
		}
	}
	return Binding{Args: []hivetype.Type{t, hivetype.Of(hivetype.Int), hivetype.Of(hivetype.Int)}, Result: t}, err
}

func bindArrayContains(args []Arg) (Binding, error) {
	t, err := arrayArgument(args, 2)
	if err != nil {
		return Binding{}, err
	}
	if _, ok := hivetype.ForComparison(*t.Elem, args[1].Type); !ok {
		return Binding{}, &TypeError{Index: 1, Want: t.Elem.String(), Got: args[1].Type}
	}
	return bound(boolean, t, *t.Elem)
}

func bindArrayRemove(args []Arg) (Binding, error) {
	b, err := bindArrayContains(args)
	if err == nil {
		b.Result = b.Args[0]
	}
	return b, err
}

// bindArrays wants two arrays of one type.
func bindArrays(args []Arg) (Binding, error) {
	t, err := arrayArgument(args, 2)
	if err != nil {
		return Binding{}, err
	}
	if !args[1].Type.Equal(t) {
		return Binding{}, &TypeError{Index: 1, Want: t.String(), Got: args[1].Type}
	}
	return bound(t, t, t)
}

func bindMap(args []Arg) (Binding, error) {
	if len(args)%2 != 0 {
		return Binding{}, &ArityError{Want: "an even number of arguments", Got: len(args)}
	}
	if len(args) == 0 {
		return bound(hivetype.MapOf(text, text))
	}
	var keys, values []Arg
	for i, a := range args {
		if i%2 == 0 {
			keys = append(keys, a)
		} else {
			values = append(values, a)
		}
	}
	k, err := sameTypes(keys)
	if err == nil && (!k.Result.Primitive() || k.Result.Kind == hivetype.Void) {
		err = &TypeError{Index: 0, Want: "a primitive value", Got: k.Result}
	}
	if err != nil {
		return Binding{}, err
	}
	v, err := ofStrings(sameTypes(values))
	if err != nil {
		return Binding{}, err
	}
	b := Binding{Result: hivetype.MapOf(k.Result, v.Result)}
	for range keys {
		b.Args = append(b.Args, k.Result, v.Result)
	}
	return b, nil
}

func bindMapPart(keys bool) func([]Arg) (Binding, error) {
	return func(args []Arg) (Binding, error) {
		if err := arity(args, 1, 1); err != nil {
			return Binding{}, err
		}
		t := args[0].Type
		switch {
		case t.Kind != hivetype.Map:
			return Binding{}, &TypeError{Index: 0, Want: "a map", Got: t}
		case keys:
			return bound(hivetype.ArrayOf(*t.Key), t)
		}
		return bound(hivetype.ArrayOf(*t.Elem), t)
	}
}

func bindNamedStruct(args []Arg) (Binding, error) {
	if len(args) == 0 || len(args)%2 != 0 {
		return Binding{}, &ArityError{Want: "an even number of arguments", Got: len(args)}
	}
	var fields []hivetype.Field
	for i := 0; i < len(args); i += 2 {
		c := args[i].Const
		if c == nil || !args[i].Type.Text() || c.Value == nil {
			return Binding{}, &TypeError{Index: i, Want: "a constant string", Got: args[i].Type}
		}
		fields = append(fields, hivetype.Field{Name: strings.ToLower(c.Value.(string)), Type: args[i+1].Type})
	}
	return bound(hivetype.StructOf(fields...), argTypes(args)...)
}

// bindCreateUnion wants a number, and a value of each type.
func bindCreateUnion(args []Arg) (Binding, error) {
	if err := arity(args, 2, -1); err != nil {
		return Binding{}, err
	}
	if !args[0].Type.Integer() {
		return Binding{}, &TypeError{Index: 0, Want: "an integer", Got: args[0].Type}
	}
	u := hivetype.Type{Kind: hivetype.Union}
	for _, a := range args[1:] {
		u.Fields = append(u.Fields, hivetype.Field{Type: a.Type})
	}
	return bound(u, argTypes(args)...)
}

func bindExtractUnion(args []Arg) (Binding, error) {
	if err := arity(args, 1, 2); err != nil {
		return Binding{}, err
	}
	u := args[0].Type
	if u.Kind != hivetype.Union {
		return Binding{}, &TypeError{Index: 0, Want: "a uniontype", Got: u}
	}
	if len(args) == 2 {
		c := args[1].Const
		tag, ok := int64(-1), false
		if c != nil {
			tag, ok = c.Value.(int64)
		}
		if !ok || tag < 0 || tag >= int64(len(u.Fields)) {
			return Binding{}, &TypeError{Index: 1, Want: fmt.Sprintf("a constant from 0 to %d", len(u.Fields)-1), Got: args[1].Type}
		}
		return bound(u.Fields[tag].Type, argTypes(args)...)
	}
	var fields []hivetype.Field
	for i, f := range u.Fields {
		if f.Type.Contains(hivetype.Union) {
			return Binding{}, fmt.Errorf("extract_union of a uniontype in a uniontype is %w yet", errors.ErrUnsupported)
		}
		fields = append(fields, hivetype.Field{Name: fmt.Sprintf("tag_%d", i), Type: f.Type})
	}
	return bound(hivetype.StructOf(fields...), u)
}

func bindStruct(args []Arg) (Binding, error) {
	if err := arity(args, 1, -1); err != nil {
		return Binding{}, err
	}
	var fields []hivetype.Field
	for i, a := range args {
		fields = append(fields, hivetype.Field{Name: fmt.Sprintf("col%d", i+1), Type: a.Type})
	}
	return bound(hivetype.StructOf(fields...), argTypes(args)...)
}

func bindSize(args []Arg) (Binding, error) {
	if err := arity(args, 1, 1); err != nil {
		return Binding{}, err
	}
	if args[0].Type.Kind == hivetype.Void {
		return bound(hivetype.Of(hivetype.Int), hivetype.ArrayOf(text))
	}
	if k := args[0].Type.Kind; k != hivetype.Array && k != hivetype.Map {
		return Binding{}, &TypeError{Index: 0, Want: "an array or a map", Got: args[0].Type}
	}
	return bound(hivetype.Of(hivetype.Int), args[0].Type)
}
