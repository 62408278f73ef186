package main

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestTPCH runs all queries, near and far, at a very small scale: their answers are right, what is
// raced has a line in the table, and nothing is left behind.
func TestTPCH(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"--suites", "tpch", "--scale", "0.01", "--rounds", "1", "--latency", "1ms", "--racers", "plain,local,warm,cold", "--dir", dir}
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, name := range suites[0].queryNames() {
		if !strings.Contains(stdout.String(), "\n    "+name+"  ") {
			t.Errorf("no line for %s in\n%s", name, stdout.String())
		}
	}
	if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestTPCDS: the answers to all queries of TPC-DS are right.
func TestTPCDS(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := []string{"--suites", "tpcds", "--scale", "0.01", "--rounds", "1", "--racers", "local", "--processor", "--dir", t.TempDir()}
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	if got := strings.Count(stdout.String(), "\n   ds"); got != 99 {
		t.Errorf("%d lines in\n%s", got, stdout.String())
	}
}

// TestTPCDSText: what is to be rewritten is, and nothing else; and a text without it is refused.
func TestTPCDSText(t *testing.T) {
	for _, c := range []struct {
		n                  int
		theirs, want, fail string
	}{
		{1, "SELECT \"a b\" ;\n", "SELECT \"a b\"", ""},
		{16, "SELECT 1 AS \"a b\";", "SELECT 1 AS `a b`", ""},
		{16, "SELECT 1", "", "query 16 of TPC-DS is not as expected: in HiveQL names with spaces"},
		{72, "d3.d_date > d1.d_date + 5", "d3.d_date > date_add(d1.d_date, 5)", ""},
	} {
		got, err := tpcdsText(c.n, c.theirs)
		if got != c.want || (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%d %s: %q, %v", c.n, c.theirs, got, err)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"x", `unexpected argument "x"`},
		{"--scale 0", "--scale: 0 is not above 0"},
		{"--latency -1s", "--latency: -1s is negative"},
		{"--rounds 0", "--rounds: 0 is less than 1"},
		{"--threads 0", "--threads: 0 is less than 1"},
		{"--only q01,q99", `--only: there is no query "q99"`},
		{"--only ds00", `--only: there is no query "ds00"`},
		{"--suites tpcc", `--suites: there is no suite "tpcc"; there are tpch, tpcds`},
		{"--processor --racers plain,httpfs", "--processor: that of httpfs is not known"},
		{"--racers hare", `--racers: there is no racer "hare"; there are plain,`},
	} {
		var stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(c.args), &stderr, &stderr)
		if code != 2 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d, %q, want 2 and %q", c.args, code, stderr.String(), c.want)
		}
	}
}

func TestSameRows(t *testing.T) {
	want := [][]string{{"a", "1.005"}, {"b", "NULL"}}
	for _, c := range []struct {
		name string
		got  [][]string
		same bool
	}{
		{"equal", [][]string{{"a", "1.005"}, {"b", "NULL"}}, true},
		{"rounded", [][]string{{"a", "1.01"}, {"b", "NULL"}}, true},
		{"another order", [][]string{{"b", "NULL"}, {"a", "1.0"}}, true},
		{"another number", [][]string{{"a", "1.2"}, {"b", "NULL"}}, false},
		{"another text", [][]string{{"c", "1.005"}, {"b", "NULL"}}, false},
		{"no NULL", [][]string{{"a", "1.005"}, {"b", "0"}}, false},
		{"a row less", [][]string{{"a", "1.005"}}, false},
		{"a column less", [][]string{{"a", "1.005"}, {"b"}}, false},
	} {
		if err := sameRows(c.got, want); (err == nil) != c.same {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestKnownRows(t *testing.T) {
	q := query{known: []string{"a|b|c", "x||(empty)", "1|2|3\r"}}
	if got, want := q.knownRows(), [][]string{{"x", "NULL", ""}, {"1", "2", "3"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTable(t *testing.T) {
	ms := func(n ...int) []time.Duration {
		var list []time.Duration
		for _, x := range n {
			list = append(list, time.Duration(x)*time.Millisecond)
		}
		return list
	}
	var out bytes.Buffer
	printTable(&out, []string{"plain", "local", "cold", "httpfs"}, []line{
		{query: "q01", runs: map[string][]time.Duration{"plain": ms(10, 12), "local": ms(30, 20), "cold": ms(50), "httpfs": ms(100)},
			read: 2 << 20, fetched: 1 << 20},
		{query: "q02", runs: map[string][]time.Duration{"plain": ms(10), "local": ms(80), "cold": ms(100), "httpfs": ms(800)}},
	})
	want := `  query  plain  local   cold  httpfs  local/plain  cold/plain  httpfs/cold  fetched of MiB
    q01   10.0   20.0   50.0   100.0         2.00        5.00         2.00      1.0 of 2.0
    q02   10.0   80.0  100.0   800.0         8.00       10.00         8.00                
local/plain: 4.00 (geometric mean)
cold/plain: 7.07 (geometric mean)
httpfs/cold: 4.00 (geometric mean)
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
