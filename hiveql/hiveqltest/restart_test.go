package hiveqltest_test

import (
	"errors"
	"iter"
	"strings"
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
