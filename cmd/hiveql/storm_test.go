//go:build storm

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// A storm is many processes that write to one metastore and one bucket in every way, and are killed, while
// connections break and the server dies; readers look at what they write all the time. What they write are
// batches of rows, of which one can tell whether they are whole.

const (
	batchRows = 60 // of a batch, a third of them in each of the partitions d0, d1 and d2
	batchSum  = batchRows * (batchRows + 1) / 2
	// batchWhole is what a query of wholeness makes of a batch.
	batchWhole = "60\t1830\t3"
	// stormGrace is skep.vacuum.grace as it is by default.
	stormGrace = 500 * time.Millisecond
)

// batch is a query that makes the rows of a batch: b, k and ds.
func batch(b int) string {
	return fmt.Sprintf("SELECT cast(%d AS BIGINT) AS b, cast(pos + 1 AS BIGINT) AS k, concat('d', pos %% 3) AS ds "+
		"FROM (SELECT posexplode(split(space(%d), ' ')) AS (pos, v)) x", b, batchRows-1)
}

// storm is one round.
type storm struct {
	t      *testing.T
	server *mortalS3
	client *s3store.Client
	base   *installation
	calm   bool // nothing is killed and nothing breaks
	seed   uint64
	last   atomic.Int64 // number of a batch

	mu      sync.Mutex
	tried   map[string]map[int]bool // batches, by table
	acked   map[string]map[int]bool // those of which the statement has succeeded
	counted map[string]int          // statements by how they ended
	parts   []*stormPartition
	trouble chan struct{} // one for each statement that ends
}

// TestStorm has a few processes work in a storm on a metastore in SQLite, on one in PostgreSQL and on one in MariaDB.
func TestStorm(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	if text := os.Getenv("SKEP_STORM_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SKEP_STORM_SEED: %v", err)
		}
	}
	workers, statements := 3, 8
	if soakRounds(t, 0) > 0 {
		workers, statements = 4, 25
	}
	for round := range soakRounds(t, 1) {
		for n, kind := range []string{"sqlite", "postgres", "mariadb"} {
			one := seed + uint64(3*round+n)
			t.Run(fmt.Sprintf("%s-%d", kind, one), func(t *testing.T) { runStorm(t, kind, one, workers, statements) })
		}
	}
}

func runStorm(t *testing.T, kind string, seed uint64, workers, statements int) {
	s := newStorm(t, kind, seed)
	start := time.Now()
	var writing, rest sync.WaitGroup
	ended := make(chan struct{})
	for n := range workers {
		w := s.worker(n)
		writing.Go(func() { w.write(statements) })
	}
	for n := range 2 {
		w := s.worker(workers + n)
		rest.Go(func() { w.read(ended) })
	}
	rest.Go(func() { s.list(ended) })
	if !s.calm {
		rest.Go(func() { s.killServer(ended) })
	}
	writing.Wait()
	close(ended)
	rest.Wait()
	t.Logf("calm %v, %v: %v", s.calm, time.Since(start).Round(time.Second), s.counted)
	if !t.Failed() {
		s.settle()
	}
}

// stormTables are the tables of a storm, each for some kinds of statements.
const stormTables = `CREATE TABLE a (b BIGINT, k BIGINT) PARTITIONED BY (ds STRING) STORED AS PARQUET;
	CREATE TABLE o (b BIGINT, k BIGINT) PARTITIONED BY (ds STRING);
	CREATE TABLE z (b BIGINT, k BIGINT, d STRING) PARTITIONED BY (ds STRING) STORED AS PARQUET;
	CREATE TABLE p (b BIGINT, k BIGINT, d STRING) PARTITIONED BY (ds STRING) STORED AS PARQUET;
	CREATE TABLE x (b BIGINT, k BIGINT, d STRING) PARTITIONED BY (ds STRING) STORED AS PARQUET;
	CREATE TABLE r1 (b BIGINT, k BIGINT, ds STRING);
	CREATE TABLE l (b BIGINT, k BIGINT, ds STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',';
	INSERT INTO a PARTITION (ds) `

