package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// racerNames are the racers, in the order of the table's columns.
var racerNames = []string{"plain", "local", "warm", "cold", "httpfs", "spark"}

// needsServer says whether a racer reads from S3.
func needsServer(racer string) bool { return racer == "warm" || racer == "cold" || racer == "httpfs" }

// race is everything that is open while the queries of a suite run.
type race struct {
	*options
	data     *data
	server   *testenv.S3Server // nil if nobody reads from S3
	plain    *plain
	lake     *lake
	httpfs   *python // nil if it does not run
	spark    *python // nil if it does not run
	progress io.Writer
}

// bench races for each suite.
func (o *options) bench(ctx context.Context, stdout, stderr io.Writer) (err error) {
	tmp, err := os.MkdirTemp(o.dir, "skep-benchsql-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	var server *testenv.S3Server
	var near, far *testenv.S3
	if slices.ContainsFunc(o.racers, needsServer) {
		if server, err = testenv.StartMinIO(ctx, filepath.Join(tmp, "server")); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		near, far = &server.S3, &server.S3
	}
	if near != nil && o.latency > 0 {
		link, failed := testenv.StartLink(near, o.latency)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, link.Close()) }()
		far = &link.S3
	}
	for _, s := range suites {
		if !o.wants(s) {
			continue
		}
		r := &race{options: o, server: server, progress: stderr}
		if err := r.race(ctx, s, filepath.Join(tmp, s.name), near, far, stdout); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
	}
	return nil
}

// wants says whether a suite has queries to run.
func (o *options) wants(s *suite) bool {
	return slices.Contains(o.suites, s.name) &&
		(len(o.only) == 0 || slices.ContainsFunc(s.queryNames(), func(name string) bool { return slices.Contains(o.only, name) }))
}

// race prepares the data of a suite, checks the answers, runs the queries and prints the table.
func (r *race) race(ctx context.Context, s *suite, tmp string, near, far *testenv.S3, stdout io.Writer) (err error) {
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	d, err := prepare(ctx, s, r.scale, tmp, r.progress)
	if err != nil {
		return err
	}
	r.data = d
	if near != nil {
		if err := upload(ctx, near, d); err != nil {
			return fmt.Errorf("upload: %w", err)
		}
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx, tmp, far); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s, scale %v, %d cores, %d threads, %d rounds, latency %s; %s, the best of the rounds\n",
		s.title, r.scale, runtime.NumCPU(), r.threads, r.rounds, r.latency, r.unit())
	var lines []line
	for i := range d.queries {
		q := &d.queries[i]
		if len(r.only) > 0 && !slices.Contains(r.only, q.name) {
			continue
		}
		l, err := r.query(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		lines = append(lines, l)
	}
	printTable(stdout, r.racers, lines)
	return nil
}

// upload copies the files into a bucket of their own.
func upload(ctx context.Context, s3 *testenv.S3, d *data) error {
	c, err := s3store.New(s3.Config())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.MakeBucket(ctx, d.suite.name); err != nil {
		return err
	}
	b := c.Bucket(d.suite.name)
	return filepath.WalkDir(d.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(d.dir, path)
		if err != nil {
			return err
		}
		return put(ctx, b, filepath.ToSlash(key), path)
	})
}

func put(ctx context.Context, b storage.Bucket, key, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := b.Create(ctx, key, storage.CreateOptions{})
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, f); err != nil {
		return err
	}
	_, err = w.Commit()
	return err
}

func (r *race) open(ctx context.Context, tmp string, far *testenv.S3) (err error) {
	if r.plain, err = openPlain(r.threads); err != nil {
		return err
	}
	for _, t := range r.data.tables {
		if err := r.plain.run("CREATE VIEW " + t.name + " AS " + t.read(r.data.dir)); err != nil {
			return err
		}
	}
	if r.lake, err = openLake(ctx, tmp, r.data, far, r.threads); err != nil {
		return err
	}
	if slices.Contains(r.racers, "httpfs") {
		if r.httpfs, err = startHTTPFS(ctx, tmp, r.data, far, r.threads, r.progress); err != nil {
			return err
		}
	}
	if slices.Contains(r.racers, "spark") {
		r.spark, err = startSpark(ctx, tmp, r.data, r.threads, r.progress)
	}
	return err
}

func (r *race) close() error {
	var err error
	for _, p := range []*python{r.httpfs, r.spark} {
		if p != nil {
			err = errors.Join(err, p.close())
		}
	}
	if r.lake != nil {
		err = errors.Join(err, r.lake.close())
	}
	if r.plain != nil {
		r.plain.close()
	}
	return err
}

// query checks the answers to a query and then takes the times.
func (r *race) query(ctx context.Context, q *query) (line, error) {
	l := line{query: q.name, runs: map[string][]time.Duration{}}
	if err := r.checkAnswers(ctx, q); err != nil {
		return l, err
	}
	for round := range r.rounds {
		for i := range r.racers {
			name := r.racers[(i+round)%len(r.racers)] // another one begins each round
			took, err := r.measure(func() (time.Duration, error) { return r.lap(ctx, name, q, &l) })
			if err != nil {
				return l, fmt.Errorf("%s: %w", name, err)
			}
			l.runs[name] = append(l.runs[name], took)
			if r.verbose {
				fmt.Fprintf(r.progress, "benchsql: %s, round %d: %s %s\n", q.name, round+1, name, took.Round(100*time.Microsecond))
			}
		}
	}
	return l, nil
}

// checkAnswers compares the answers of hiveql with those of plain DuckDB, and these with what the
// generator knows; of Spark's it counts the rows. It also fills the cache.
func (r *race) checkAnswers(ctx context.Context, q *query) error {
	want, err := r.plain.rows(q.theirs)
	if err != nil {
		return fmt.Errorf("plain: %w", err)
	}
	if len(q.known) > 0 {
		if err := sameRows(want, q.knownRows()); err != nil {
			return fmt.Errorf("the files do not hold what they should: %w", err)
		}
	}
	for _, database := range r.lake.databases {
		got, err := r.lake.warm.rows(ctx, database, q.ours)
		if err != nil {
			return fmt.Errorf("in the database %s: %w", database, err)
		}
		if err := sameRows(got, want); err != nil {
			return fmt.Errorf("in the database %s: the answer is wrong: %w", database, err)
		}
	}
	if r.spark == nil {
		return nil
	}
	_, n, err := r.spark.ask(map[string]any{"query": q.ours}) // which also makes it warm
	if err == nil && n != len(want) {
		err = fmt.Errorf("spark has %d rows, not %d", n, len(want))
	}
	return err
}

// lap runs one query by one racer.
func (r *race) lap(ctx context.Context, racer string, q *query, l *line) (time.Duration, error) {
	switch racer {
	case "plain":
		start := time.Now()
		err := r.plain.run(q.theirs)
		return time.Since(start), err
	case "local":
		took, _, err := r.lake.warm.run(ctx, localDatabase, q.ours, nil)
		return took, err
	case "warm":
		took, _, err := r.lake.warm.run(ctx, farDatabase, q.ours, nil)
		return took, err
	case "cold":
		rd, err := r.lake.reader()
		if err != nil {
			return 0, err
		}
		took, stats, err := rd.run(ctx, farDatabase, q.ours, nil)
		l.read, l.fetched = stats.BytesRead, stats.BytesFetched
		return took, errors.Join(err, rd.close())
	}
	if racer == "spark" {
		return r.spark.run(q.ours)
	}
	return r.httpfs.run(q.theirs)
}
