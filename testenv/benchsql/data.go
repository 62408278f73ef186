package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// table is a table of TPC-H as a Hive table.
type table struct {
	name    string
	columns string // as HiveQL declares them
	key     string // the partition key, or ""
	keyOf   string // the year it is, as an expression over the columns
}

var tables = []table{
	{"region", "r_regionkey int, r_name string, r_comment string", "", ""},
	{"nation", "n_nationkey int, n_name string, n_regionkey int, n_comment string", "", ""},
	{"supplier", "s_suppkey bigint, s_name string, s_address string, s_nationkey int, s_phone string, " +
		"s_acctbal decimal(15,2), s_comment string", "", ""},
	{"customer", "c_custkey bigint, c_name string, c_address string, c_nationkey int, c_phone string, " +
		"c_acctbal decimal(15,2), c_mktsegment string, c_comment string", "", ""},
	{"part", "p_partkey bigint, p_name string, p_mfgr string, p_brand string, p_type string, p_size int, " +
		"p_container string, p_retailprice decimal(15,2), p_comment string", "", ""},
	{"partsupp", "ps_partkey bigint, ps_suppkey bigint, ps_availqty bigint, ps_supplycost decimal(15,2), " +
		"ps_comment string", "", ""},
	{"orders", "o_orderkey bigint, o_custkey bigint, o_orderstatus string, o_totalprice decimal(15,2), o_orderdate date, " +
		"o_orderpriority string, o_clerk string, o_shippriority int, o_comment string", "o_year", "year(o_orderdate)"},
	{"lineitem", "l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber bigint, l_quantity decimal(15,2), " +
		"l_extendedprice decimal(15,2), l_discount decimal(15,2), l_tax decimal(15,2), l_returnflag string, " +
		"l_linestatus string, l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct string, " +
		"l_shipmode string, l_comment string", "l_shipyear", "year(l_shipdate)"},
}

// create is the statement that declares the table over its files below a URL.
func (t table) create(below string) string {
	s := "CREATE EXTERNAL TABLE " + t.name + " (" + t.columns + ")"
	if t.key != "" {
		s += " PARTITIONED BY (" + t.key + " int)"
	}
	s += " STORED AS PARQUET LOCATION '" + below + "/" + t.name + "'"
	if t.key != "" {
		s += "; MSCK REPAIR TABLE " + t.name
	}
	return s
}

// read is the table's files below a directory or URL, as DuckDB reads them.
func (t table) read(below string) string {
	pattern := "/*.parquet"
	if t.key != "" {
		pattern = "/*/*.parquet"
	}
	return "SELECT * FROM read_parquet(" + quoted(below+"/"+t.name+pattern) + ")"
}

// query is one query of TPC-H.
type query struct {
	name   string
	number int
	ours   string   // HiveQL
	theirs string   // the generator's text
	known  []string // the generator's answer, a line a row with a header; empty if it has none
}

//go:embed testdata/tpch
var hiveQueries embed.FS

func queryNames() ([]string, error) {
	entries, err := hiveQueries.ReadDir("testdata/tpch")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".sql"))
	}
	return names, nil
}

// data is what is queried.
type data struct {
	dir     string // the tables' directories are in it
	queries []query
}

// prepare makes the data of a scale, or finds it in the cache directory, and the queries.
func prepare(ctx context.Context, scale float64, tmp string, progress io.Writer) (*data, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	p, err := openPlain(2)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := p.loadExtension(ctx, "tpch", tmp); err != nil {
		return nil, err
	}
	text := strconv.FormatFloat(scale, 'f', -1, 64)
	d := &data{dir: filepath.Join(cache, "skep", "benchsql", "tpch-1-"+text)}
	if _, err := os.Stat(d.dir); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(progress, "benchsql: making the data of scale %s\n", text)
		err = generate(p, text, d.dir)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	d.queries, err = readQueries(p, text)
	return d, err
}

// generate writes the tables into dir, whole or not at all.
func generate(p *plain, scale, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := p.run("CALL dbgen(sf = " + scale + ")"); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	for _, t := range tables {
		if err := os.Mkdir(filepath.Join(tmp, t.name), 0o755); err != nil {
			return err
		}
		copying := "COPY " + t.name + " TO " + quoted(filepath.Join(tmp, t.name, "part-0.parquet")) + " (FORMAT parquet)"
		if t.key != "" {
			copying = "COPY (SELECT *, " + t.keyOf + " AS " + t.key + " FROM " + t.name + ") TO " +
				quoted(filepath.Join(tmp, t.name)) + " (FORMAT parquet, PARTITION_BY (" + t.key + "), OVERWRITE_OR_IGNORE)"
		}
		if err := p.run(copying); err != nil {
			return fmt.Errorf("write %s: %w", t.name, err)
		}
	}
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, os.ErrExist) { // another one may have been as quick
		return err
	}
	return nil
}

func readQueries(p *plain, scale string) ([]query, error) {
	names, err := queryNames()
	if err != nil {
		return nil, err
	}
	theirs, err := p.rows("SELECT query_nr, query FROM tpch_queries()")
	if err != nil {
		return nil, err
	}
	answers, err := p.rows("SELECT query_nr, answer FROM tpch_answers() WHERE scale_factor = " + scale)
	if err != nil {
		return nil, err
	}
	byNumber := func(rows [][]string, n int) string {
		for _, row := range rows {
			if row[0] == strconv.Itoa(n) {
				return strings.TrimSuffix(row[1], "\n")
			}
		}
		return ""
	}
	var list []query
	for _, name := range names {
		text, err := hiveQueries.ReadFile(path.Join("testdata/tpch", name+".sql"))
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(strings.TrimPrefix(name, "q"))
		if err != nil {
			return nil, fmt.Errorf("the query %s has no number: %w", name, err)
		}
		q := query{name: name, number: n, ours: string(text), theirs: byNumber(theirs, n)}
		if q.theirs == "" {
			return nil, fmt.Errorf("the generator has no query %d", n)
		}
		if a := byNumber(answers, n); a != "" {
			q.known = strings.Split(a, "\n")
		}
		list = append(list, q)
	}
	return list, nil
}