func newStorm(t *testing.T, kind string, seed uint64) *storm {
	t.Helper()
	s := &storm{t: t, seed: seed, calm: seed/3%4 == 0, server: startMortalS3(t, "storm"),
		tried: map[string]map[int]bool{}, acked: map[string]map[int]bool{}, counted: map[string]int{}, trouble: make(chan struct{}, 1000)}
	s.base = install(t)
	s.base.more = append(s.server.Env(), "TMPDIR="+s.base.tmp())
	s.base.flags = []string{"--warehouse", s.server.URL("wh")}
	switch kind {
	case "postgres":
		s.base.flags = append(s.base.flags, "--metastore", testenv.Postgres(t).URL)
	case "mariadb":
		s.base.flags = append(s.base.flags, "--metastore", testenv.MariaDB(t).URL)
	}
	client, err := s3store.New(s.server.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	s.client = client
	s.base.run(stormTables + batch(0) + "; INSERT OVERWRITE TABLE o PARTITION (ds) " + batch(0))
	for _, table := range []string{"a", "o"} {
		s.tries(table, 0)
		s.acks(table, 0)
	}
	return s
}

func (s *storm) note(sets map[string]map[int]bool, table string, b int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sets[table] == nil {
		sets[table] = map[int]bool{}
	}
	sets[table][b] = true
}

func (s *storm) tries(table string, b int) { s.note(s.tried, table, b) }

func (s *storm) acks(table string, b int) { s.note(s.acked, table, b) }

// ackedOf are the batches of a table that are there from now on.
func (s *storm) ackedOf(table string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []int
	for b := range s.acked[table] {
		all = append(all, b)
	}
	slices.Sort(all)
	return all
}

// stormWorker is one process after the other, by way of a proxy of its own.
type stormWorker struct {
	*storm
	*installation
	proxy  *testenv.Proxy
	random *rand.Rand
	n      int
	parts  []*stormPartition
}

func (s *storm) worker(n int) *stormWorker {
	proxy := testenv.NewProxy(s.t, &s.server.S3)
	own := *s.base
	own.more = append(proxy.Env(), "TMPDIR="+s.base.tmp())
	return &stormWorker{storm: s, installation: &own, proxy: proxy, n: n, random: rand.New(rand.NewPCG(s.seed, uint64(n)))}
}

// How a statement ended.
type ending int

const (
	succeeded ending = iota
	failed           // there may be what it makes all the same, if only the answer was lost
	killed
)

// do runs a statement, which may be killed at some request to the store or at some moment.
func (w *stormWorker) do(sql string) ending {
	how, err := w.carryOut(sql)
	w.storm.mu.Lock()
	w.counted[[]string{"succeeded", "failed", "killed"}[how]]++
	w.storm.mu.Unlock()
	select {
	case w.trouble <- struct{}{}:
	default:
	}
	if how == failed && !w.mayFail(err.Error()) {
		w.storm.t.Errorf("%s: %v", sql, err)
	}
	return how
}

func (w *stormWorker) carryOut(sql string) (ending, error) {
	ctx, cancel := context.WithTimeout(w.storm.t.Context(), 4*time.Minute)
	defer cancel()
	var dies atomic.Bool
	kill := func() {
		dies.Store(true)
		cancel()
	}
	if !w.calm {
		w.proxy.SetFaults(testenv.Faults{Busy: 0.03, CutUp: 0.02, CutDown: 0.02, LostAnswer: 0.02, FlipUp: 0.01, Seed: w.random.Uint64()})
		switch w.random.IntN(6) {
		case 0, 1:
			w.killAtRequest(ctx, 1+w.random.IntN(24), kill)
		case 2:
			timer := time.AfterFunc(time.Duration(w.random.IntN(1000))*time.Millisecond, kill)
			defer timer.Stop()
		}
	}
	cmd, _, stderr := w.command(ctx, sql)
	err := cmd.Run()
	cancel()
	w.proxy.Change(nil, nil)
	switch {
	case err == nil:
		return succeeded, nil
	case dies.Load():
		return killed, nil
	}
	return failed, fmt.Errorf("%w: %s", err, stderr)
}

// killAtRequest kills at the n-th request, before the server gets it or when it has answered.
func (w *stormWorker) killAtRequest(ctx context.Context, n int, kill func()) {
	var seen atomic.Int64
	at := func() {
		if seen.Add(1) == int64(n) {
			kill()
			<-ctx.Done()
		}
	}
	if w.random.IntN(2) == 0 {
		w.proxy.Change(func(*http.Request) { at() }, nil)
		return
	}
	w.proxy.Change(nil, func(*http.Response) error {
		at()
		return nil
	})
}

// mayFail reports whether a statement may fail like this.
func (s *storm) mayFail(text string) bool {
	for _, never := range []string{"panic", "goroutine ", "SIGSEGV", "database is locked", "is damaged", "Internal"} {
		if strings.Contains(text, never) {
			return false
		}
	}
	if !s.calm {
		return true
	}
	for _, conflict := range []string{"meanwhile", "already exists", "not found", "under way", "was being planned", "No files matching path",
		"an earlier LOAD DATA has loaded it", "table does not exist", "copy s3://storm/in/", "open s3://storm/in/"} {
		if strings.Contains(text, conflict) {
			return true
		}
	}
	return false
}

// look runs a query through whatever trouble there is, until it has an answer.
func (w *stormWorker) look(sql string) []string {
	for try := 0; ; try++ {
		rows, err := w.try(sql)
		if err == nil {
			return slices.DeleteFunc(rows, func(row string) bool { return row == "" })
		}
		if try == 50 {
			w.storm.t.Errorf("%s, tried %d times: %v", sql, try, err)
			return nil
		}
	}
}

// killServer kills the server now and then.
func (s *storm) killServer(ended <-chan struct{}) {
	random := rand.New(rand.NewPCG(s.seed, 1000))
	for {
		for range 4 + random.IntN(12) {
			select {
			case <-s.trouble:
			case <-ended:
				return
			}
		}
		s.server.again()
	}
}

// list looks at the directories of o as programs do that know no metastore: in none of them is there ever
// a moment without any file of rows. A listing that takes longer than replaced files stay proves nothing.
func (s *storm) list(ended <-chan struct{}) {
	bucket := s.client.Bucket(s.server.Bucket)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		start, files := time.Now(), map[string]int{}
		err := func() error {
			for o, err := range bucket.List(s.t.Context(), "wh/o/") {
				if err != nil {
					return err
				}
				if dir, name := filepath.Split(o.Key); !strings.HasPrefix(name, ".") {
					files[dir]++
				}
			}
			return nil
		}()
		if err == nil && time.Since(start) < stormGrace/2 && len(files) != 3 {
			s.t.Errorf("a listing of o shows no files but %v", files)
			return
		}
	}
}

