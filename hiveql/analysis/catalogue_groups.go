package analysis

import (
	"fmt"

	"github.com/skepdata/skep/hivetype"
)

func aggregate(names, usage string, bind binder) *Function {
	f := scalar(names, usage, bind)
	f.Kind = AggregateFunction
	return f
}

func aggregateFunctions() []*Function {
	real2 := sig("double double->double")
	return []*Function{
		aggregate("avg", "avg(x) - Returns the mean", bindAvg),
		aggregate("collect_list", "collect_list(x) - Returns an array of all values that are not NULL", bindCollect),
		aggregate("collect_set", "collect_set(x) - Returns an array of all values that are not NULL, each once, in the order in which they come first", bindCollect),
		aggregate("approx_distinct", "approx_distinct(x) - Returns about how many different values there are", sig("any->bigint")),
		aggregate("compute_bit_vector_hll", "compute_bit_vector_hll(x) - Returns the HyperLogLog sketch of the different values that the metastore keeps of a column", bindSketch),
		aggregate("context_ngrams", "context_ngrams(words, context, k[, precision]) - Returns the k words that stand most often where the context is NULL", bindNgrams(hivetype.ArrayOf(text))),
		aggregate("corr", "corr(x, y) - Returns the Pearson coefficient of correlation", real2),
		aggregate("count", "count(*) / count(x, ...) - Returns the number of rows, or of those where no x is NULL", bindCount),
		aggregate("covar_pop", "covar_pop(x, y) - Returns the population covariance", real2),
		aggregate("covar_samp", "covar_samp(x, y) - Returns the sample covariance", real2),
		aggregate("histogram_numeric", "histogram_numeric(x, n) - Returns a histogram of n bins", bindHistogram),
		aggregate("max", "max(x) - Returns the maximum", bindExtreme),
		aggregate("min", "min(x) - Returns the minimum", bindExtreme),
		aggregate("ngrams", "ngrams(words, n, k[, precision]) - Returns the k most frequent sequences of n words", bindNgrams(hivetype.Of(hivetype.Int))),
		aggregate("percentile", "percentile(x, p) - Returns the exact percentile of integers; p is from 0 to 1, or an array", bindPercentile),
		aggregate("percentile_approx", "percentile_approx(x, p[, b]) - Returns an approximate percentile", bindPercentile),
		aggregate("percentile_cont", "percentile_cont(x, p), or percentile_cont(p) WITHIN GROUP (ORDER BY x) - Returns the percentile, between two values where it falls there", bindPercentile),
		aggregate("percentile_disc", "percentile_disc(x, p), or percentile_disc(p) WITHIN GROUP (ORDER BY x) - Returns the value at the percentile", bindPercentile),
		aggregate("regr_avgx", "regr_avgx(y, x) - Returns the mean of x", real2),
		aggregate("regr_avgy", "regr_avgy(y, x) - Returns the mean of y", real2),
		aggregate("regr_count", "regr_count(y, x) - Returns the number of pairs without NULL", sig("double double->bigint")),
		aggregate("regr_intercept", "regr_intercept(y, x) - Returns the intercept of the regression line", real2),
		aggregate("regr_r2", "regr_r2(y, x) - Returns the coefficient of determination", real2),
		aggregate("regr_slope", "regr_slope(y, x) - Returns the slope of the regression line", real2),
		aggregate("regr_sxx", "regr_sxx(y, x) - Returns the sum of squares of x", real2),
		aggregate("regr_sxy", "regr_sxy(y, x) - Returns the sum of products", real2),
		aggregate("regr_syy", "regr_syy(y, x) - Returns the sum of squares of y", real2),
		aggregate("stddev_pop std stddev", "stddev_pop(x) - Returns the population standard deviation", bindSpread),
		aggregate("stddev_samp", "stddev_samp(x) - Returns the sample standard deviation", bindSpread),
		aggregate("sum", "sum(x) - Returns the sum", bindSum),
		aggregate("var_pop variance", "var_pop(x) - Returns the population variance", bindSpread),
		aggregate("var_samp", "var_samp(x) - Returns the sample variance", bindSpread),
	}
}

// bindSketch takes what Hive keeps a number of different values of: numbers, dates and text.
func bindSketch(args []Arg) (Binding, error) {
	if err := arity(args, 1, 1); err != nil {
		return Binding{}, err
	}
	b := Binding{Args: []hivetype.Type{args[0].Type}, Result: hivetype.Of(hivetype.Binary)}
	switch t := args[0].Type; {
	case t.Integer():
		b.Args[0] = bigint
	case t.Kind == hivetype.Float || t.Kind == hivetype.Double || t.Kind == hivetype.Decimal:
		b.Args[0] = hivetype.Of(hivetype.Double)
	case t.Kind == hivetype.String || t.Kind == hivetype.Varchar || t.Kind == hivetype.Char:
		b.Args[0] = text
	case t.Kind != hivetype.Date:
		return Binding{}, &TypeError{0, "a number, a date or text", t}
	}
	return b, nil
}

