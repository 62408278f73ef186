//go:build storm

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/storage"
)

// write carries out statements, chosen at random.
func (w *stormWorker) write(statements int) {
	kinds := []func(*stormWorker){
		(*stormWorker).insert, (*stormWorker).insert, (*stormWorker).overwrite, (*stormWorker).overwrite,
		(*stormWorker).compact, (*stormWorker).truncate, (*stormWorker).renameTable, (*stormWorker).insertRenamed,
		(*stormWorker).remake, (*stormWorker).load, (*stormWorker).carry, (*stormWorker).directory,
		(*stormWorker).repair, (*stormWorker).makePartition, (*stormWorker).changePartition, (*stormWorker).changePartition,
	}
	for range statements {
		if w.storm.t.Failed() {
			return
		}
		kinds[w.random.IntN(len(kinds))](w)
	}
}

// add runs a statement that adds a batch to a table.
func (w *stormWorker) add(table string, b int, sql string) ending {
	w.tries(table, b)
	how := w.do(sql)
	if how == succeeded {
		w.acks(table, b)
	}
	return how
}

func (w *stormWorker) newBatch() int { return int(w.last.Add(1)) }

func (w *stormWorker) insert() {
	b := w.newBatch()
	w.add("a", b, "INSERT INTO a PARTITION (ds) "+batch(b))
}

func (w *stormWorker) overwrite() {
	b := w.newBatch()
	w.add("o", b, "INSERT OVERWRITE TABLE o PARTITION (ds) "+batch(b))
}

func (w *stormWorker) compact() {
	table := []string{"a", "o", "z", "p"}[w.random.IntN(4)]
	if w.random.IntN(2) == 0 || table == "p" {
		w.do("OPTIMIZE TABLE " + table)
		return
	}
	w.do(fmt.Sprintf("ALTER TABLE a PARTITION (ds='d%d') CONCATENATE", w.random.IntN(3)))
}

func (w *stormWorker) repair() {
	w.do([]string{"MSCK REPAIR TABLE a", "MSCK REPAIR TABLE o", "MSCK REPAIR TABLE z SYNC PARTITIONS", "MSCK REPAIR TABLE p"}[w.random.IntN(4)])
}

// truncate empties partitions of z, or puts batches into them.
func (w *stormWorker) truncate() {
	b, ds := w.newBatch(), fmt.Sprintf("(ds='s%d')", w.random.IntN(2))
	switch w.random.IntN(5) {
	case 0:
		w.do("TRUNCATE TABLE z")
	case 1:
		w.do("ALTER TABLE z DROP IF EXISTS PARTITION " + ds)
	case 2:
		w.add("z", b, "INSERT OVERWRITE TABLE z PARTITION "+ds+" "+batch(b))
	default:
		w.add("z", b, "INSERT INTO z PARTITION "+ds+" "+batch(b))
	}
}

func (w *stormWorker) renameTable() {
	if w.do("ALTER TABLE r1 RENAME TO r2") == failed {
		w.do("ALTER TABLE r2 RENAME TO r1")
	}
}

func (w *stormWorker) insertRenamed() {
	b := w.newBatch()
	if w.add("r", b, "INSERT INTO r1 "+batch(b)) == failed {
		b = w.newBatch()
		w.add("r", b, "INSERT INTO r2 "+batch(b))
	}
}

// remake makes and drops tables at one place.
func (w *stormWorker) remake() {
	b := w.newBatch()
	w.tries("c", b)
	switch w.random.IntN(4) {
	case 0:
		w.do("DROP TABLE IF EXISTS c")
	case 1:
		w.do("DROP TABLE IF EXISTS c; CREATE TABLE c AS " + batch(b))
	case 2:
		w.do("DROP TABLE IF EXISTS c; CREATE TABLE IF NOT EXISTS c (b BIGINT, k BIGINT, ds STRING); INSERT OVERWRITE TABLE c " + batch(b))
	default:
		w.do("CREATE TABLE IF NOT EXISTS c AS " + batch(b))
	}
}

// load loads a file of a directory, which another worker may load at the same time.
func (w *stormWorker) load() {
	b := w.newBatch()
	w.tries("l", b)
	var text strings.Builder
	for k := range batchRows {
		fmt.Fprintf(&text, "%d,%d,d%d\n", b, k+1, k%3)
	}
	if w.put(fmt.Sprintf("in/%d/rows.txt", b), text.String()) != nil {
		return
	}
	to := w.server.URL(fmt.Sprintf("in/%d", b))
	var others []ending
	done := make(chan struct{})
	if w.random.IntN(3) > 0 {
		close(done)
	} else {
		other := w.storm.worker(w.n + 100*b)
		go func() {
			defer close(done)
			others = append(others, other.do("LOAD DATA INPATH '"+to+"' INTO TABLE l"))
		}()
	}
	mine := w.do("LOAD DATA INPATH '" + to + "' INTO TABLE l")
	<-done
	others = append(others, mine)
	if slices.Contains(others, succeeded) {
		w.acks("l", b)
	}
}

func (w *stormWorker) put(key, content string) (err error) {
	b := w.client.Bucket(w.server.Bucket)
	for range 20 {
		if err = putObject(w.storm.t.Context(), b, key, content); err == nil {
			break
		}
	}
	return err
}

