package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// table is a generated table as a Hive table over Parquet files.
type table struct {
	name  string
	key   string // the partition key, or ""
	keyOf string // the year it is, as an expression over the columns

	columns string // as HiveQL declares them, once the files are there
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
	return "SELECT * FROM read_parquet(" + quoted(t.pattern(below)) + ")"
}

func (t table) pattern(below string) string {
	if t.key != "" {
		return below + "/" + t.name + "/*/*.parquet"
	}
	return below + "/" + t.name + "/*.parquet"
}

// describe finds the columns of the table in its files.
func (t table) describe(p *plain, below string) (string, error) {
	rows, err := p.rows("DESCRIBE SELECT * FROM read_parquet(" + quoted(t.pattern(below)) + ", hive_partitioning = false)")
	if err != nil {
		return "", fmt.Errorf("describe %s: %w", t.name, err)
	}
	var columns []string
	for _, row := range rows {
		if row[0] != t.key {
			columns = append(columns, row[0]+" "+hiveType(row[1]))
		}
	}
	return strings.Join(columns, ", "), nil
}

// hiveType is what Hive calls one of DuckDB's types that the generators use.
func hiveType(duckType string) string {
	switch duckType {
	case "INTEGER":
		return "int"
	case "VARCHAR":
		return "string"
	}
	return strings.ToLower(duckType)
}

// query is one query of a suite.
type query struct {
	name   string
	number int
	ours   string   // HiveQL
	theirs string   // the generator's text
	known  []string // the generator's answer, a line a row with a header; empty if it has none
}

// data is what is queried.
type data struct {
	suite   *suite
	dir     string // the tables' directories are in it
	tables  []table
	queries []query
}

// far is the URL of the tables' directories in S3.
func (d *data) far() string { return "s3://" + d.suite.name }

// prepare makes the data of a suite and a scale, or finds it in the cache directory, and the
// queries.
func prepare(ctx context.Context, s *suite, scale float64, tmp string, progress io.Writer) (*data, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	p, err := openPlain(2)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := p.loadExtension(ctx, s.name, tmp); err != nil {
		return nil, err
	}
	text := strconv.FormatFloat(scale, 'f', -1, 64)
	d := &data{suite: s, dir: filepath.Join(cache, "skep", "benchsql", s.name+"-1-"+text)}
	if _, err := os.Stat(d.dir); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(progress, "benchsql: making the data of %s, scale %s\n", s.title, text)
		err = d.generate(p, text)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	for _, t := range s.tables {
		if t.columns, err = t.describe(p, d.dir); err != nil {
			return nil, err
		}
		d.tables = append(d.tables, t)
	}
	return d, d.readQueries(ctx, p, text, tmp)
}

// generate writes the tables, whole or not at all.
func (d *data) generate(p *plain, scale string) error {
	if err := os.MkdirAll(filepath.Dir(d.dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(d.dir), "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := p.run("CALL " + d.suite.generate + "(sf = " + scale + ")"); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	for _, t := range d.suite.tables {
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
	if err := os.Rename(tmp, d.dir); err != nil && !errors.Is(err, os.ErrExist) { // another one may have been as quick
		return err
	}
	return nil
}

func (d *data) readQueries(ctx context.Context, p *plain, scale, tmp string) error {
	rows, err := p.rows("SELECT query_nr, query FROM " + d.suite.name + "_queries()")
	if err != nil {
		return err
	}
	theirs := byNumber(rows)
	answers, err := d.suite.answers(ctx, p, scale, tmp)
	if err != nil {
		return err
	}
	for n := 1; n <= d.suite.queries; n++ {
		q := query{name: d.suite.queryName(n), number: n, theirs: theirs[n]}
		if q.theirs == "" {
			return fmt.Errorf("the generator has no query %d", n)
		}
		if q.ours, err = d.suite.hive(n, q.theirs); err != nil {
			return err
		}
		if a := answers[n]; a != "" {
			q.known = strings.Split(a, "\n")
		}
		d.queries = append(d.queries, q)
	}
	return nil
}
