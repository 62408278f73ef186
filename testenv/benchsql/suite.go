package main

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"strings"
)

// suite is a benchmark that an extension of DuckDB generates: tables, queries and some answers.
type suite struct {
	name     string // that of the extension
	title    string
	letters  string // that the names of its queries begin with
	queries  int    // how many there are
	generate string // the procedure that makes the tables
	tables   []table

	hive    func(n int, theirs string) (string, error)                                     // a query as HiveQL
	answers func(ctx context.Context, p *plain, scale, tmp string) (map[int]string, error) // to its queries
}

var suites = []*suite{
	{name: "tpch", title: "TPC-H", letters: "q", queries: 22, generate: "dbgen", tables: tpchTables,
		hive: tpchText, answers: tpchAnswers},
	{name: "tpcds", title: "TPC-DS", letters: "ds", queries: 99, generate: "dsdgen", tables: tpcdsTables,
		hive: tpcdsText, answers: tpcdsAnswers},
}

func suiteNames() []string {
	var names []string
	for _, s := range suites {
		names = append(names, s.name)
	}
	return names
}

func (s *suite) queryName(n int) string { return fmt.Sprintf("%s%02d", s.letters, n) }

func (s *suite) queryNames() []string {
	var names []string
	for n := range s.queries {
		names = append(names, s.queryName(n+1))
	}
	return names
}

var tpchTables = []table{
	{name: "region"}, {name: "nation"}, {name: "supplier"}, {name: "customer"}, {name: "part"}, {name: "partsupp"},
	{name: "orders", key: "o_year", keyOf: "year(o_orderdate)"},
	{name: "lineitem", key: "l_shipyear", keyOf: "year(l_shipdate)"},
}

//go:embed testdata/tpch
var tpchQueries embed.FS

func tpchText(n int, _ string) (string, error) {
	text, err := tpchQueries.ReadFile(fmt.Sprintf("testdata/tpch/q%02d.sql", n))
	return string(text), err
}

func tpchAnswers(_ context.Context, p *plain, scale, _ string) (map[int]string, error) {
	rows, err := p.rows("SELECT query_nr, answer FROM tpch_answers() WHERE scale_factor = " + scale)
	return byNumber(rows), err
}

// byNumber makes a map of rows of a number and a text.
func byNumber(rows [][]string) map[int]string {
	texts := map[int]string{}
	for _, row := range rows {
		if n, err := strconv.Atoi(row[0]); err == nil {
			texts[n] = strings.TrimSuffix(row[1], "\n")
		}
	}
	return texts
}
