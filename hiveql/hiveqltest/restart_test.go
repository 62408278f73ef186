package hiveqltest_test

import (
	"errors"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/testenv"
)

// TestReadingWithoutServer: while the server takes no requests, queries wait; when it is gone for
// good they fail, and say what they could not reach.
func TestReadingWithoutServer(t *testing.T) {
	ctx := t.Context()
	server, err := testenv.StartMinIO(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s3 := server.S3
	s3.Bucket = "stopped"
	if err := s3.MakeBucket(ctx, s3.Bucket); err != nil {
		t.Fatal(err)
	}
	l := farLakeOf(t, &s3)
	l.fill(t)
	const query = "SELECT sum(id), sum(v) FROM t"
	want, _, err := answer(ctx, l.reader(t), query)
	if err != nil {
		t.Fatal(err)
	}
	l.proxy.SetFaults(testenv.Faults{Busy: 1})
	back := time.AfterFunc(300*time.Millisecond, func() { l.proxy.SetFaults(testenv.Faults{}) })
	defer back.Stop()
	if got, _, err := answer(ctx, l.reader(t), query); err != nil || got != want {
		t.Errorf("after a while without it: %q, %v; want %q", got, err, want)
	}
	rows, err := queried(t, l.reader(t), "SELECT id, pad FROM t")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for rows.Next() {
		n++
	}
	if err := errors.Join(rows.Err(), rows.Close()); err == nil && n != 500000 || err != nil && !strings.Contains(err.Error(), "s3://stopped/") {
		t.Errorf("stopped while it was read: %d rows, %v", n, err)
	}
	if got, _, err := answer(ctx, l.reader(t), query); err == nil || !strings.Contains(err.Error(), "s3://stopped/") {
		t.Errorf("without the server: %q, %v", got, err)
	}
}

// TestReadingFromServerThatIsKilled: the server is killed while a query reads, and started again. The
// query has the right answer or says what it could not read, and the next one is right.
func TestReadingFromServerThatIsKilled(t *testing.T) {
	ctx := t.Context()
	server, err := testenv.StartMinIO(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	s3 := server.S3
	s3.Bucket = "killed"
	if err := s3.MakeBucket(ctx, s3.Bucket); err != nil {
		t.Fatal(err)
	}
	l := farLakeOf(t, &s3)
	l.fill(t)
	const query = "SELECT sum(id), max(pad), sum(v) FROM t"
	want, _, err := answer(ctx, l.reader(t), query)
	if err != nil {
		t.Fatal(err)
	}
	for _, nth := range []int64{1, 3, 5} { // the request that finds it dead
		var requests atomic.Int64
		restarted := make(chan error, 1)
		l.proxy.Change(func(r *http.Request) {
			if r.Method == http.MethodGet && requests.Add(1) == nth {
				restarted <- errors.Join(server.Kill(), server.Restart(ctx))
			}
		}, nil)
		s := l.reader(t)
		got, _, err := answer(ctx, s, query)
		if err == nil && got != want || err != nil && !strings.Contains(err.Error(), "s3://killed/") {
			t.Errorf("killed at request %d: %q, %v", nth, got, err)
		}
		if requests.Load() < nth {
			t.Fatalf("there were %d requests, none was the one that finds it dead", requests.Load())
		}
		if err := <-restarted; err != nil {
			t.Fatal(err)
		}
		l.proxy.Change(nil, nil)
		if got, _, err := answer(ctx, s, query); err != nil || got != want {
			t.Errorf("after it was killed at request %d: %q, %v", nth, got, err)
		}
	}
}

// queried begins to run a query.
func queried(t *testing.T, s *hiveql.Session, sql string) (hiveql.Rows, error) {
	next, stop := iter.Pull2(s.Execute(t.Context(), sql))
	t.Cleanup(stop)
	r, err, _ := next()
	if err != nil {
		return nil, err
	}
	return r.Rows, nil
}
