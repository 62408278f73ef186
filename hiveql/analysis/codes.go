package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// Hive's numbers for the errors that analysis reports.
const (
	codeNoTable           = 10001
	codeNoColumn          = 10002
	codeNoAliasOrColumn   = 10004
	codeAmbiguousColumn   = 10007
	codeAmbiguousAlias    = 10008
	codeNoAlias           = 10009
	codeNoFunction        = 10011
	codeArguments         = 10014
	codeArgumentCount     = 10015
	codeArgumentType      = 10016
	codeNotInGroupBy      = 10025
	codeNumber            = 10029
	codeIndexType         = 10030
	codeNotCollection     = 10033
	codeDot               = 10042
	codeInsertMismatch    = 10044
	codeTableFunctionAlso = 10075
	codeTableFunction     = 10081
	codeTableFunctionAs   = 10083
	codeDynamicOrder      = 10094
	codeDynamicDisabled   = 10095
	codeDynamicStrict     = 10096
	codeGroupingSets      = 10411
	codeAggregate         = 10128
	codeGroupingNoMap     = 10209
	codeSetNotInGroupBy   = 10213
	codePartitionSpec     = 10214
	codeGroupByPosition   = 10220
	codeOrderByPosition   = 10221
	codeGroupingSkew      = 10225
	codeNoOver            = 10247
	codeSubquery          = 10249
	codeGroupingArgument  = 10409
)

// failf is an error at a node.
func failf(n syntax.Node, code int, format string, args ...any) *Error {
	return &Error{Code: code, At: n.Pos(), Msg: fmt.Sprintf(format, args...)}
}

// unsupported is an error about a feature that is Hive's but not ours. what names it: "TABLESAMPLE".
func unsupported(n syntax.Node, what string) *Error {
	return &Error{At: n.Pos(), Msg: what + " is not supported yet", Err: syntax.ErrUnsupported}
}

func near(text string) string { return "'" + text + "'" }

// written is an expression as Hive quotes it in errors.
func written(e syntax.Expr) string { return syntax.Print(e) }

// Suggest is a hint naming what the user may have meant, or "".
func Suggest(name string, candidates []string) string {
	name = strings.ToLower(name)
	best, distance := "", (len(name)+1)/3
	for _, c := range candidates {
		if d := editDistance(name, strings.ToLower(c), distance); d <= distance && (best == "" || d < distance) {
			best, distance = c, d
		}
	}
	if best == "" || strings.EqualFold(best, name) {
		return ""
	}
	return "did you mean " + near(best) + "?"
}

// editDistance counts the characters to insert, remove, change or swap with a neighbour to get
// from a to b. It gives up with limit+1.
func editDistance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > limit || len(y)-len(x) > limit {
		return limit + 1
	}
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := last[j-1]
			if x[i-1] != y[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}

// names lists column names once each, in order of appearance.
func names(cols []Column) []string {
	var list []string
	for _, c := range cols {
		if !slices.Contains(list, c.Name) {
			list = append(list, c.Name)
		}
	}
	return list
}
