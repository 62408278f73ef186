package analysis

import (
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// xmlFunctions are of XPath 1.0 on XML.
func xmlFunctions() []*Function {
	path := func(names, result, what string) *Function {
		list := strings.Fields(names)
		return scalar(names, list[0]+"(xml, xpath) - Returns "+what, sig("string string->"+result))
	}
	return []*Function{
		path("xpath", "array<string>", "the values of the texts and attributes that match"),
		path("xpath_boolean", "boolean", "whether something matches, or what the expression says"),
		path("xpath_double xpath_number", "double", "the number that matches, NaN for what is none"),
		path("xpath_float", "float", "the number that matches, NaN for what is none"),
		path("xpath_int", "int", "the number that matches, 0 for what is none"),
		path("xpath_long", "bigint", "the number that matches, 0 for what is none"),
		path("xpath_short", "smallint", "the number that matches, 0 for what is none"),
		path("xpath_string", "string", "the text of the first node that matches, empty where there is none"),
	}
}

// codingFunctions are of text that means something else.
func codingFunctions() []*Function {
	return []*Function{
		scalar("aes_decrypt", "aes_decrypt(input, key) - Decrypts by AES; keys have 16, 24 or 32 bytes", sig("binary binary->binary")),
		scalar("aes_encrypt", "aes_encrypt(input, key) - Encrypts by AES; keys have 16, 24 or 32 bytes", sig("binary binary->binary")),
		scalar("deserialize", "deserialize(message, format) - Undoes gzip(json) compression in base 64", sig("string string->string")),
		scalar("in_file", "in_file(str, file) - Returns whether str is a line of a local file", sig("string string->boolean")),
		scalar("json_read", "json_read(json, type) - Makes a value of a type of JSON", bindJSONRead),
		reflection(),
		scalar("sentences", "sentences(str[, language, country]) - Splits text into sentences and these into words", sig("string string? string?->array<array<string>>")),
	}
}

func bindJSONRead(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	c := args[1].Const
	if c == nil || !args[1].Type.Text() || c.Value == nil {
		return Binding{}, &TypeError{Index: 1, Want: "a constant type", Got: args[1].Type}
	}
	t, err := hivetype.Parse(c.Value.(string))
	if err != nil {
		return Binding{}, err
	}
	return bound(t, text, args[1].Type)
}

// bindMask is for text, integers and dates; other values are masked to NULL. settings is how many
// arguments there may be after the value.
func bindMask(settings int) binder {
	return func(args []Arg) (Binding, error) {
		if err := arity(args, 1, 1+settings); err != nil {
			return Binding{}, err
		}
		t := args[0].Type
		if !t.Primitive() {
			return Binding{}, &TypeError{Index: 0, Want: "a primitive value", Got: t}
		}
		b := Binding{Args: argTypes(args), Result: t}
		switch t.Kind {
		case hivetype.Char:
			b.Result = hivetype.CharOf(hivetype.MaxChar)
		case hivetype.Varchar:
			b.Result = hivetype.VarcharOf(hivetype.MaxVarchar)
		case hivetype.Void:
			b.Args[0], b.Result = text, text
		}
		return b, nil
	}
}

// bindFormatNumber takes a number of places, or a pattern such as '##,##0.0#'.
func bindFormatNumber(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	t, err := numeric(0, args[0])
	if err != nil || args[0].Type.Text() {
		return Binding{}, &TypeError{Index: 0, Want: "a number", Got: args[0].Type}
	}
	if t.Kind != hivetype.Decimal {
		t = double
	}
	switch k := args[1].Type; {
	case k.Integer():
		return bound(text, t, hivetype.Of(hivetype.Int))
	case k.Text():
		return bound(text, t, text)
	}
	return Binding{}, &TypeError{Index: 1, Want: "a number of places or a pattern", Got: args[1].Type}
}

// bindPart is of the parts of dates and times, and of intervals that have them.
func bindPart(of hivetype.Kind, interval hivetype.Kind) binder {
	return func(args []Arg) (Binding, error) {
		if len(args) == 1 && args[0].Type.Kind == interval {
			return bound(hivetype.Of(hivetype.Int), args[0].Type)
		}
		return sig(of.String() + "->int")(args)
	}
}

// floorFunctions go back to the beginning of a unit of time.
func floorFunctions() []*Function {
	var list []*Function
	for _, unit := range []string{"year", "quarter", "month", "week", "day", "hour", "minute", "second"} {
		list = append(list, scalar("floor_"+unit, "floor_"+unit+"(ts) - Returns the beginning of the "+unit, bindFloorTime))
	}
	return list
}

func bindFloorTime(args []Arg) (Binding, error) {
	if len(args) == 1 && args[0].Type.Kind == hivetype.Date {
		return bound(args[0].Type, args[0].Type)
	}
	return sig("timestamp->timestamp")(args)
}

// bindCalendar is of functions that return the date or timestamp they are given.
func bindCalendar(args []Arg) (Binding, error) {
	if len(args) == 1 && args[0].Type.Kind == hivetype.Date {
		return sig("date->date")(args)
	}
	return sig("timestamp->timestamp")(args)
}

func bindTumblingWindow(args []Arg) (Binding, error) {
	if err := arity(args, 2, 3); err != nil {
		return Binding{}, err
	}
	if args[1].Type.Kind != hivetype.IntervalDayTime {
		return Binding{}, &TypeError{Index: 1, Want: "interval_day_time", Got: args[1].Type}
	}
	b := Binding{Args: []hivetype.Type{timestamp, args[1].Type}, Result: timestamp}
	for _, i := range []int{0, 2} {
		if i < len(args) && !accepts(args[i].Type, timestamp) {
			return Binding{}, &TypeError{Index: i, Want: "timestamp", Got: args[i].Type}
		}
	}
	if len(args) == 3 {
		b.Args = append(b.Args, timestamp)
	}
	return b, nil
}

// bindSortArrayBy wants an array of structs, names of their fields, and perhaps ASC or DESC.
func bindSortArrayBy(args []Arg) (Binding, error) {
	if err := arity(args, 2, -1); err != nil {
		return Binding{}, err
	}
	t := args[0].Type
	if t.Kind != hivetype.Array || t.Elem.Kind != hivetype.Struct {
		return Binding{}, &TypeError{Index: 0, Want: "an array of structs", Got: t}
	}
	for i, a := range args[1:] {
		s := ""
		if a.Const != nil && a.Type.Text() && a.Const.Value != nil {
			s = strings.ToLower(a.Const.Value.(string))
		}
		known := i == len(args)-2 && i > 0 && (s == "asc" || s == "desc")
		for _, f := range t.Elem.Fields {
			known = known || strings.EqualFold(f.Name, s)
		}
		if !known {
			return Binding{}, &TypeError{Index: i + 1, Want: "the name of a field of " + t.Elem.String(), Got: a.Type}
		}
	}
	return bound(t, argTypes(args)...)
}

// bindArrayAppend gives the array's type.
func bindArrayAppend(args []Arg) (Binding, error) { return bindArrayRemove(args) }

func bindArrayPosition(args []Arg) (Binding, error) {
	b, err := bindArrayContains(args)
	b.Result = hivetype.Of(hivetype.Int)
	return b, err
}

func bindHistogram(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	if _, err := numeric(0, args[0]); err != nil {
		return Binding{}, err
	}
	if !args[1].Type.Integer() {
		return Binding{}, &TypeError{Index: 1, Want: "a number of bins", Got: args[1].Type}
	}
	return bound(mustType("array<struct<x:double,y:double>>"), double, hivetype.Of(hivetype.Int))
}

// words is an array of words, or of sentences, which are arrays of words.
func words(i int, a Arg) error {
	t := a.Type
	if t.Kind == hivetype.Array && t.Elem.Kind == hivetype.Array {
		t = *t.Elem
	}
	if t.Kind != hivetype.Array || !t.Elem.Text() {
		return &TypeError{Index: i, Want: "an array of strings, or of arrays of them", Got: a.Type}
	}
	return nil
}

// bindNgrams wants words, a length or a context, how many to return, and perhaps a factor of
// precision, which is not needed, since all are counted.
func bindNgrams(second hivetype.Type) binder {
	result := mustType("array<struct<ngram:array<string>,estfrequency:double>>")
	return func(args []Arg) (Binding, error) {
		if err := arity(args, 3, 4); err != nil {
			return Binding{}, err
		}
		if err := words(0, args[0]); err != nil {
			return Binding{}, err
		}
		if !hivetype.Implicit(args[1].Type, second) {
			return Binding{}, &TypeError{Index: 1, Want: second.String(), Got: args[1].Type}
		}
		b := Binding{Args: []hivetype.Type{args[0].Type, second}, Result: result}
		for i, a := range args[2:] {
			if !a.Type.Integer() {
				return Binding{}, &TypeError{Index: i + 2, Want: "an integer", Got: a.Type}
			}
			b.Args = append(b.Args, hivetype.Of(hivetype.Int))
		}
		return b, nil
	}
}

// refusedFunctions are functions of Hive that are known and not there, with what they are.
var refusedFunctions = map[string]string{
	"reflect2":   "runs Java code",
	"get_splits": "belongs to LLAP", "get_llap_splits": "belongs to LLAP",
	"compute_bit_vector_hll": "makes statistics", "compute_bit_vector_fm": "makes statistics",
	"ndv_compute_bit_vector": "makes statistics", "compute_stats": "makes statistics",
	"bloom_filter": "belongs to Hive's optimizer", "in_bloom_filter": "belongs to Hive's optimizer",
	"bucket_number": "belongs to Hive's optimizer", "sq_count_check": "belongs to Hive's optimizer",
	"cardinality_violation": "belongs to Hive's optimizer", "$sum0": "belongs to Hive's optimizer", "validate_acid_sort_order": "belongs to transactional tables",
	"enforce_constraint": "belongs to INSERT", "toarray": "belongs to Hive's casts", "tomap": "belongs to Hive's casts", "tostruct": "belongs to Hive's casts",
	"get_sql_schema": "asks HiveServer2", "restrict_information_schema": "belongs to authorization", "split_map_privs": "belongs to authorization",
	"exception_in_vertex_udf": "belongs to tests", "exception_in_vertex_udaf": "belongs to tests", "assert_true_oom": "belongs to tests",
	"matchpath": "is a partitioned table function", "surrogate_key": "belongs to transactional tables",
}

// refused says why a function of Hive is not there; "" for other names.
func refused(name string) string {
	name = strings.ToLower(name)
	switch {
	case strings.HasPrefix(name, "st_"):
		return "is geospatial"
	case strings.HasPrefix(name, "ds_"):
		return "is of data sketches"
	}
	return refusedFunctions[name]
}
