package hiveql

import (
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
)

// hiveClasses is the package in which Hive has the classes of its functions.
const hiveClasses = "org.apache.hadoop.hive.ql.udf."

// createFunction runs CREATE TEMPORARY FUNCTION of a class of Hive's own: the name is another one for a function that is
// built in. Other classes would have to run in Java.
func (s *Session) createFunction(n *syntax.CreateFunction) error {
	builtin, ok := functionOfClass(n.Class)
	if !ok || !n.Temporary || len(n.Name.Parts) > 1 {
		e := unsupported(n, "CREATE FUNCTION (Java classes)")
		e.Hint = "CREATE TEMPORARY MACRO makes a function of an expression"
		if ok {
			e.Hint = "CREATE TEMPORARY FUNCTION makes another name for " + builtin
		}
		return e
	}
	if s.functions == nil {
		s.functions = map[string]string{}
	}
	name := strings.ToLower(n.Name.Parts[0].Name)
	delete(s.macros, name)
	s.functions[name] = builtin
	return nil
}

// functionOfClass is the function that a class of Hive's is. The names of most classes are those of their functions, as
// in GenericUDFDateDiff.
func functionOfClass(class string) (name string, ok bool) {
	if !strings.HasPrefix(class, hiveClasses) {
		return "", false
	}
	class = class[strings.LastIndexByte(class, '.')+1:]
	switch class {
	case "UDFJson":
		return "get_json_object", true
	case "GenericUDFPosMod", "UDFPosMod":
		return "pmod", true
	case "GenericUDFStringToMap":
		return "str_to_map", true
	case "UDFXPathInteger":
		return "xpath_int", true
	case "GenericUDFSortArrayByField":
		return "sort_array_by", true
	case "GenericUDFOPNull":
		return "isnull", true
	case "GenericUDFOPNotNull":
		return "isnotnull", true
	}
	for _, prefix := range []string{"GenericUDTF", "GenericUDAF", "GenericUDF", "UDAF", "UDF"} {
		base, found := strings.CutPrefix(class, prefix)
		if !found {
			continue
		}
		for _, f := range analysis.Functions() {
			if strings.EqualFold(strings.ReplaceAll(f.Name, "_", ""), base) {
				return f.Name, true
			}
		}
		return "", false
	}
	return "", false
}

// renameFunctions gives calls of the session's functions in a statement the names of those that are built in.
func (s *Session) renameFunctions(stmt syntax.Stmt) {
	if len(s.functions) == 0 {
		return
	}
	syntax.Inspect(stmt, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.Call); ok && call.Database == nil {
			if builtin, ok := s.functions[strings.ToLower(call.Func.Name)]; ok {
				call.Func.Name = builtin
			}
		}
		return true
	})
}

// dropFunction runs DROP TEMPORARY MACRO and DROP FUNCTION, of macros and of names for functions.
func (s *Session) dropFunction(n *syntax.DropFunction) error {
	name := strings.ToLower(n.Name.Parts[len(n.Name.Parts)-1].Name)
	if len(n.Name.Parts) == 1 {
		if _, ok := s.macros[name]; ok {
			delete(s.macros, name)
			return nil
		}
		if _, ok := s.functions[name]; ok && !n.Macro {
			delete(s.functions, name)
			return nil
		}
	}
	if _, builtin := analysis.Lookup(name); builtin && !n.Macro {
		return semantic(&n.Name, 10301, "Cannot drop native function %s", name)
	}
	if n.IfExists || s.dropsQuietly() {
		return nil
	}
	return semantic(&n.Name, 10011, "Invalid function %s", name)
}
