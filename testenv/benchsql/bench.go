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

const bucket = "bench-sql"

// racerNames are the racers, in the order of the table's columns.
var racerNames = []string{"plain", "local", "warm", "cold", "httpfs"}

// race is everything that is open while queries run.
type race struct {
	*options
	data     *data
	plain    *plain
	lake     *lake
	httpfs   *httpfs // nil if it does not run
	progress io.Writer
}

// bench prepares data and server, checks the answers, runs the queries and prints the table.
func (o *options) bench(ctx context.Context, stdout, stderr io.Writer) (err error) {
	tmp, err := os.MkdirTemp(o.dir, "skep-benchsql-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	d, err := prepare(ctx, o.scale, tmp, stderr)
	if err != nil {
		return err
	}
	server, err := testenv.StartMinIO(ctx, filepath.Join(tmp, "server"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := upload(ctx, &server.S3, d.dir); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	far := server.S3
	if o.latency > 0 {
		link, failed := testenv.StartLink(&server.S3, o.latency)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, link.Close()) }()
		far = link.S3
	}
	r := &race{options: o, data: d, progress: stderr}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx, tmp, &far); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "TPC-H, scale %v, %d cores, %d threads, %d rounds, latency %s; milliseconds, the best of the rounds\n",
		o.scale, runtime.NumCPU(), o.threads, o.rounds, o.latency)
	var lines []line
	for i := range d.queries {
		q := &d.queries[i]
		if len(o.only) > 0 && !slices.Contains(o.only, q.name) {
			continue
		}
		l, err := r.query(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		lines = append(lines, l)
	}
	printTable(stdout, o.racers, lines)
	return nil
}

// upload copies the files below dir into a bucket of their own.
func upload(ctx context.Context, s3 *testenv.S3, dir string) error {
	c, err := s3store.New(s3.Config())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.MakeBucket(ctx, bucket); err != nil {
		return err
	}
	b := c.Bucket(bucket)
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(dir, path)
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
	for _, t := range tables {
		if err := r.plain.run("CREATE VIEW " + t.name + " AS " + t.read(r.data.dir)); err != nil {
			return err
		}
	}
	if r.lake, err = openLake(ctx, tmp, r.data.dir, "s3://"+bucket, far, r.threads); err != nil {
		return err
	}
	if slices.Contains(r.racers, "httpfs") {
		r.httpfs, err = startHTTPFS(ctx, tmp, "s3://"+bucket, far, r.threads, r.progress)
	}
	return err
}

func (r *race) close() error {
	var err error
	if r.httpfs != nil {
		err = r.httpfs.close()
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
			took, err := r.lap(ctx, name, q, &l)
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
// generator knows. It also fills the cache.
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
	for _, database := range []string{localDatabase, farDatabase} {
		got, err := r.lake.warm.rows(ctx, database, q.ours)
		if err != nil {
			return fmt.Errorf("in the database %s: %w", database, err)
		}
		if err := sameRows(got, want); err != nil {
			return fmt.Errorf("in the database %s: the answer is wrong: %w", database, err)
		}
	}
	return nil
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
	return r.httpfs.run(q.theirs)
}
