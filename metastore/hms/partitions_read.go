package hms

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// The arguments of the methods that read partitions.
type (
	partitionArgs struct {
		DB     string   `thrift:"1"`
		Table  string   `thrift:"2"`
		Values []string `thrift:"3"`
		Max    *int16   `thrift:"4"`
	}
	partitionAuthArgs struct {
		DB     string   `thrift:"1"`
		Table  string   `thrift:"2"`
		Values []string `thrift:"3"`
		User   *string  `thrift:"4"`
		Groups []string `thrift:"5"`
	}
	partsAuthArgs struct {
		DB     string   `thrift:"1"`
		Table  string   `thrift:"2"`
		Values []string `thrift:"3"`
		Max    *int16   `thrift:"4"`
		User   *string  `thrift:"5"`
		Groups []string `thrift:"6"`
	}
	partitionNameArgs struct {
		DB    string `thrift:"1"`
		Table string `thrift:"2"`
		Name  string `thrift:"3"`
	}
	maxArgs struct {
		DB    string `thrift:"1"`
		Table string `thrift:"2"`
		Max   *int16 `thrift:"3"`
	}
	maxAuthArgs struct {
		DB     string   `thrift:"1"`
		Table  string   `thrift:"2"`
		Max    *int16   `thrift:"3"`
		User   *string  `thrift:"4"`
		Groups []string `thrift:"5"`
	}
	filterArgs struct {
		DB     string `thrift:"1"`
		Table  string `thrift:"2"`
		Filter string `thrift:"3"`
		Max    *int16 `thrift:"4"`
	}
)

// addPartitions adds the methods that read partitions and have their arguments one by one.
func (s *Service) addPartitions(t *thrift.Service) {
	one := func(name string) {
		thrift.Handle(t, name, func(ctx context.Context, a *partitionArgs) (*partition, error) {
			return s.partition(ctx, a.DB, a.Table, a.Values)
		}, throwsMN...)
	}
	one("get_partition")
	thrift.Handle(t, "get_partition_with_auth", func(ctx context.Context, a *partitionAuthArgs) (*partition, error) {
		return s.partitionFor(ctx, a)
	}, throwsMN...)
	thrift.Handle(t, "get_partition_by_name", func(ctx context.Context, a *partitionNameArgs) (*partition, error) {
		return s.partitionByName(ctx, a.DB, a.Table, a.Name)
	}, throwsMN...)
	all := func(name string) {
		thrift.Handle(t, name, func(ctx context.Context, a *maxArgs) (*thrift.Spool, error) {
			return s.partitions(ctx, query{a.DB, a.Table, nil, limitOf(a.Max), asker{}})
		}, throwsNM...)
	}
	all("get_partitions")
	thrift.Handle(t, "get_partitions_with_auth", func(ctx context.Context, a *maxAuthArgs) (*thrift.Spool, error) {
		return s.partitions(ctx, query{a.DB, a.Table, nil, limitOf(a.Max), asker{a.User, a.Groups}})
	}, throwsNM...)
	thrift.Handle(t, "get_partition_names", func(ctx context.Context, a *maxArgs) (*thrift.Spool, error) {
		return s.names(ctx, query{a.DB, a.Table, nil, limitOf(a.Max), asker{}})
	}, throwsNM...)
	thrift.Handle(t, "get_partitions_ps", func(ctx context.Context, a *partitionArgs) (*thrift.Spool, error) {
		return s.partitions(ctx, query{a.DB, a.Table, byValues(a.Values), limitOf(a.Max), asker{}})
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_ps_with_auth", func(ctx context.Context, a *partsAuthArgs) (*thrift.Spool, error) {
		return s.partitions(ctx, query{a.DB, a.Table, byValues(a.Values), limitOf(a.Max), asker{a.User, a.Groups}})
	}, throwsNM...)
	thrift.Handle(t, "get_partition_names_ps", func(ctx context.Context, a *partitionArgs) (*thrift.Spool, error) {
		return s.names(ctx, query{a.DB, a.Table, byValues(a.Values), limitOf(a.Max), asker{}})
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_by_filter", func(ctx context.Context, a *filterArgs) (*thrift.Spool, error) {
		return s.partitions(ctx, query{a.DB, a.Table, s.byFilter(ctx, a.Filter), limitOf(a.Max), asker{}})
	}, throwsMN...)
	thrift.Handle(t, "get_num_partitions_by_filter", func(ctx context.Context, a *filterArgs) (int32, error) {
		table, where, err := s.resolve(ctx, query{a.DB, a.Table, s.byFilter(ctx, a.Filter), -1, asker{}})
		if err != nil || !table.Partitioned() {
			return 0, err
		}
		n, err := s.store(ctx).CountPartitions(ctx, table.TableName, where)
		return int32(n), missing(err, table.Database, table.Name)
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_by_names", func(ctx context.Context, a *struct {
		DB    string   `thrift:"1"`
		Table string   `thrift:"2"`
		Names []string `thrift:"3"`
	}) (*thrift.Spool, error) {
		return s.partitionsByName(ctx, a.DB, a.Table, a.Names)
	}, throwsMN...)
	s.addSpecs(t)
	addPartitionNames(t)
}

