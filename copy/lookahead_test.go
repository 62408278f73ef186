package copier_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// distant is a bucket of a service that is some way off.
type distant struct{ storage.Bucket }

func (distant) RoundTrip() time.Duration { return 20 * time.Millisecond }

// meeting waits in each operation that it counts until so many have been begun.
type meeting struct {
	together int64
	begun    atomic.Int64
	all      chan struct{}
	kind     storagetest.OpKind
	below    string
}

func newMeeting(together int64, kind storagetest.OpKind, below string) *meeting {
	return &meeting{together: together, all: make(chan struct{}), kind: kind, below: below}
}

func (m *meeting) at(ctx context.Context) func(op storagetest.Op) error {
	return func(op storagetest.Op) error {
		if op.Kind != m.kind || !strings.Contains(op.Key, m.below) {
			return nil
		}
		if m.begun.Add(1) == m.together {
			close(m.all)
		}
		select {
		case <-m.all:
		case <-ctx.Done():
		}
		return nil
	}
}

// The sources of an output are asked for together, and put together in their order, whatever is done with them.
func TestSourcesAreAskedForAhead(t *testing.T) {
	for _, codec := range []copier.Codec{copier.CodecKeep, "gzip"} {
		g := newGrouping(t, "s3://out/", copier.Options{OutputCodec: codec, Workers: 8, PartSize: 16 << 20})
		var want strings.Builder
		for i := range 60 {
			text := fmt.Sprintf("<%d>", i)
			if i%20 == 7 {
				text = strings.Repeat(text, 30_000) // too much to be held
			}
			want.WriteString(text)
			g.src.Put(fmt.Sprintf("h/day-%02d", i), text)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		m := newMeeting(5, storagetest.OpOpen, "h/")
		src := distant{storagetest.Faulty(g.src, m.at(ctx))}
		if _, err := copier.Run(ctx, at(src, ""), at(g.dest, "out"), g.opts); err != nil || ctx.Err() != nil {
			t.Fatalf("%s: %d sources were asked for: %v", codec, m.begun.Load(), err)
		}
		all := slices.Collect(maps.Values(outputs(g.dest)))
		if codec != copier.CodecKeep {
			all[0] = gunzipped(t, all[0])
		}
		if len(all) != 1 || all[0] != want.String() {
			t.Errorf("%s: %d outputs; %.80q", codec, len(all), all[0])
		}
		if n := m.begun.Load(); n != 60 {
			t.Errorf("%s: %d sources were opened, want 60", codec, n)
		}
	}
}

// A source that cannot be read fails its output, when it is its turn, and nothing of what was asked for stays open.
func TestSourceAheadFails(t *testing.T) {
	for _, kind := range []storagetest.OpKind{storagetest.OpOpen, storagetest.OpRead} {
		g := newGrouping(t, "s3://out/", copier.Options{})
		for i := range 30 {
			g.src.Put(fmt.Sprintf("h/day-%02d", i), "content")
		}
		broken := errors.New("the disk is broken")
		var opened, closed atomic.Int64
		src := distant{counted{storagetest.Faulty(g.src, func(op storagetest.Op) error {
			if op.Kind == kind && op.Key == "h/day-05" {
				return broken
			}
			return nil
		}), &opened, &closed}}
		sum, err := copier.Run(t.Context(), at(src, ""), at(g.dest, "out"), g.opts)
		var failed *copier.FailedError
		if !errors.As(err, &failed) || !errors.Is(sum.Failures[0].Err, broken) {
			t.Errorf("%s: %v", kind, err)
		}
		if n := len(outputs(g.dest)); n != 0 {
			t.Errorf("%s: %d outputs", kind, n)
		}
		if opened.Load() != closed.Load() {
			t.Errorf("%s: %d sources were opened, %d closed", kind, opened.Load(), closed.Load())
		}
	}
}

// Sources that cannot be opened hold no memory that others could be asked for ahead with.
func TestSourcesThatFailHoldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrouping(t, "s3://out/", copier.Options{GroupBy: `.*/(g\d+)-\d+`, Workers: 200, Retries: -1, PartSize: 16 << 20})
		const groups = 20 // together more than there is memory for
		text := strings.Repeat("x", 64<<10)
		for i := range groups {
			for n := range 17 {
				g.src.Put(fmt.Sprintf("h/g%03d-%02d", i, n), text)
			}
		}
		for n := range 6 {
			g.src.Put(fmt.Sprintf("h/g999-%02d", n), text)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		m := newMeeting(4, storagetest.OpOpen, "h/g999")
		src := distant{storagetest.Faulty(g.src, func(op storagetest.Op) error {
			if op.Kind != storagetest.OpOpen {
				return nil
			}
			var group, n int
			if _, err := fmt.Sscanf(op.Key, "h/g%d-%d", &group, &n); err != nil {
				return err
			}
			if group < groups && n > 0 {
				return errors.New("the disk is broken")
			}
			if n == 0 { // one output after the other, and that which succeeds last
				<-time.After(time.Duration(min(group, 2*groups)) * 10 * time.Millisecond)
				return nil
			}
			return m.at(ctx)(op)
		})}
		sum, err := copier.Run(ctx, at(src, ""), at(g.dest, "out"), g.opts)
		if ctx.Err() != nil {
			t.Fatalf("%d sources of the last output were asked for at once, want 4", m.begun.Load())
		}
		var failed *copier.FailedError
		if !errors.As(err, &failed) || sum.Objects != 6 {
			t.Errorf("%d objects copied, want 6; %v", sum.Objects, err)
		}
	})
}

