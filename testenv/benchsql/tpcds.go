package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The tables of facts are in partitions by the year of the sale, the return or the count, as files
// of events usually are. The key is of no use to the queries as they stand: they choose days by a
// join with date_dim.
var tpcdsTables = []table{
	{name: "call_center"}, {name: "catalog_page"}, {name: "customer"}, {name: "customer_address"},
	{name: "customer_demographics"}, {name: "date_dim"}, {name: "household_demographics"}, {name: "income_band"},
	{name: "item"}, {name: "promotion"}, {name: "reason"}, {name: "ship_mode"}, {name: "store"}, {name: "time_dim"},
	{name: "warehouse"}, {name: "web_page"}, {name: "web_site"},
	fact("store_sales", "ss_sold"), fact("store_returns", "sr_returned"),
	fact("catalog_sales", "cs_sold"), fact("catalog_returns", "cr_returned"),
	fact("web_sales", "ws_sold"), fact("web_returns", "wr_returned"),
	fact("inventory", "inv"),
}

// fact is a table of what happened on days, which it numbers as date_dim does: as Julian days.
func fact(name, event string) table {
	return table{name: name, key: event + "_year", keyOf: "year(DATE '1900-01-02' + (" + event + "_date_sk - 2415022)::INTEGER)"}
}

//go:embed testdata/answers.c
var answersProgram string

// tpcdsAnswers takes the answers out of the extension's library. Its function tpcds_answers is of
// no use: it wants those of every scale it has heard of, and has not got them all.
func tpcdsAnswers(ctx context.Context, _ *plain, scale, tmp string) (map[int]string, error) {
	if scale != "0.01" && scale != "1" {
		return nil, nil
	}
	library, err := extensionLibrary(ctx, "tpcds")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(tmp, "answers.c"), []byte(answersProgram), 0o600); err != nil {
		return nil, err
	}
	// The object needs DuckDB, which is not there: what would run before main is left out.
	const object = "dsdgen.cpp.o"
	for _, c := range [][]string{
		{"ar", "x", library, object},
		{"objcopy", "--remove-section=.init_array", "--remove-section=.rela.init_array", object, "answers.o"},
		{"gcc", "-no-pie", "-o", "answers", "answers.c", "answers.o", "-Wl,--unresolved-symbols=ignore-all"},
	} {
		cmd := exec.CommandContext(ctx, c[0], c[1:]...)
		cmd.Dir = tmp
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("take the answers out of %s: %s: %w: %s", library, c[0], err, bytes.TrimSpace(text))
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(tmp, "answers"), scale).Output()
	if err != nil {
		return nil, fmt.Errorf("the answers of scale %s: %w", scale, err)
	}
	answers := map[int]string{}
	for i, text := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		answers[i+1] = strings.TrimSuffix(text, "\n")
	}
	return answers, nil
}