// partitionsResult is the answer of many methods: a list in a struct.
type partitionsResult struct {
	List *thrift.Spool `thrift:"1"`
}

// addPartitionRequests adds the methods of Hive 3 and 4 whose arguments are in one struct.
func (s *Service) addPartitionRequests(t *thrift.Service) {
	result := func(list *thrift.Spool, err error) (*partitionsResult, error) { return &partitionsResult{list}, err }
	thrift.Handle(t, "get_partition_req", func(ctx context.Context, a *requestArgs[getPartitionRequest]) (*getPartitionResponse, error) {
		p, err := s.partition(ctx, a.Request.DbName, a.Request.TblName, a.Request.PartVals)
		return &getPartitionResponse{p}, err
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_req", func(ctx context.Context, a *requestArgs[partitionsRequest]) (*partitionsResult, error) {
		return result(s.partitions(ctx, query{a.Request.DbName, a.Request.TblName, nil, limitOf(a.Request.MaxParts), asker{}}))
	}, throwsNM...)
	thrift.Handle(t, "fetch_partition_names_req", func(ctx context.Context, a *requestArgs[partitionsRequest]) (*thrift.Spool, error) {
		return s.names(ctx, query{a.Request.DbName, a.Request.TblName, nil, limitOf(a.Request.MaxParts), asker{}})
	}, throwsNM...)
	thrift.Handle(t, "get_partition_names_ps_req", func(ctx context.Context, a *requestArgs[getPartitionNamesPsRequest]) (*partitionsResult, error) {
		r := a.Request
		return result(s.names(ctx, query{r.DbName, r.TblName, byValues(r.PartValues), limitOf(r.MaxParts), asker{}}))
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_ps_with_auth_req", func(ctx context.Context, a *requestArgs[getPartitionsPsWithAuthRequest]) (*partitionsResult, error) {
		r := a.Request
		return result(s.partitions(ctx, query{r.DbName, r.TblName, byValues(r.PartVals), limitOf(r.MaxParts), asker{r.User, r.Groups}}))
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_by_names_req", func(ctx context.Context, a *requestArgs[getPartitionsByNamesRequest]) (*partitionsResult, error) {
		return result(s.partitionsByName(ctx, a.Request.DbName, a.Request.TblName, a.Request.Names))
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_by_filter_req", func(ctx context.Context, a *requestArgs[struct {
		Catalog string `thrift:"1"`
		DB      string `thrift:"2"`
		Table   string `thrift:"3"`
		Filter  string `thrift:"4"`
		Max     *int16 `thrift:"5"`
	}]) (*thrift.Spool, error) {
		r := a.Request
		return s.partitions(ctx, query{r.DB, r.Table, s.byFilter(ctx, r.Filter), limitOf(r.Max), asker{}})
	}, throwsMN...)
	// The expressions of these are Java objects of Hive, which nobody else can evaluate. All
	// partitions are a right answer: that some are unknown makes Hive decide by itself.
	thrift.Handle(t, "get_partitions_by_expr", func(ctx context.Context, a *requestArgs[partitionsByExprRequest]) (*byExprResult, error) {
		list, err := s.partitions(ctx, query{a.Request.DbName, a.Request.TblName, nil, limitOf(a.Request.MaxParts), asker{}})
		return &byExprResult{list, true}, err
	}, throwsMN...)
	thrift.Handle(t, "get_partition_names_req", func(ctx context.Context, a *requestArgs[partitionsByExprRequest]) (*thrift.Spool, error) {
		return s.names(ctx, query{a.Request.DbName, a.Request.TblName, nil, limitOf(a.Request.MaxParts), asker{}})
	}, throwsMN...)
	thrift.Handle(t, "get_partition_values", s.partitionValues, throwsMN...)
}

type byExprResult struct {
	Partitions *thrift.Spool `thrift:"1"`
	Unknown    bool          `thrift:"2"`
}

// addSpecs adds the methods that give partitions in lists of lists: all in one list here.
func (s *Service) addSpecs(t *thrift.Service) {
	thrift.Handle(t, "get_partitions_pspec", func(ctx context.Context, a *struct {
		DB    string `thrift:"1"`
		Table string `thrift:"2"`
		Max   *int32 `thrift:"3"`
	}) ([]*specOut, error) {
		return s.specs(ctx, query{a.DB, a.Table, nil, limitOf(a.Max), asker{}})
	}, throwsNM...)
	thrift.Handle(t, "get_part_specs_by_filter", func(ctx context.Context, a *struct {
		DB     string `thrift:"1"`
		Table  string `thrift:"2"`
		Filter string `thrift:"3"`
		Max    *int32 `thrift:"4"`
	}) ([]*specOut, error) {
		return s.specs(ctx, query{a.DB, a.Table, s.byFilter(ctx, a.Filter), limitOf(a.Max), asker{}})
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_spec_by_expr", func(ctx context.Context, a *requestArgs[partitionsByExprRequest]) (*specsByExpr, error) {
		specs, err := s.specs(ctx, query{a.Request.DbName, a.Request.TblName, nil, limitOf(a.Request.MaxParts), asker{}})
		return &specsByExpr{specs, true}, err
	}, throwsMN...)
	thrift.Handle(t, "get_partitions_with_specs", func(ctx context.Context, a *requestArgs[getPartitionsRequest]) (*specsResult, error) {
		where, err := s.bySpec(ctx, a.Request.FilterSpec)
		if err != nil {
			return nil, err
		}
		specs, err := s.specs(ctx, query{a.Request.DbName, a.Request.TblName, where, -1, asker{}})
		return &specsResult{specs}, err
	}, throwsM...)
}