// bindSum gives bigint, double, or a decimal with ten more digits.
func bindSum(args []Arg) (Binding, error) {
	if b, ok := seconds(args); ok {
		return b, nil
	}
	b, err := numberToItself(args)
	if err != nil {
		return b, err
	}
	switch t := b.Args[0]; {
	case t.Integer():
		b.Args[0], b.Result = bigint, bigint
	case t.Kind == hivetype.Decimal:
		b.Result = hivetype.DecimalOf(min(t.Precision+10, hivetype.MaxPrecision), t.Scale)
	default:
		b.Args[0], b.Result = double, double
	}
	return b, nil
}

// bindAvg gives double, or a decimal with four more digits after the point.
func bindAvg(args []Arg) (Binding, error) {
	if b, ok := seconds(args); ok {
		return b, nil
	}
	b, err := numberToItself(args)
	if err != nil {
		return b, err
	}
	if t := b.Args[0]; t.Kind == hivetype.Decimal {
		whole := t.Precision - t.Scale
		scale := min(t.Scale+4, hivetype.MaxPrecision-whole)
		b.Result = hivetype.DecimalOf(whole+scale, scale)
	} else {
		b.Args[0], b.Result = double, double
	}
	return b, nil
}

// seconds takes timestamps for their seconds since 1970.
func seconds(args []Arg) (Binding, bool) {
	if len(args) != 1 || args[0].Type.Kind != hivetype.Timestamp {
		return Binding{}, false
	}
	return Binding{Args: []hivetype.Type{double}, Result: double}, true
}

// bindSpread is of standard deviations and variances.
func bindSpread(args []Arg) (Binding, error) {
	if b, ok := seconds(args); ok {
		return b, nil
	}
	return sig("double->double")(args)
}

func bindCount(args []Arg) (Binding, error) { return bound(bigint, argTypes(args)...) }

func bindExtreme(args []Arg) (Binding, error) {
	if err := arity(args, 1, 1); err != nil {
		return Binding{}, err
	}
	t := args[0].Type
	if t.Kind == hivetype.Map || t.Kind == hivetype.Union {
		return Binding{}, &TypeError{Index: 0, Want: "a value that has an order", Got: t}
	}
	return bound(t, t)
}

func bindCollect(args []Arg) (Binding, error) {
	if err := arity(args, 1, 1); err != nil {
		return Binding{}, err
	}
	t := args[0].Type
	if t.Kind == hivetype.Void {
		t = text
	}
	return bound(hivetype.ArrayOf(t), t)
}

// bindPercentile gives double, or an array of them for an array of percentiles.
func bindPercentile(args []Arg) (Binding, error) {
	if err := arity(args, 2, 3); err != nil {
		return Binding{}, err
	}
	if _, err := numeric(0, args[0]); err != nil {
		return Binding{}, err
	}
	at, result := double, double
	switch t := args[1].Type; {
	case t.Kind == hivetype.Array && (t.Elem.Numeric() || t.Elem.Text()):
		at, result = hivetype.ArrayOf(double), hivetype.ArrayOf(double)
	case !t.Numeric():
		return Binding{}, &TypeError{Index: 1, Want: "a number or an array of numbers", Got: t}
	}
	b := Binding{Args: []hivetype.Type{double, at}, Result: result}
	if len(args) == 3 {
		b.Args = append(b.Args, hivetype.Of(hivetype.Int))
	}
	return b, nil
}

func window(name, usage string, bind binder) *Function {
	f := scalar(name, usage, bind)
	f.Kind = WindowFunction
	return f
}

func windowFunctions() []*Function {
	return []*Function{
		window("cume_dist", "cume_dist() - Returns the share of rows up to the current one", sig("->double")),
		window("dense_rank", "dense_rank() - Returns the rank without gaps", sig("->int")),
		window("first_value", "first_value(x[, skipNulls]) - Returns the first value of the frame", sig("any boolean?->$1")),
		window("lag", "lag(x[, n[, default]]) - Returns x of the row n before the current one", bindLag),
		window("last_value", "last_value(x[, skipNulls]) - Returns the last value of the frame", sig("any boolean?->$1")),
		window("lead", "lead(x[, n[, default]]) - Returns x of the row n after the current one", bindLag),
		window("ntile", "ntile(n) - Divides the rows into n groups and returns the number of the group", sig("int->int")),
		window("percent_rank", "percent_rank() - Returns the rank relative to the number of rows", sig("->double")),
		window("rank", "rank() - Returns the rank with gaps", sig("->int")),
		window("row_number", "row_number() - Returns the number of the row, from 1", sig("->int")),
	}
}

// bindLag returns what the first argument is, and the default as that.
func bindLag(args []Arg) (Binding, error) {
	if err := arity(args, 1, 3); err != nil {
		return Binding{}, err
	}
	t := args[0].Type
	b := Binding{Args: []hivetype.Type{t}, Result: t}
	if len(args) > 1 {
		if !args[1].Type.Integer() {
			return Binding{}, &TypeError{Index: 1, Want: "an integer", Got: args[1].Type}
		}
		b.Args = append(b.Args, hivetype.Of(hivetype.Int))
	}
	if len(args) > 2 {
		c, ok := hivetype.Common(t, args[2].Type)
		if !ok {
			return Binding{}, &TypeError{Index: 2, Want: t.String(), Got: args[2].Type}
		}
		if t.Kind == hivetype.Void {
			b.Args[0], b.Result = c, c
		}
		b.Args = append(b.Args, b.Result)
	}
	return b, nil
}

