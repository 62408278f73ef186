package analysis

import "github.com/skepdata/skep/hivetype"

func mathFunctions() []*Function {
	real1 := sig("double->double")
	random := scalar("rand", "rand([seed]) - Returns a pseudorandom number between 0 and 1", sig("bigint?->double"))
	random.Volatile = true
	return []*Function{
		scalar("abs", "abs(x) - Returns the absolute value of x", bindAbs),
		scalar("acos", "acos(x) - Returns the arc cosine of x if -1<=x<=1, NULL otherwise", real1),
		scalar("asin", "asin(x) - Returns the arc sine of x if -1<=x<=1, NULL otherwise", real1),
		scalar("atan", "atan(x) - Returns the arc tangent of x in radians", real1),
		scalar("bin", "bin(n) - Returns n in binary", sig("bigint->string")),
		scalar("bround", "bround(x[, d]) - Rounds x to d decimal places, halves to the even neighbour", bindRound),
		scalar("cbrt", "cbrt(x) - Returns the cube root of x", real1),
		scalar("ceil ceiling", "ceil(x) - Returns the smallest integer not less than x", bindFloor),
		scalar("conv", "conv(num, from_base, to_base) - Converts num from from_base to to_base", sig("string int int->string")),
		scalar("cos", "cos(x) - Returns the cosine of x, x in radians", real1),
		scalar("cosh", "cosh(x) - Returns the hyperbolic cosine of x", real1),
		scalar("degrees", "degrees(x) - Converts radians to degrees", real1),
		scalar("e", "e() - Returns Euler's number", sig("->double")),
		scalar("exp", "exp(x) - Returns e to the power of x", real1),
		scalar("factorial", "factorial(n) - Returns n! for n from 0 to 20, NULL otherwise", sig("int->bigint")),
		scalar("floor", "floor(x) - Returns the largest integer not greater than x", bindFloor),
		scalar("greatest", "greatest(v1, v2, ...) - Returns the greatest value, NULL if one is NULL", bindGreatest),
		scalar("least", "least(v1, v2, ...) - Returns the least value, NULL if one is NULL", bindGreatest),
		scalar("ln", "ln(x) - Returns the natural logarithm of x", real1),
		scalar("log", "log([b,] x) - Returns the logarithm of x with base b", sig("double double?->double")),
		scalar("log10", "log10(x) - Returns the logarithm of x with base 10", real1),
		scalar("log2", "log2(x) - Returns the logarithm of x with base 2", real1),
		scalar("mod", "mod(a, b) - Returns the remainder of a divided by b", bindModulo),
		scalar("negative", "negative(a) - Returns -a", numberToItself),
		scalar("pi", "pi() - Returns pi", sig("->double")),
		scalar("pmod", "pmod(a, b) - Returns the remainder of a divided by b, which is not negative for positive b", bindPositiveModulo),
		scalar("positive", "positive(a) - Returns a", bindPositive),
		scalar("power pow", "power(x1, x2) - Returns x1 to the power of x2", sig("double double->double")),
		scalar("radians", "radians(x) - Converts degrees to radians", real1),
		random,
		scalar("round", "round(x[, d]) - Rounds x to d decimal places, halves away from zero", bindRound),
		scalar("shiftleft", "shiftleft(a, b) - Shifts a by b bits to the left", bindShift),
		scalar("shiftright", "shiftright(a, b) - Shifts a by b bits to the right, keeping the sign", bindShift),
		scalar("shiftrightunsigned", "shiftrightunsigned(a, b) - Shifts a by b bits to the right, filling with zeros", bindShift),
		scalar("sign", "sign(x) - Returns the sign of x: -1.0, 0.0 or 1.0", bindSign),
		scalar("sin", "sin(x) - Returns the sine of x, x in radians", real1),
		scalar("sinh", "sinh(x) - Returns the hyperbolic sine of x", real1),
		scalar("sqrt", "sqrt(x) - Returns the square root of x, NULL for negative x", real1),
		scalar("tan", "tan(x) - Returns the tangent of x, x in radians", real1),
		scalar("tanh", "tanh(x) - Returns the hyperbolic tangent of x", real1),
		scalar("width_bucket", "width_bucket(expr, min, max, n) - Returns the bucket from 0 to n+1 that expr falls into", sig("double double double int->int")),
	}
}

// numeric is the type as which a function of numbers takes an argument: text and NULL count as
// double.
func numeric(i int, a Arg) (hivetype.Type, error) {
	switch {
	case a.Type.Numeric():
		return a.Type, nil
	case a.Type.Text() || a.Type.Kind == hivetype.Void:
		return double, nil
	}
	return hivetype.Type{}, &TypeError{Index: i, Want: "a number", Got: a.Type}
}

func numberToItself(args []Arg) (Binding, error) {
	if err := arity(args, 1, 1); err != nil {
		return Binding{}, err
	}
	t, err := numeric(0, args[0])
	return Binding{Args: []hivetype.Type{t}, Result: t}, err
}

