package analysis

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/skepdata/skep/hivetype"
)

// Lookup finds a built-in function by its name or one of its aliases, ignoring case.
func Lookup(name string) (*Function, bool) {
	f, ok := catalogue().byName[strings.ToLower(name)]
	return f, ok
}

// Functions lists the built-in functions, each once, sorted by name. The caller must not change
// them.
func Functions() []*Function { return slices.Clone(catalogue().sorted) }

type functionTable struct {
	byName map[string]*Function
	sorted []*Function
}

var catalogue = sync.OnceValue(func() functionTable {
	t := functionTable{byName: map[string]*Function{}}
	for _, list := range [][]*Function{
		mathFunctions(), textFunctions(), patternFunctions(), dateFunctions(), conditionalFunctions(),
		conversionFunctions(), collectionFunctions(), sessionFunctions(), aggregateFunctions(),
		windowFunctions(), tableFunctions(), xmlFunctions(), codingFunctions(), floorFunctions(),
	} {
		t.sorted = append(t.sorted, list...)
	}
	slices.SortFunc(t.sorted, func(a, b *Function) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range t.sorted {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if t.byName[name] != nil {
				panic("function " + name + " is in the catalogue twice")
			}
			t.byName[name] = f
		}
	}
	return t
})

// binder is the type of Function.Bind.
type binder = func(args []Arg) (Binding, error)

// scalar makes a scalar function. names are its name and then its aliases.
func scalar(names, usage string, bind binder) *Function {
	list := strings.Fields(names)
	return &Function{Name: list[0], Aliases: list[1:], Kind: ScalarFunction, Usage: usage, Bind: bind}
}

// ArityError is Bind's error about a wrong number of arguments.
type ArityError struct {
	Want string // "2 arguments", "1 to 3 arguments", "at least 1 argument"
	Got  int
}

func (e *ArityError) Error() string { return fmt.Sprintf("takes %s, got %d", e.Want, e.Got) }

// arity checks the number of arguments; most below 0 means any number.
func arity(args []Arg, least, most int) error {
	if len(args) >= least && (most < 0 || len(args) <= most) {
		return nil
	}
	want := fmt.Sprintf("%d to %d arguments", least, most)
	switch {
	case most < 0:
		want = "at least " + plural(least)
	case most == 0:
		want = "no arguments"
	case least == most:
		want = plural(least)
	}
	return &ArityError{Want: want, Got: len(args)}
}

func plural(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// TypeError is Bind's error about the type of one argument.
type TypeError struct {
	Index int // from 0
	Want  string
	Got   hivetype.Type
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("takes %s as argument %d, got %s", e.Want, e.Index+1, e.Got)
}

// sig binds by a signature: parameter types separated by spaces, "?" after one that may be left
// out, "*" after the last one if it may be repeated (none or more times), then "->" and the
// result. Types are Hive's, or "any"; a result of "$1" is the type of the first argument.
func sig(text string) binder {
	in, out, _ := strings.Cut(text, "->")
	var params []parameter
	least, most := 0, 0
	for _, word := range strings.Fields(in) {
		p := parameter{repeated: strings.HasSuffix(word, "*")}
		optional := p.repeated || strings.HasSuffix(word, "?")
		p.name = strings.TrimRight(word, "?*")
		if p.name != "any" {
			p.t = mustType(p.name)
		}
		params = append(params, p)
		if !optional {
			least++
		}
		if most++; p.repeated {
			most = -1
		}
	}
	out = strings.TrimSpace(out)
	return func(args []Arg) (Binding, error) {
		if err := arity(args, least, most); err != nil {
			return Binding{}, err
		}
		b := Binding{Args: make([]hivetype.Type, len(args))}
		for i, a := range args {
			p := params[min(i, len(params)-1)]
			t, err := p.accept(i, a)
			if err != nil {
				return Binding{}, err
			}
			b.Args[i] = t
		}
		if out == "$1" {
			b.Result = b.Args[0]
		} else {
			b.Result = mustType(out)
		}
		return b, nil
	}
}

type parameter struct {
	name     string
	t        hivetype.Type
	repeated bool
}

func (p parameter) accept(i int, a Arg) (hivetype.Type, error) {
	switch {
	case p.name == "any":
		return a.Type, nil
	case !accepts(a.Type, p.t):
		return hivetype.Type{}, &TypeError{Index: i, Want: p.t.String(), Got: a.Type}
	}
	return p.t, nil
}

// accepts reports whether a value of type from may stand where a function wants type to. It is
// wider than hivetype.Implicit where Hive's functions look at the values themselves: text is
// read as a date, and numbers as narrower ones.
func accepts(from, to hivetype.Type) bool {
	if hivetype.Implicit(from, to) {
		return true
	}
	if !from.Primitive() || !to.Primitive() {
		return false
	}
	switch {
	case to.Text():
		return from.Kind == hivetype.Boolean || from.Kind == hivetype.Binary
	case to.Numeric():
		return from.Numeric() || from.Text()
	case to.Kind == hivetype.Date || to.Kind == hivetype.Timestamp:
		return from.Text() || from.Kind == hivetype.Date || from.Kind == hivetype.Timestamp ||
			from.Kind == hivetype.TimestampLocalTZ
	case to.Kind == hivetype.Binary:
		return from.Text()
	}
	return false
}

func mustType(s string) hivetype.Type {
	t, err := hivetype.Parse(s)
	if err != nil {
		panic(err)
	}
	return t
}

// sameTypes converts all arguments to one type and returns it too.
func sameTypes(args []Arg) (Binding, error) {
	if err := arity(args, 1, -1); err != nil {
		return Binding{}, err
	}
	t := args[0].Type
	for i, a := range args[1:] {
		c, ok := hivetype.Common(t, a.Type)
		if !ok {
			return Binding{}, &TypeError{Index: i + 1, Want: t.String(), Got: a.Type}
		}
		t = c
	}
	return Binding{Args: slices.Repeat([]hivetype.Type{t}, len(args)), Result: t}, nil
}

// bound makes a Binding of a result and argument types.
func bound(result hivetype.Type, args ...hivetype.Type) (Binding, error) {
	return Binding{Args: args, Result: result}, nil
}

// argTypes are the types of arguments as they are.
func argTypes(args []Arg) []hivetype.Type {
	list := make([]hivetype.Type, len(args))
	for i, a := range args {
		list[i] = a.Type
	}
	return list
}
