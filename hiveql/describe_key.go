package hiveql

import (
	"context"
	"strconv"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// keyStatistics are the statistics of a partition key, which nobody keeps: they are those of its values, each counted once.
// As in Hive NULL is a value like the others, and there are no rows to count that have it.
func (s *Session) keyStatistics(ctx context.Context, t *metastore.Table, key metastore.Column) (columnStats, error) {
	at := t.Keys().Find(key.Name)
	texts := map[string]bool{}
	for name, err := range s.cfg.Store.PartitionNames(ctx, t.TableName, nil) {
		if err != nil {
			return nil, err
		}
		values, err := t.Keys().ParseName(name)
		if err != nil {
			return nil, err
		}
		texts[values[at]] = true
	}
	stats := columnStats{"num_nulls": "0", "distinct_count": strconv.Itoa(len(texts))}
	var low, high hivetype.Value
	length, longest := 0, 0
	for text := range texts {
		n := utf8.RuneCountInString(text)
		length, longest = length+n, max(longest, n)
		v, ok := hivetype.ParseValue(text, key.Type)
		if text == partitions.DefaultName || !ok {
			continue
		}
		if low == nil || hivetype.Compare(v, low, key.Type) < 0 {
			low = v
		}
		if high == nil || hivetype.Compare(v, high, key.Type) > 0 {
			high = v
		}
	}
	switch {
	case key.Type.Text() && len(texts) > 0:
		stats["avg_col_len"], stats["max_col_len"] = doubleText(float64(length)/float64(len(texts))), strconv.Itoa(longest)
	case key.Type.Text() || low == nil:
	default:
		kind := metastore.StatisticsKind(key.Type)
		stats["min"] = boundText(string(hivetype.AppendText(nil, low, key.Type)), kind)
		stats["max"] = boundText(string(hivetype.AppendText(nil, high, key.Type)), kind)
	}
	return stats, nil
}