// carry exports a, imports it as another table, and drops that.
func (w *stormWorker) carry() {
	b := w.newBatch()
	before, to := w.ackedOf("a"), w.server.URL(fmt.Sprintf("out/%d/export", b))
	name := fmt.Sprintf("i%d", b)
	exported := w.do("EXPORT TABLE a TO '" + to + "'")
	imported := w.do("IMPORT TABLE " + name + " FROM '" + to + "'")
	if imported == succeeded {
		if exported == failed {
			w.storm.t.Logf("an export that failed is imported: %s", to)
		}
		w.check(stormCheck{"a", name, wholeOf(name), batchWhole}, false, before...)
	}
	w.do("DROP TABLE IF EXISTS " + name)
	w.look("DROP TABLE IF EXISTS " + name)
}

func (w *stormWorker) directory() {
	b := w.newBatch()
	place := w.server.URL(fmt.Sprintf("out/dir-%d", w.n))
	if w.do("INSERT OVERWRITE DIRECTORY '"+place+"' SELECT b, k FROM ("+batch(b)+") y") != succeeded {
		return
	}
	rows := w.look("dfs -cat " + place + "/*")
	if len(rows) != batchRows || !strings.HasPrefix(rows[0], fmt.Sprintf("%d\x01", b)) {
		w.storm.t.Errorf("%s has not batch %d: %q", place, b, rows)
	}
}

// stormPartition is a partition, or what became of it, that one worker alone changes.
type stormPartition struct {
	b     int
	table string // p or x; "" if it was dropped
	ds    string
}

func (w *stormWorker) makePartition() {
	b := w.newBatch()
	w.tries("p", b)
	part := &stormPartition{b: b, table: "p", ds: fmt.Sprintf("b%d", b)}
	if w.random.IntN(3) == 0 { // outside of the table's location
		w.do(fmt.Sprintf("ALTER TABLE p ADD PARTITION (ds='%s') LOCATION '%s'", part.ds, w.server.URL("wh/far/"+part.ds)))
	}
	how := w.do(fmt.Sprintf("INSERT INTO p PARTITION (ds='%s') %s", part.ds, batch(b)))
	w.resolve(part, how, stormPartition{b: b, ds: part.ds})
	w.parts = append(w.parts, part)
	w.storm.mu.Lock()
	w.storm.parts = append(w.storm.parts, part)
	w.storm.mu.Unlock()
}

func (w *stormWorker) changePartition() {
	if len(w.parts) == 0 {
		w.makePartition()
		return
	}
	part := w.parts[w.random.IntN(len(w.parts))]
	was := *part
	if was.table == "" {
		return
	}
	other := map[string]string{"p": "x", "x": "p"}[was.table]
	var sql string
	switch w.random.IntN(5) {
	case 0, 1:
		part.ds = fmt.Sprintf("b%d-%d", part.b, w.newBatch())
		sql = fmt.Sprintf("ALTER TABLE %s PARTITION (ds='%s') RENAME TO PARTITION (ds='%s')", was.table, was.ds, part.ds)
	case 2, 3:
		part.table = other
		sql = fmt.Sprintf("ALTER TABLE %s EXCHANGE PARTITION (ds='%s') WITH TABLE %s", other, was.ds, was.table)
	default:
		part.table = ""
		sql = fmt.Sprintf("ALTER TABLE %s DROP PARTITION (ds='%s')", was.table, was.ds)
	}
	w.resolve(part, w.do(sql), was)
}

// resolve looks what a change of a partition has come to: it is as it should be now, or as it was.
func (w *stormWorker) resolve(part *stormPartition, how ending, was stormPartition) {
	found := w.where(part.b)
	switch {
	case found == part.place():
	case how != succeeded && found == was.place():
		*part = was
	default:
		w.storm.t.Errorf("batch %d is %q; it was %q, and should be %q (%v)", part.b, found, was.place(), part.place(), how)
	}
}

func (p *stormPartition) place() string {
	if p.table == "" {
		return ""
	}
	return fmt.Sprintf("%s\t%s\t%s", p.table, p.ds, batchWhole)
}

// where finds the rows of a batch in p and x.
func (w *stormWorker) where(b int) string {
	one := func(table string) string {
		return fmt.Sprintf("SELECT '%s', ds, count(*), sum(k), count(DISTINCT d) FROM %[1]s WHERE b = %d GROUP BY ds", table, b)
	}
	return strings.Join(w.look(one("p")+" UNION ALL "+one("x")), "; ")
}

// checkPartitions looks whether the partitions that were changed are where they were last.
func (s *storm) checkPartitions(w *stormWorker) {
	for _, part := range s.parts {
		if found := w.where(part.b); found != part.place() {
			s.t.Errorf("in the end batch %d is %q, and not %q", part.b, found, part.place())
		}
	}
}

// checkLoaded looks whether each file is either loaded or there.
func (s *storm) checkLoaded(w *stormWorker) {
	loaded := map[string]bool{}
	for _, row := range w.look("SELECT DISTINCT b FROM l") {
		loaded[row] = true
	}
	for b := range s.tried["l"] {
		_, err := s.client.Bucket(s.server.Bucket).Stat(s.t.Context(), fmt.Sprintf("in/%d/rows.txt", b))
		if err != nil && !errors.Is(err, storage.ErrNotExist) {
			s.t.Fatal(err)
		}
		if there := err == nil; there == loaded[fmt.Sprint(b)] {
			s.t.Errorf("file %d: loaded %v, there %v", b, loaded[fmt.Sprint(b)], there)
		}
	}
}