type (
	specOut struct {
		DB        string            `thrift:"1"`
		Table     string            `thrift:"2"`
		Root      string            `thrift:"3"`
		Partition *partitionsResult `thrift:"5"`
		Catalog   string            `thrift:"6"`
	}
	specsResult struct {
		Specs []*specOut `thrift:"1"`
	}
	specsByExpr struct {
		Specs   []*specOut `thrift:"1"`
		Unknown bool       `thrift:"2"`
	}
)

func (s *Service) specs(ctx context.Context, q query) ([]*specOut, error) {
	t, err := s.stored(ctx, q.db, q.table)
	if err != nil {
		return nil, err
	}
	list, err := s.partitions(ctx, q)
	return []*specOut{{t.Database, t.Name, t.Storage.Location, &partitionsResult{list}, catalog}}, err
}

// bySpec reads the filter of get_partitions_with_specs: names, values or an expression, which is
// text here.
func (s *Service) bySpec(
	ctx context.Context, spec *getPartitionsFilterSpec,
) (func(*metastore.Table) (partitions.Predicate, error), error) {
	if spec == nil || spec.Filters == nil {
		return nil, nil
	}
	switch spec.FilterMode {
	case 0:
		return func(t *metastore.Table) (partitions.Predicate, error) { return namesPredicate(t, spec.Filters) }, nil
	case 1:
		return byValues(spec.Filters), nil
	case 2:
		return s.byFilter(ctx, strings.Join(spec.Filters, " and ")), nil
	}
	return nil, metaf("No such partition filter mode: %d", spec.FilterMode)
}

// partitionValues lists the values of some keys.
func (s *Service) partitionValues(
	ctx context.Context, a *requestArgs[partitionValuesRequest],
) (*listOf[*listOf[string]], error) {
	r := a.Request
	q := query{db: r.DbName, table: r.TblName, limit: -1}
	if r.Filter != "" {
		q.where = s.byFilter(ctx, r.Filter)
	}
	t, where, err := s.resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	keys := t.Keys()
	var columns []int
	for _, f := range r.PartitionKeys {
		i := keys.Find(f.Name)
		if i < 0 {
			return nil, metaf("%s is no partition key of %s", f.Name, t.TableName)
		}
		columns = append(columns, i)
	}
	out := &listOf[*listOf[string]]{List: []*listOf[string]{}}
	seen := map[string]bool{}
	err = s.eachName(ctx, t, where, -1, func(name string) error {
		values, err := keys.ParseName(name)
		if err != nil {
			return err
		}
		row := &listOf[string]{}
		for _, i := range columns {
			row.List = append(row.List, values[i])
		}
		if r.ApplyDistinct == nil || *r.ApplyDistinct {
			text := strings.Join(row.List, "\x00")
			if seen[text] {
				return nil
			}
			seen[text] = true
		}
		out.List = append(out.List, row)
		return nil
	})
	slices.SortStableFunc(out.List, func(a, b *listOf[string]) int { return slices.Compare(a.List, b.List) })
	if r.Ascending != nil && !*r.Ascending {
		slices.Reverse(out.List)
	}
	if n := limitOf(r.MaxParts); n >= 0 && n < len(out.List) {
		out.List = out.List[:n]
	}
	return out, err
}

// addPartitionNames adds the methods that take names apart, for which no table is needed.
func addPartitionNames(t *thrift.Service) {
	fields := func(name string) (partitions.Spec, error) {
		if name == "" {
			return nil, nil
		}
		spec, err := partitions.ParseSpec(name)
		if err != nil {
			return nil, metaf("Invalid partition name %s: %v", name, err)
		}
		return spec, nil
	}
	thrift.Handle(t, "partition_name_to_vals", func(_ context.Context, a *oneName) ([]string, error) {
		spec, err := fields(a.Name)
		values := []string{}
		for _, f := range spec {
			values = append(values, f.Value)
		}
		return values, err
	}, throwsM...)
	thrift.Handle(t, "partition_name_to_spec", func(_ context.Context, a *oneName) (map[string]string, error) {
		spec, err := fields(a.Name)
		values := map[string]string{}
		for _, f := range spec {
			values[f.Name] = f.Value
		}
		return values, err
	}, throwsM...)
	thrift.Handle(t, "partition_name_has_valid_characters", func(_ context.Context, _ *struct {
		Values []string `thrift:"1"`
		Throw  bool     `thrift:"2"`
	}) (bool, error) {
		return true, nil // all are escaped
	}, throwsM...)
}
