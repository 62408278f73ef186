//go:build storm

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// stormCheck is a query whose every row is about a batch, and what it must say of each.
type stormCheck struct {
	batches string // whose they are
	table   string
	sql     string
	want    string
}

func wholeOf(table string) string {
	return "SELECT b, count(*), sum(k), count(DISTINCT ds) FROM " + table + " WHERE b >= 0 GROUP BY b"
}

func (w *stormWorker) checks() []stormCheck {
	all := []stormCheck{}
	for table, batches := range map[string]string{"a": "a", "o": "o", "l": "l", "r1": "r", "r2": "r", "c": "c"} {
		all = append(all, stormCheck{batches, table, wholeOf(table), batchWhole})
	}
	for table, batches := range map[string]string{"z": "z", "p": "p", "x": "p"} {
		all = append(all, stormCheck{batches, table, "SELECT b, count(*), sum(k), count(DISTINCT d) FROM " + table + " GROUP BY b, ds", batchWhole})
	}
	return all
}

// read checks what is there, as often as it can.
func (w *stormWorker) read(ended <-chan struct{}) {
	checks := w.checks()
	for {
		select {
		case <-ended:
			return
		default:
		}
		if !w.calm {
			w.proxy.SetFaults(testenv.Faults{Busy: 0.02, CutDown: 0.02, Truncate: 0.01, FlipDown: 0.01, Seed: w.random.Uint64()})
		}
		w.check(checks[w.random.IntN(len(checks))], false)
	}
}

// check runs a query and looks at each batch that it tells of: it is whole, somebody has written it, and
// those are there whose statements had succeeded, or which have to be there for another reason.
func (w *stormWorker) check(c stormCheck, last bool, also ...int) {
	must := also
	switch c.table {
	case "a", "l":
		must = w.ackedOf(c.batches)
	case "r1", "r2":
		if last {
			must = w.ackedOf(c.batches)
		}
	}
	rows, err := w.try(c.sql)
	for last && err != nil && strings.Contains(err.Error(), "run the statement once more") {
		rows, err = w.try(c.sql) // what had come changed is forgotten by then
	}
	if err != nil {
		missing := strings.Contains(err.Error(), "Table not found")
		switch {
		case missing && (c.batches == "r" || c.batches == "c" || c.table != c.batches):
		case w.calm && !w.mayFail(err.Error()), last:
			w.storm.t.Errorf("%s: %v", c.sql, err)
		}
		return
	}
	seen := map[int]bool{}
	for _, row := range rows {
		if row == "" {
			continue
		}
		text, rest, _ := strings.Cut(row, "\t")
		b, err := strconv.Atoi(text)
		if err != nil || rest != c.want || seen[b] || !w.has(w.tried, c.batches, b) {
			w.storm.t.Errorf("%s shows %q of %q", c.sql, row, rows)
		}
		seen[b] = true
	}
	for _, b := range must {
		if !seen[b] {
			w.storm.t.Errorf("%s does not show batch %d, which is there, but %q", c.sql, b, rows)
		}
	}
	if n := len(seen); c.table == "o" && n != 1 || c.table == "c" && n > 1 {
		w.storm.t.Errorf("%s shows %d batches: %q", c.sql, n, rows)
	}
}

func (s *storm) has(sets map[string]map[int]bool, table string, b int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sets[table][b]
}

// putObject makes an object.
func putObject(ctx context.Context, b storage.Bucket, key, content string) error {
	o, err := b.Create(ctx, key, storage.CreateOptions{Size: int64(len(content))})
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	defer o.Abort()
	if _, err := o.Write([]byte(content)); err != nil {
		return err
	}
	_, err = o.Commit()
	return err
}