// counted counts what is opened and closed.
type counted struct {
	storage.Bucket
	opened, closed *atomic.Int64
}

func (c counted) Open(ctx context.Context, key string, opts storage.ReadOptions) (storage.Reader, error) {
	r, err := c.Bucket.Open(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	c.opened.Add(1)
	return &countedReader{r, c.closed}, nil
}

type countedReader struct {
	storage.Reader
	closed *atomic.Int64
}

func (c *countedReader) Close() error {
	c.closed.Add(1)
	return c.Reader.Close()
}

// A fixed number of workers is how many sources are asked for at once.
func TestSourcesAheadAreOfTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrouping(t, "s3://out/", copier.Options{Workers: 3})
		for i := range 40 {
			g.src.Put(fmt.Sprintf("h/day-%02d", i), "x")
		}
		var inside, most atomic.Int64
		src := distant{storagetest.Faulty(g.src, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpOpen {
				for n, m := inside.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				<-time.After(time.Millisecond)
				inside.Add(-1)
			}
			return nil
		})}
		if _, err := copier.Run(t.Context(), at(src, ""), at(g.dest, "out"), g.opts); err != nil {
			t.Fatal(err)
		}
		if most.Load() != 3 {
			t.Errorf("%d sources were asked for at once, want 3", most.Load())
		}
	})
}

// Records that several workers want to write go into few files.
func TestRecordsAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrouping(t, "s3://out/", copier.Options{GroupBy: `.*/(g\d+)-\d+`, Workers: 64})
		for i := range 64 {
			g.src.Put(fmt.Sprintf("h/g%02d-0", i), "x")
		}
		var files atomic.Int64
		wait := func(op storagetest.Op) error {
			if op.Kind == storagetest.OpCommit && strings.Contains(op.Key, ".distcp/") {
				files.Add(1)
				<-time.After(20 * time.Millisecond)
			}
			return nil
		}
		if _, err := copier.Run(t.Context(), at(g.src, ""), at(storagetest.Faulty(g.dest, wait), "out"), g.opts); err != nil {
			t.Fatal(err)
		}
		if n := files.Load(); n > 6 {
			t.Errorf("%d files of records for 64 outputs", n)
		}
		if n := records(g.dest); n != 1 {
			t.Errorf("%d files of records stay", n)
		}
		g.run(0, 64)
	})
}

// What a run that was killed has left is looked at together.
func TestRecordsOfAKilledRunAreReadTogether(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{GroupBy: `.*/(g\d+)-\d+`, Workers: 8})
	for i := range 40 {
		g.src.Put(fmt.Sprintf("h/g%02d-0", i), "x")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var outputs atomic.Int64
	kill := func(op storagetest.Op) error {
		if op.Kind == storagetest.OpCommit && !strings.Contains(op.Key, ".distcp/") && outputs.Add(1) > 30 {
			cancel()
			return errors.New("killed")
		}
		return nil
	}
	if _, err := copier.Run(ctx, at(g.src, ""), at(storagetest.Faulty(g.dest, kill), "out"), g.opts); err == nil {
		t.Fatal("it was not killed")
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := newMeeting(20, storagetest.OpStat, "out/h/g")
	sum, err := copier.Run(ctx, at(g.src, ""), at(storagetest.Faulty(g.dest, m.at(ctx)), "out"), g.opts)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%d outputs were looked at: %v", m.begun.Load(), err)
	}
	if sum.Skipped < 23 || sum.Skipped > 30 || sum.Objects+sum.Skipped != 40 { // some were on their way
		t.Errorf("%d copied, %d skipped, want 10 and 30 or some less", sum.Objects, sum.Skipped)
	}
}