func table(name, usage string, bind binder) *Function {
	f := scalar(name, usage, bind)
	f.Kind = TableFunction
	return f
}

func tableFunctions() []*Function {
	return []*Function{
		table("explode", "explode(a) - Makes a row of each element of an array, or entry of a map", bindExplode(false)),
		table("inline", "inline(array) - Makes a row of each struct of an array", bindInline),
		table("json_tuple", "json_tuple(json, name1, name2, ...) - Makes a row of fields of a json object", bindTuple(2)),
		table("parse_url_tuple", "parse_url_tuple(url, part1, part2, ...) - Makes a row of parts of a URL", bindTuple(2)),
		table("posexplode", "posexplode(a) - Makes a row of the position and value of each element of an array", bindExplode(true)),
		table("replicate_rows", "replicate_rows(n, v1, v2, ...) - Makes n rows of its arguments, n among them", bindReplicate),
		table("stack", "stack(n, v1, v2, ...) - Makes n rows of its arguments", bindStack),
	}
}

func bindExplode(position bool) binder {
	return func(args []Arg) (Binding, error) {
		if err := arity(args, 1, 1); err != nil {
			return Binding{}, err
		}
		t := args[0].Type
		b := Binding{Args: []hivetype.Type{t}}
		if position {
			b.Columns = append(b.Columns, hivetype.Field{Name: "pos", Type: hivetype.Of(hivetype.Int)})
		}
		switch t.Kind {
		case hivetype.Array:
			b.Columns = append(b.Columns, hivetype.Field{Name: columnName(position, "val", "col"), Type: *t.Elem})
		case hivetype.Map:
			b.Columns = append(b.Columns, hivetype.Field{Name: "key", Type: *t.Key},
				hivetype.Field{Name: "value", Type: *t.Elem})
		default:
			return Binding{}, &TypeError{Index: 0, Want: "an array or a map", Got: t}
		}
		return b, nil
	}
}

func columnName(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func bindInline(args []Arg) (Binding, error) {
	t, err := arrayArgument(args, 1)
	if err != nil {
		return Binding{}, err
	}
	if t.Elem.Kind != hivetype.Struct {
		return Binding{}, &TypeError{Index: 0, Want: "an array of structs", Got: t}
	}
	return Binding{Args: []hivetype.Type{t}, Columns: t.Elem.Fields}, nil
}

// bindTuple binds functions of text that make one row of columns c0, c1 ...
func bindTuple(least int) binder {
	return func(args []Arg) (Binding, error) {
		if err := arity(args, least, -1); err != nil {
			return Binding{}, err
		}
		b := same(args, text, text)
		for i, a := range args {
			if !accepts(a.Type, text) {
				return Binding{}, &TypeError{Index: i, Want: "string", Got: a.Type}
			}
			if i > 0 {
				b.Columns = append(b.Columns, hivetype.Field{Name: fmt.Sprintf("c%d", i-1), Type: text})
			}
		}
		return b, nil
	}
}

// bindStack gives each column the common type of its values; missing ones are NULL.
func bindStack(args []Arg) (Binding, error) {
	if err := arity(args, 2, -1); err != nil {
		return Binding{}, err
	}
	c := args[0].Const
	if c == nil || c.Value == nil || !args[0].Type.Integer() || c.Value.(int64) < 1 {
		return Binding{}, &TypeError{Index: 0, Want: "a constant number of rows", Got: args[0].Type}
	}
	values, rows := args[1:], int(min(c.Value.(int64), int64(len(args))))
	width := (len(values) + rows - 1) / rows
	b := Binding{Args: append([]hivetype.Type{hivetype.Of(hivetype.Int)}, argTypes(values)...)}
	for col := range width {
		t := hivetype.Of(hivetype.Void)
		for i := col; i < len(values); i += width {
			common, ok := hivetype.Common(t, values[i].Type)
			if !ok {
				return Binding{}, &TypeError{Index: i + 1, Want: t.String(), Got: values[i].Type}
			}
			t = common
		}
		for i := col; i < len(values); i += width {
			b.Args[i+1] = t
		}
		b.Columns = append(b.Columns, hivetype.Field{Name: fmt.Sprintf("col%d", col), Type: t})
	}
	return b, nil
}

func bindReplicate(args []Arg) (Binding, error) {
	if err := arity(args, 1, -1); err != nil {
		return Binding{}, err
	}
	if !args[0].Type.Integer() {
		return Binding{}, &TypeError{Index: 0, Want: "an integer", Got: args[0].Type}
	}
	b := Binding{Args: append([]hivetype.Type{bigint}, argTypes(args[1:])...)}
	for i, t := range b.Args {
		b.Columns = append(b.Columns, hivetype.Field{Name: fmt.Sprintf("col%d", i), Type: t})
	}
	return b, nil
}
