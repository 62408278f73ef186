package hiveql

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// withTotals is a table as DESCRIBE EXTENDED and FORMATTED show it: that of one with partitions says
// what the metastore says of all of them together, which takes a look at each.
func (s *Session) withTotals(ctx context.Context, n *syntax.ObjectName, t *metastore.Table) (*metastore.Table, error) {
	if !t.Partitioned() {
		return t, nil
	}
	totals := map[string]int64{"numFiles": 0, "numRows": 0, rawParam: 0, "totalSize": 0}
	accurate, count := true, 0
	for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, nil) {
		if err != nil {
			return nil, s.tableError(n, t.TableName, err)
		}
		count++
		accurate = accurate && accuracyOf(p.Parameters).Basic == "true"
		for name := range totals {
			if n, err := strconv.ParseInt(p.Parameters[name], 10, 64); err == nil {
				totals[name] += n
			}
		}
	}
	shown := *t
	if shown.Parameters = maps.Clone(t.Parameters); shown.Parameters == nil {
		shown.Parameters = map[string]string{}
	}
	for name, n := range totals {
		shown.Parameters[name] = strconv.FormatInt(n, 10)
	}
	shown.Parameters["numPartitions"] = strconv.Itoa(count)
	showAccuracy(shown.Parameters, accurate)
	return &shown, nil
}

// showAccuracy says whether the basic statistics of all partitions agree with their data.
func showAccuracy(params map[string]string, accurate bool) {
	a := accuracyOf(params)
	if a.Basic = ""; accurate {
		a.Basic = "true"
	}
	delete(params, accurateParam)
	if a.Basic == "" && len(a.Columns) == 0 {
		return
	}
	if text, err := json.Marshal(a); err == nil {
		params[accurateParam] = string(text)
	}
}
