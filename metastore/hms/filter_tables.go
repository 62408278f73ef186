package hms

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// The names of what get_table_names_by_filter compares.
const (
	filterOwner  = "hive_filter_field_owner__"
	filterParam  = "hive_filter_field_params__"
	filterAccess = "hive_filter_field_last_access__"
)

// tableNamesByFilter lists the tables that satisfy a filter in the language of parseFilter over
// their owner, last access and parameters. A parameter that a table does not have satisfies nothing.
func (s *Service) tableNamesByFilter(ctx context.Context, db, filter string, limit int) ([]string, error) {
	database, err := databaseName(db)
	if err != nil {
		return nil, err
	}
	fits, err := tableFilter(filter)
	if err != nil {
		return nil, err
	}
	_, err = s.store(ctx).Database(ctx, database)
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil, &unknownDB{fmt.Sprintf("Could not find database %s.%s", catalog, database)}
	}
	if err != nil {
		return nil, err
	}
	names, err := s.filterTables(ctx, database, pattern{}, fits)
	if limit >= 0 && len(names) > limit {
		names = names[:limit]
	}
	return names, err
}

// tableFilter compiles a filter of tables.
func tableFilter(filter string) (func(*metastore.Table) bool, error) {
	var patterns []*regexp.Regexp // of the Likes whose pattern is their number
	p, err := parseFilter(filter, func(key string, re *regexp.Regexp) (partitions.Predicate, error) {
		patterns = append(patterns, re)
		return partitions.Like{Key: key, Pattern: "\x00" + strconv.Itoa(len(patterns)-1)}, nil
	})
	if err != nil {
		return nil, err
	}
	return compileTableFilter(p, patterns)
}

func compileTableFilter(p partitions.Predicate, patterns []*regexp.Regexp) (func(*metastore.Table) bool, error) {
	switch p := p.(type) {
	case partitions.True:
		return func(*metastore.Table) bool { return true }, nil
	case partitions.And:
		return compileTableList(p, false, patterns)
	case partitions.Or:
		return compileTableList(p, true, patterns)
	case partitions.Compare:
		return tableComparison(p)
	case partitions.In:
		return tableText(p.Key, func(text string) bool {
			for _, v := range p.Values {
				if v == text {
					return true
				}
			}
			return false
		})
	case partitions.Like:
		// Trino writes % and Iceberg a plain text; both are matched as SQL does, and as an expression.
		pattern := p.Pattern
		if i, ok := strings.CutPrefix(pattern, "\x00"); ok {
			n, err := strconv.Atoi(i)
			if err != nil || n >= len(patterns) {
				return nil, metaf("Error parsing table filter: %q", pattern)
			}
			return tableText(p.Key, patterns[n].MatchString)
		}
		pattern = strings.ReplaceAll(strings.ReplaceAll(pattern, `\%`, "%"), `\_`, "_")
		expr := regexp.QuoteMeta(pattern)
		expr = strings.ReplaceAll(strings.ReplaceAll(expr, "%", ".*"), "_", ".")
		re, err := regexp.Compile("(?s)^" + expr + "$")
		if err != nil {
			return nil, metaf("Error parsing table filter: %v", err)
		}
		return tableText(p.Key, re.MatchString)
	}
	return nil, metaf("Error parsing table filter: %s is not supported yet", p)
}

func compileTableList(list []partitions.Predicate, decisive bool, patterns []*regexp.Regexp) (func(*metastore.Table) bool, error) {
	fits := make([]func(*metastore.Table) bool, len(list))
	for i, one := range list {
		var err error
		if fits[i], err = compileTableFilter(one, patterns); err != nil {
			return nil, err
		}
	}
	return func(t *metastore.Table) bool {
		for _, fit := range fits {
			if fit(t) == decisive {
				return decisive
			}
		}
		return !decisive
	}, nil
}

// tableText compiles a condition on a text of a table.
func tableText(key string, holds func(string) bool) (func(*metastore.Table) bool, error) {
	lower := strings.ToLower(key)
	if lower == filterOwner {
		return func(t *metastore.Table) bool { return holds(t.Owner) }, nil
	}
	if !strings.HasPrefix(lower, filterParam) {
		return nil, metaf("Invalid key name in filter.  Use constants from api: %s", key)
	}
	name := key[len(filterParam):]
	return func(t *metastore.Table) bool {
		v, ok := t.Parameters[name]
		return ok && !strings.HasPrefix(name, hidden) && holds(v)
	}, nil
}

func tableComparison(c partitions.Compare) (func(*metastore.Table) bool, error) {
	holds := func(n int) bool { return n == 0 }
	switch c.Op {
	case partitions.Ne:
		holds = func(n int) bool { return n != 0 }
	case partitions.Lt:
		holds = func(n int) bool { return n < 0 }
	case partitions.Le:
		holds = func(n int) bool { return n <= 0 }
	case partitions.Gt:
		holds = func(n int) bool { return n > 0 }
	case partitions.Ge:
		holds = func(n int) bool { return n >= 0 }
	}
	if strings.EqualFold(c.Key, filterAccess) {
		want, err := strconv.ParseInt(c.Value, 10, 64)
		if err != nil {
			return nil, metaf("Filter Operator %s needs a number, not %q", c.Op, c.Value)
		}
		return func(t *metastore.Table) bool {
			var rest table
			readRest(t.Parameters, &rest)
			return holds(int(max(-1, min(1, int64(rest.LastAccessTime)-want))))
		}, nil
	}
	if strings.HasPrefix(strings.ToLower(c.Key), filterParam) && c.Op != partitions.Eq && c.Op != partitions.Ne {
		return nil, metaf("Only =, <>, LIKE are supported operators for parameters of tables, not %s", c.Op)
	}
	return tableText(c.Key, func(text string) bool { return holds(strings.Compare(text, c.Value)) })
}
