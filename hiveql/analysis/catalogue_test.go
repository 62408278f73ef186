package analysis

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/hivetype"
)

// call binds a function to arguments written as types; 'x' is a constant text, 7 an integer
// constant.
func call(t *testing.T, name string, types ...string) (Binding, error) {
	t.Helper()
	f, ok := Lookup(name)
	if !ok {
		t.Fatalf("there is no function %s", name)
	}
	var args []Arg
	for _, s := range types {
		switch {
		case strings.HasPrefix(s, "'"):
			args = append(args, Arg{Type: text, Const: &Const{Value: strings.Trim(s, "'"), T: text}})
		case s[0] >= '0' && s[0] <= '9':
			n := int64(s[0] - '0')
			args = append(args, Arg{Type: hivetype.Of(hivetype.Int), Const: &Const{Value: n, T: hivetype.Of(hivetype.Int)}})
		case s == "void":
			args = append(args, Arg{})
		default:
			args = append(args, Arg{Type: mustType(s)})
		}
	}
	return f.Bind(args)
}

func TestBind(t *testing.T) {
	for _, c := range []struct{ call, want string }{
		{"sum int", "(bigint) bigint"}, {"sum float", "(double) double"}, {"sum string", "(double) double"},
		{"sum decimal(10,2)", "(decimal(10,2)) decimal(20,2)"}, {"sum decimal(35,2)", "(decimal(35,2)) decimal(38,2)"},
		{"avg int", "(double) double"}, {"avg decimal(10,2)", "(decimal(10,2)) decimal(14,6)"},
		{"min array<int>", "(array<int>) array<int>"}, {"max map<int,int>", ""}, {"count int string", "(int,string) bigint"}, {"count", "() bigint"},
		{"collect_list int", "(int) array<int>"}, {"percentile int double", "(double,double) double"},
		{"percentile int array<double>", "(double,array<double>) array<double>"},
		{"round double 2", "(double,int) double"}, {"round decimal(10,3) 1", "(decimal(10,3),int) decimal(9,1)"},
		{"round decimal(10,3)", "(decimal(10,3)) decimal(8,0)"}, {"round decimal(10,1) 3", "(decimal(10,1),int) decimal(10,1)"},
		{"round string", "(double) double"}, {"round int", "(int) int"}, {"round date", ""}, {"round double int int", ""},
		{"floor double", "(double) bigint"}, {"ceil decimal(10,3)", "(decimal(10,3)) decimal(8,0)"},
		{"abs void", "(double) double"}, {"substr string int", "(string,int) string"}, {"substr binary int bigint", "(binary,int,int) binary"},
		{"substr int int", "(string,int) string"}, {"substr string", ""}, {"substr string date", ""},
		{"concat string int double", "(string,string,string) string"}, {"concat binary binary", "(binary,binary) binary"}, {"concat array<int>", ""},
		{"concat_ws string array<string> int", "(string,array<string>,string) string"}, {"concat_ws string array<int>", ""},
		{"if boolean int bigint", "(boolean,bigint,bigint) bigint"}, {"if boolean int array<int>", ""}, {"coalesce void int string", "(string,string,string) string"},
		{"nullif int bigint", "(int,bigint) int"}, {"nvl string", ""},
		{"date_add string int", "(date,int) date"}, {"date_add timestamp smallint", "(date,int) date"}, {"date_add int int", ""},
		{"datediff string date", "(date,date) int"}, {"trunc date string", "(date,string) string"}, {"trunc double 2", "(double,int) double"},
		{"unix_timestamp", "() bigint"}, {"unix_timestamp string", "(string) bigint"}, {"unix_timestamp string string", "(string,string) bigint"},
		{"array int double", "(double,double) array<double>"}, {"array", "() array<string>"}, {"array int array<int>", ""},
		{"map string int string bigint", "(string,bigint,string,bigint) map<string,bigint>"}, {"map string", ""}, {"map array<int> int", ""},
		{"named_struct 'a' int 'b' string", "(string,int,string,string) struct<a:int,b:string>"}, {"named_struct string int", ""},
		{"struct int string", "(int,string) struct<col1:int,col2:string>"}, {"size map<int,int>", "(map<int,int>) int"}, {"size int", ""},
		{"map_keys map<string,int>", "(map<string,int>) array<string>"}, {"map_values map<string,int>", "(map<string,int>) array<int>"},
		{"array_contains array<bigint> int", "(array<bigint>,bigint) boolean"}, {"array_contains array<int> array<int>", ""},
		{"lag int 1 bigint", "(int,int,int) int"}, {"lag int string", ""}, {"first_value int boolean", "(int,boolean) int"},
		{"row_number", "() int"}, {"row_number int", ""}, {"ntile int", "(int) int"}, {"shiftleft bigint int", "(bigint,int) bigint"},
		{"shiftleft tinyint int", "(int,int) int"}, {"hex int", "(bigint) string"}, {"hex string", "(string) string"}, {"hex binary", "(binary) string"},
		{"greatest int double", "(double,double) double"}, {"greatest int", ""}, {"sign decimal(3,1)", "(decimal(3,1)) int"}, {"sign int", "(int) double"},
		{"pmod decimal(5,2) int", "(decimal(5,2),decimal(10,0)) decimal(12,2)"}, {"split string string", "(string,string) array<string>"},
		{"regexp_extract string string int", "(string,string,int) string"}, {"double string", "(string) double"}, {"double array<int>", ""},
		{"hash int string", "(int,string) int"}, {"hash map<int,int>", "(map<int,int>) int"}, {"hash array<binary>", "(array<binary>) int"}, {"hash decimal(4,2)", "(decimal(4,2)) int"}, {"mask int", "(int) int"}, {"mask_last_n date int", "(date,int) date"}, {"mask_first_n char(3)", "(char(3)) char(255)"}, {"isnull array<int>", "(array<int>) boolean"},
		{"explode array<int>", "(array<int>) col:int"}, {"explode map<string,int>", "(map<string,int>) key:string,value:int"},
		{"posexplode array<int>", "(array<int>) pos:int,val:int"}, {"explode int", ""}, {"inline array<struct<a:int,b:string>>", "(array<struct<a:int,b:string>>) a:int,b:string"},
		{"inline array<int>", ""}, {"stack 2 int string bigint", "(int,bigint,string,bigint) col0:bigint,col1:string"}, {"stack int int", ""},
		{"json_tuple string string string", "(string,string,string) c0:string,c1:string"}, {"json_tuple string", ""},
	} {
		words := strings.Fields(c.call)
		b, err := call(t, words[0], words[1:]...)
		if got := describe(b); c.want == "" && err == nil || c.want != "" && (err != nil || got != c.want) {
			t.Errorf("%s: %s, %v; want %s", c.call, got, err, c.want)
		}
	}
}

