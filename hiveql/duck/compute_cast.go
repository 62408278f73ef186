package duck

import (
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// castFormatRule is CAST(x AS type FORMAT 'pattern'): the arguments are x, the pattern and today.
func castFormatRule(l *lowerer, x *analysis.Call, args []string) string {
	reading := x.Args[0].Type().Text()
	isDate := x.T.Kind == hivetype.Date
	return l.compute(computedCall(x, func() compute {
		var p *hivetype.DatePattern
		var of string
		return func(args []hivetype.Value) (hivetype.Value, error) {
			if pattern := args[1].(string); p == nil || pattern != of {
				var err error
				if p, err = hivetype.ParseDatePattern(pattern, reading); err != nil {
					return nil, err
				}
				of = pattern
			}
			if !reading {
				return p.Format(args[0].(time.Time)), nil
			}
			t, ok := p.Read(args[0].(string), args[2].(time.Time))
			if !ok {
				return nil, nil
			}
			if isDate {
				t = t.Truncate(24 * time.Hour)
			}
			return t, nil
		}
	}), args)
}
