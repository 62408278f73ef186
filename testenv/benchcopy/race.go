package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// The buckets of a race: what is copied from, and what is copied to.
const (
	sourceBucket = "bench-source"
	resultBucket = "bench-result"
)

// race runs workloads with one server, one tool at a time.
type race struct {
	*options
	dir      string // for everything; its owner removes it
	kit      *kit
	s3       testenv.S3
	far      testenv.S3 // as the racers see it
	server   int        // the server's process
	progress io.Writer
	client   *s3store.Client
}

// open makes the buckets.
func (r *race) open(ctx context.Context) (err error) {
	if r.client, err = s3store.New(r.s3.Config()); err != nil {
		return err
	}
	for _, name := range []string{sourceBucket, resultBucket} {
		if err := r.client.MakeBucket(ctx, name); err != nil {
			return errors.Join(err, r.close())
		}
	}
	return nil
}

func (r *race) close() error { return r.client.Close() }

// workload runs one workload with every tool that can do it, as often as there are rounds, and
// removes all traces of it.
func (r *race) workload(ctx context.Context, w workload) (res result, err error) {
	fmt.Fprintf(r.progress, "benchcopy: %s: preparing\n", w.name)
	local := filepath.Join(r.dir, "source")
	source := place{local: local}
	c := checker{client: r.client, source: local}
	defer func() { err = errors.Join(err, os.RemoveAll(local)) }()
	if c.want, err = w.makeSource(local); err != nil {
		return result{}, err
	}
	if w.dir == down || w.dir == across {
		remote := place{bucket: sourceBucket, key: w.name}
		defer func() { err = errors.Join(err, c.remove(context.WithoutCancel(ctx), remote)) }()
		if err := r.seed(ctx, c, w, source, remote); err != nil {
			return result{}, fmt.Errorf("prepare the source: %w", err)
		}
		source = remote
	}
	racers := r.racers(w)
	res = result{workload: w, lines: make([]line, len(racers))}
	for i, t := range racers {
		res.lines[i].tool = t.name
	}
	for round := range r.rounds {
		for i := range racers {
			// Another one begins each round: who runs first or after whom is not always the same.
			at := (i + round) % len(racers)
			if res.lines[at].unsupported {
				continue
			}
			fmt.Fprintf(r.progress, "benchcopy: %s: round %d: %s\n", w.name, round+1, racers[at].name)
			if err := r.lap(ctx, c, racers[at], w, source, &res.lines[at]); err != nil {
				return result{}, err
			}
		}
	}
	return res, nil
}

// racers are the tools that have a command line for the workload.
func (r *race) racers(w workload) []tool {
	var able []tool
	for _, name := range r.kit.names {
		t := r.kit.tool(name, r.far)
		if t.args(job{workload: w}) != nil {
			able = append(able, t)
		}
	}
	return able
}

// seed uploads the local source, with distcp.
func (r *race) seed(ctx context.Context, c checker, w workload, from, to place) error {
	upload := w
	upload.dir = up
	t := r.kit.tool(ours, r.s3)
	if _, err := measure(ctx, t, t.args(job{upload, from, to}), r.server); err != nil {
		return err
	}
	_, err := c.check(ctx, upload, to)
	return err
}

// lap runs one tool once, checks what it has made, and removes it.
func (r *race) lap(ctx context.Context, c checker, t tool, w workload, source place, l *line) (err error) {
	j := job{w, source, place{bucket: resultBucket, key: w.name + "-" + t.name}}
	if w.dir == down {
		j.dest = place{local: filepath.Join(r.dir, "result")}
		if err := os.Mkdir(j.dest.local, 0o755); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, c.remove(context.WithoutCancel(ctx), j.dest), r.emptyTrash()) }()
	u, size, err := r.timed(ctx, c, t, j)
	var unsupported *unsupportedError
	if errors.As(err, &unsupported) {
		l.unsupported = true
		return nil
	}
	if err != nil {
		return err
	}
	l.runs = append(l.runs, u)
	l.size = size
	return nil
}

// emptyTrash frees what has been deleted on the server, which only moves it away and frees it every
// five minutes: many runs' objects would be in memory by then, and others have less of it.
func (r *race) emptyTrash() error {
	deleted, err := filepath.Glob(filepath.Join(r.dir, "server", "data", ".minio.sys", "tmp", ".trash", "*"))
	for _, path := range deleted {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// timed runs one tool once and checks the result, whose bytes it returns. Of the sync that has
// nothing to do, only the second run counts; the first is the tool's own, too, for each
// recognises what it has written itself.
func (r *race) timed(ctx context.Context, c checker, t tool, j job) (usage, int64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("not done after %s", r.timeout))
	defer cancel()
	args := t.args(j)
	if j.dir != again {
		u, err := r.settled(ctx, t, args, j)
		if err != nil {
			return usage{}, 0, err
		}
		size, err := c.check(ctx, j.workload, j.dest)
		if err != nil {
			return usage{}, 0, fmt.Errorf("the result of %s is wrong: %w", t.name, err)
		}
		return u, size, nil
	}
	if _, err := measure(ctx, t, args, r.server); err != nil {
		return usage{}, 0, err
	}
	before, err := c.newest(ctx, j.dest)
	if err != nil {
		return usage{}, 0, err
	}
	u, err := r.settled(ctx, t, args, j)
	if err != nil {
		return usage{}, 0, err
	}
	after, err := c.newest(ctx, j.dest)
	if err != nil {
		return usage{}, 0, err
	}
	if !after.Equal(before) {
		return usage{}, 0, fmt.Errorf("%s has copied again what was there", t.name)
	}
	size, err := c.check(ctx, j.workload, j.dest)
	return u, size, err
}

// settled measures a run that begins as all others do: the disk has nothing left to do of what was
// before, and there is memory for what will be written.
func (r *race) settled(ctx context.Context, t tool, args []string, j job) (usage, error) {
	syscall.Sync()
	warm, err := warmMemory(j.bytes() + j.bytes()/4 + memoryOfTools)
	if err != nil {
		return usage{}, err
	}
	u, err := measure(ctx, t, args, r.server)
	return u, errors.Join(err, warm.end())
}

// memoryOfTools is what a tool and the server may need for themselves, in bytes.
const memoryOfTools = 512 << 20