// bindPositive leaves text as it is.
func bindPositive(args []Arg) (Binding, error) {
	if len(args) == 1 && args[0].Type.Text() {
		return bound(args[0].Type, args[0].Type)
	}
	return numberToItself(args)
}

// bindAbs gives an int for the integers smaller than that, and a double for a float.
func bindAbs(args []Arg) (Binding, error) {
	b, err := numberToItself(args)
	switch {
	case err != nil:
	case b.Result.Kind == hivetype.TinyInt || b.Result.Kind == hivetype.SmallInt:
		b.Args[0], b.Result = hivetype.Of(hivetype.Int), hivetype.Of(hivetype.Int)
	case b.Result.Kind == hivetype.Float:
		b.Args[0], b.Result = double, double
	}
	return b, err
}

// bindFloor gives bigint, and for decimals a decimal without fraction that has room for the
// digit which rounding may add.
//
// floor(ts TO unit) comes with the unit as a constant.
func bindFloor(args []Arg) (Binding, error) {
	if len(args) == 2 && args[1].Const != nil && args[1].Type.Text() {
		b, err := bindFloorTime(args[:1])
		b.Args = append(b.Args, text)
		return b, err
	}
	b, err := numberToItself(args)
	if err != nil {
		return b, err
	}
	if t := b.Args[0]; t.Kind == hivetype.Decimal {
		b.Result = hivetype.DecimalOf(min(t.Precision-t.Scale+1, hivetype.MaxPrecision), 0)
	} else {
		b.Result = bigint
	}
	return b, nil
}

// bindRound wants a constant number of places, on which the type of a rounded decimal depends.
func bindRound(args []Arg) (Binding, error) {
	if err := arity(args, 1, 2); err != nil {
		return Binding{}, err
	}
	t, err := numeric(0, args[0])
	if err != nil {
		return Binding{}, err
	}
	b := Binding{Args: []hivetype.Type{t}, Result: t}
	places := 0
	if len(args) == 2 {
		if !args[1].Type.Integer() && args[1].Type.Kind != hivetype.Void {
			return Binding{}, &TypeError{Index: 1, Want: "an integer", Got: args[1].Type}
		}
		b.Args = append(b.Args, hivetype.Of(hivetype.Int))
		c := args[1].Const
		if c == nil && t.Kind == hivetype.Decimal {
			return Binding{}, &TypeError{Index: 1, Want: "a constant integer", Got: args[1].Type}
		}
		if c != nil && c.Value != nil {
			places = int(c.Value.(int64))
		}
	}
	if t.Kind == hivetype.Decimal {
		whole, scale := t.Precision-t.Scale, max(min(places, hivetype.MaxPrecision), 0)
		if places < t.Scale {
			whole++
		}
		if places >= t.Scale {
			scale = t.Scale
		}
		b.Result = hivetype.DecimalOf(max(1, min(whole+scale, hivetype.MaxPrecision)), scale)
	}
	return b, nil
}

func bindSign(args []Arg) (Binding, error) {
	b, err := numberToItself(args)
	b.Result = double
	if err == nil && b.Args[0].Kind == hivetype.Decimal {
		b.Result = hivetype.Of(hivetype.Int)
	}
	return b, err
}

func bindModulo(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	return arithmetic(hivetype.DecimalMod, ofItsType)(args)
}

// bindPositiveModulo leaves room for the whole digits of both decimals.
func bindPositiveModulo(args []Arg) (Binding, error) {
	b, err := bindModulo(args)
	if err == nil && b.Result.Kind == hivetype.Decimal {
		x, y := asWritten(args[0]), asWritten(args[1])
		scale := max(x.Scale, y.Scale)
		b.Result = hivetype.DecimalOf(min(max(x.Precision-x.Scale, y.Precision-y.Scale)+scale, hivetype.MaxPrecision), scale)
	}
	return b, err
}

func bindShift(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	t := hivetype.Of(hivetype.Int)
	switch a := args[0].Type; {
	case a.Kind == hivetype.BigInt:
		t = a
	case !a.Integer() && a.Kind != hivetype.Void:
		return Binding{}, &TypeError{Index: 0, Want: "an integer", Got: a}
	}
	if !accepts(args[1].Type, hivetype.Of(hivetype.Int)) {
		return Binding{}, &TypeError{Index: 1, Want: "int", Got: args[1].Type}
	}
	return bound(t, t, hivetype.Of(hivetype.Int))
}

func bindGreatest(args []Arg) (Binding, error) {
	if err := arity(args, 2, -1); err != nil {
		return Binding{}, err
	}
	t, err := comparison(args)
	if err == nil && !t.Primitive() {
		err = &TypeError{Index: 0, Want: "a primitive value", Got: t}
	}
	return same(args, t, t), err
}