func describe(b Binding) string {
	var args, columns []string
	for _, a := range b.Args {
		args = append(args, a.String())
	}
	for _, f := range b.Columns {
		columns = append(columns, f.Name+":"+f.Type.String())
	}
	s := "(" + strings.Join(args, ",") + ") "
	if b.Columns != nil {
		return s + strings.Join(columns, ",")
	}
	return s + b.Result.String()
}

func TestBindErrors(t *testing.T) {
	var arity *ArityError
	if _, err := call(t, "substr", "string"); !errors.As(err, &arity) || err.Error() != "takes 2 to 3 arguments, got 1" {
		t.Errorf("substr of one argument: %v", err)
	}
	if _, err := call(t, "pi", "int"); !errors.As(err, &arity) || err.Error() != "takes no arguments, got 1" {
		t.Errorf("pi of one argument: %v", err)
	}
	if _, err := call(t, "greatest", "int"); !errors.As(err, &arity) || err.Error() != "takes at least 2 arguments, got 1" {
		t.Errorf("greatest of one argument: %v", err)
	}
	var kind *TypeError
	if _, err := call(t, "size", "int"); !errors.As(err, &kind) || kind.Index != 0 {
		t.Errorf("size of an int: %v", err)
	}
}

// Functions are listed in order, once, with a usage that begins with the name, and every name
// finds its function. Bind withstands any number of arguments of any type.
func TestCatalogue(t *testing.T) {
	all := Functions()
	if !slices.IsSortedFunc(all, func(a, b *Function) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the functions are not in order")
	}
	lower := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	kinds := []string{"void", "boolean", "tinyint", "bigint", "double", "decimal(38,10)", "string", "char(3)", "binary", "date",
		"timestamp", "array<int>", "map<string,int>", "struct<a:int>", "array<struct<a:int>>"}
	for _, f := range all {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if got, ok := Lookup(strings.ToUpper(name)); !ok || got != f || !lower.MatchString(name) {
				t.Errorf("Lookup(%s) = %v, %v", name, got, ok)
			}
		}
		if !strings.HasPrefix(f.Usage, f.Name+"(") || !strings.Contains(f.Usage, " - ") {
			t.Errorf("the usage of %s is %q", f.Name, f.Usage)
		}
		for n := range 5 {
			for _, kind := range kinds {
				b, err := call(t, f.Name, slices.Repeat([]string{kind}, n)...)
				if err == nil && len(b.Args) != n {
					t.Errorf("%s bound %d arguments of %d", f.Name, len(b.Args), n)
				}
			}
		}
	}
	if _, ok := Lookup("no_such_function"); ok {
		t.Error("Lookup found what is not there")
	}
}

// What is said of functions that are not Hive's is said of none that is there.
func TestFunctionsElsewhere(t *testing.T) {
	for name := range functionsElsewhere() {
		if _, ok := Lookup(name); ok {
			t.Errorf("there is a function %s", name)
		}
	}
}
