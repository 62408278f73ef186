package analysis

import (
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// In arithmetic with a decimal, and as a branch beside one, Hive takes an integer constant for a decimal of as many digits as
// it is written with: amount / 3 of a decimal(5,2) is a decimal(9,6), where amount / n of an int n is a decimal(16,13). What
// operators have computed of constants keeps the digits of its type where Hive computes it too late: in all but + and -.

// operand says what decimal an argument is taken for in arithmetic with decimals.
type operand func(Arg) hivetype.Type

// ofItsType is the operand of functions.
func ofItsType(a Arg) hivetype.Type { return hivetype.AsDecimal(a.Type) }

// asWritten is the operand of *, / and %, and of branches.
func asWritten(a Arg) hivetype.Type {
	if a.Const != nil && a.Const.Computed {
		return ofItsType(a)
	}
	return asItIs(a)
}

// asItIs is the operand of + and -.
func asItIs(a Arg) hivetype.Type {
	if a.Const == nil || !a.Type.Integer() {
		return ofItsType(a)
	}
	n, ok := a.Const.Value.(int64)
	if !ok { // NULL
		return ofItsType(a)
	}
	return hivetype.DecimalOf(len(strings.TrimPrefix(strconv.FormatInt(n, 10), "-")), 0)
}

// bindBranches is sameTypes of values of which one is returned.
func bindBranches(args []Arg) (Binding, error) { return sameTypes(asBranches(args)) }

// asBranches has the integer constants as decimals if one of the others is a decimal.
func asBranches(args []Arg) []Arg {
	if !slices.ContainsFunc(args, func(a Arg) bool { return a.Const == nil && a.Type.Kind == hivetype.Decimal }) {
		return args
	}
	out := slices.Clone(args)
	for i, a := range args {
		if a.Const != nil && a.Type.Integer() {
			out[i].Type = asWritten(a)
		}
	}
	return out
}

// arithmeticOperator reports whether f computes a number from two.
func arithmeticOperator(f *Function) bool {
	return slices.Contains([]*Function{opAdd, opSub, opMul, opDiv, opIntDiv, opMod}, f)
}
