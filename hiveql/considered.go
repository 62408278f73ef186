package hiveql

import (
	"context"
	"fmt"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/metastore"
)

// mostConsidered is how many partitions of a table are counted.
const mostConsidered = 10_000

// considered is a table that was planned to be read, and how many partitions it had: -1 if they
// were chosen by the metastore, and have to be counted.
type considered struct {
	store metastore.Store
	table metastore.TableName
	n     int64
}

// plans notes a scan whose files were listed.
func (c *counts) plans(store metastore.Store, s *analysis.Scan) {
	of := considered{store: store, table: s.Table.TableName, n: 1}
	switch {
	case !s.Table.Partitioned():
	case s.Predicate != nil && !strings.EqualFold(s.Table.Parameters["projection.enabled"], "true"):
		of.n = -1 // of those that are projected nobody knows the number
	case len(s.Reduced) > 0:
		of.n = int64(s.Reduced[0].From)
	default:
		of.n = int64(len(s.Partitions))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.planned = append(c.planned, of)
}

// PartitionsRead says to people how many partitions were read, of how many that the tables have: a
// table without keys is one. It counts them now, up to 10,000 of a table.
func (r *Result) PartitionsRead(ctx context.Context) (string, error) {
	r.counts.mu.Lock()
	planned := r.counts.planned
	r.counts.mu.Unlock()
	all, more := int64(0), ""
	for _, of := range planned {
		n, err := of.count(ctx)
		if err != nil {
			return "", err
		}
		if n > mostConsidered && of.n < 0 {
			n, more = mostConsidered, "more than "
		}
		all += n
	}
	read := r.counts.parts.Load()
	if read >= all && more == "" {
		return fmt.Sprint(read), nil
	}
	return fmt.Sprintf("%d of %s%d", read, more, all), nil
}

// count is the number of partitions, or one more than mostConsidered.
func (of considered) count(ctx context.Context) (int64, error) {
	if of.n >= 0 {
		return of.n, nil
	}
	n := int64(0)
	for _, err := range of.store.PartitionNames(ctx, of.table, nil) {
		if noTable(err) {
			return 0, nil // dropped meanwhile
		}
		if err != nil {
			return 0, err
		}
		if n++; n > mostConsidered {
			break
		}
	}
	return n, nil
}