// settle ends what killed processes have left, and looks whether all is there and nothing else.
func (s *storm) settle() {
	w := s.worker(2000)
	w.proxy.SetFaults(testenv.Faults{})
	i := s.base
	i.run("INSERT INTO l VALUES (-1, 0, ''); DROP TABLE IF EXISTS c; DROP TABLE IF EXISTS c2")
	i.run("INSERT OVERWRITE DIRECTORY '" + s.server.URL("out/last") + "' SELECT 1")
	vacuum := *i
	vacuum.flags = nil
	cmd, _, stderr := vacuum.command(s.t.Context(), "")
	cmd.Args = append([]string{cmd.Args[0], "vacuum", "--grace", "0s"}, i.flags...)
	if err := cmd.Run(); err != nil {
		s.t.Errorf("vacuum: %v\n%s", err, stderr)
	}
	for _, c := range w.checks() {
		w.check(c, true)
	}
	s.checkPartitions(w)
	s.checkLoaded(w)
	tables := w.look("SHOW TABLES")
	if slices.Contains(tables, "r1") == slices.Contains(tables, "r2") {
		s.t.Errorf("r1 and r2 are not one table: %q", tables)
	}
	s.checkObjects(w, tables)
}

// checkObjects fails where there is an object of nobody, an upload, or a temporary file.
func (s *storm) checkObjects(w *stormWorker, tables []string) {
	known := map[string]bool{}
	for _, table := range tables {
		for _, url := range w.look("SELECT DISTINCT INPUT__FILE__NAME FROM " + table) {
			known[strings.TrimPrefix(url, s.server.URL(""))] = true
		}
	}
	bucket := s.client.Bucket(s.server.Bucket)
	for o, err := range bucket.List(s.t.Context(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		whole, _, export := strings.Cut(o.Key, "/export/")
		if export {
			_, err = bucket.Stat(s.t.Context(), whole+"/export/_metadata")
		}
		if strings.HasPrefix(o.Key, "wh/") && !known[o.Key] || export && errors.Is(err, storage.ErrNotExist) {
			s.t.Errorf("%s is left", o.Key)
		}
	}
	for u, err := range bucket.Uploads(s.t.Context(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Errorf("the upload of %s was not ended", u.Key)
	}
	if left, err := os.ReadDir(s.base.tmp()); err != nil || len(left) > 0 {
		s.t.Errorf("left behind: %v, %v", left, err)
	}
}
