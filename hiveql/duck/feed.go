package duck

/*
#include <stdint.h>
#include <stdlib.h>

extern void skepFeedBind(void *info);
extern void skepFeedInit(void *info);
extern void skepFeedLocal(void *info);
extern void skepFeedNext(void *info, void *output);
extern void skepFeedFree(void *data);

static void *skep_feed_bind_pointer(void) { return skepFeedBind; }
static void *skep_feed_init_pointer(void) { return skepFeedInit; }
static void *skep_feed_local_pointer(void) { return skepFeedLocal; }
static void *skep_feed_next_pointer(void) { return skepFeedNext; }
static void *skep_feed_free_pointer(void) { return skepFeedFree; }
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// batchSource opens the record batches of one file: those of the data columns that projection
// lists, in its order. next ends with io.EOF.
type batchSource func(ctx context.Context, projection []int) (next func() (arrow.RecordBatch, error), done func() error, err error)

// feedFile is one file of a feed.
type feedFile struct {
	open      batchSource
	ahead     func(context.Context) // asks for its beginning; does not wait, may be called often, and be nil
	constants []hivetype.Value      // one for each constant column
}

// feedColumn is one column that a feed puts out.
type feedColumn struct {
	name     string
	t        hivetype.Type
	index    int  // of the data column, or of the constant
	constant bool // the same value in all rows of a file
}

// feed is a scan of files that Go decodes: what stands behind one call of skep_scan.
type feed struct {
	owner   *feeds
	columns []feedColumn
	files   []feedFile
	rows    int64 // about how many there are, for the order of joins
	ordered bool  // rows come in the order of the files, read one after the other
}

// threads is how many read a feed at once.
func (f *feed) threads() int {
	if f.ordered {
		return 1
	}
	return f.owner.threads
}

// feeds are the feeds of one statement. They end together: the first error ends them all.
type feeds struct {
	ctx        context.Context // of the one statement that they live for
	stop       context.CancelCauseFunc
	threads    int
	resolution resolution // of what they put out; set before the first is added
	producers  sync.WaitGroup
	handles    []cgo.Handle

	mu    sync.Mutex
	first error
}

func newFeeds(ctx context.Context, threads int) *feeds {
	ctx, stop := context.WithCancelCause(ctx)
	return &feeds{ctx: ctx, stop: stop, threads: threads}
}

func (s *feeds) fail(err error) {
	s.mu.Lock()
	if s.first == nil {
		s.first = err
	}
	s.mu.Unlock()
	s.stop(err)
}

// explain puts the error of a feed in the place of what DuckDB made of it.
func (s *feeds) explain(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.first != nil {
		return s.first
	}
	return err
}

func (s *feeds) cancel() { s.stop(context.Canceled) }

// wait is called when DuckDB calls no more.
func (s *feeds) wait() {
	s.producers.Wait()
	for _, h := range s.handles {
		h.Delete()
	}
}

// add is the SQL of a relation with the columns of f.
func (s *feeds) add(f *feed) string {
	f.owner = s
	h := cgo.NewHandle(f)
	s.handles = append(s.handles, h)
	return fmt.Sprintf("skep_scan((%d)::UBIGINT)", uint64(h))
}

// registerFeed makes skep_scan known to the whole database.
func (c *connection) registerFeed() error {
	f := duckdb.CreateTableFunction()
	defer duckdb.DestroyTableFunction(&f)
	t := duckdb.CreateLogicalType(duckdb.TypeUBigInt)
	defer duckdb.DestroyLogicalType(&t)
	duckdb.TableFunctionSetName(f, "skep_scan")
	duckdb.TableFunctionAddParameter(f, t)
	duckdb.TableFunctionSupportsProjectionPushdown(f, true)
	duckdb.TableFunctionSetBind(f, C.skep_feed_bind_pointer())
	duckdb.TableFunctionSetInit(f, C.skep_feed_init_pointer())
	duckdb.TableFunctionSetLocalInit(f, C.skep_feed_local_pointer())
	duckdb.TableFunctionSetFunction(f, C.skep_feed_next_pointer())
	if duckdb.RegisterTableFunction(c.handle, f) == duckdb.StateError {
		return errors.New("register function skep_scan: refused by DuckDB")
	}
	return nil
}

// box keeps a Go value where DuckDB can hold a pointer to it; skepFeedFree ends it.
func box(v any) unsafe.Pointer {
	p := C.malloc(C.size_t(unsafe.Sizeof(cgo.Handle(0))))
	*(*cgo.Handle)(p) = cgo.NewHandle(v)
	return p
}

func unbox[T any](p unsafe.Pointer) T { return (*(*cgo.Handle)(p)).Value().(T) }

//export skepFeedFree
func skepFeedFree(p unsafe.Pointer) {
	h := *(*cgo.Handle)(p)
	if r, ok := h.Value().(*feedThread); ok {
		r.drop()
	}
	h.Delete()
	C.free(p)
}

//export skepFeedBind
func skepFeedBind(info unsafe.Pointer) {
	bind := duckdb.BindInfo{Ptr: info}
	param := duckdb.BindGetParameter(bind, 0)
	defer duckdb.DestroyValue(&param)
	f := cgo.Handle(duckdb.GetUInt64(param)).Value().(*feed)
	for _, c := range f.columns {
		t := f.owner.resolution.logicalType(c.t)
		duckdb.BindAddResultColumn(bind, c.name, t)
		duckdb.DestroyLogicalType(&t)
	}
	duckdb.BindSetCardinality(bind, duckdb.IdxT(max(f.rows, 1)), false)
	duckdb.BindSetBindData(bind, box(f), C.skep_feed_free_pointer())
}

// feedRun is one execution of a feed: producers decode files, DuckDB's threads take batches.
type feedRun struct {
	feed       *feed
	projected  []feedColumn // in the order of the output's vectors; index -1 is not to be filled
	projection []int        // data columns to decode
	next       atomic.Int64 // the file to open next
	batches    chan feedBatch
}

// feedBatch is some rows of one file.
type feedBatch struct {
	batch arrow.RecordBatch
	file  *feedFile
}

//export skepFeedInit
func skepFeedInit(info unsafe.Pointer) {
	init := duckdb.InitInfo{Ptr: info}
	f := unbox[*feed](duckdb.InitGetBindData(init))
	r := &feedRun{feed: f, batches: make(chan feedBatch, f.threads())}
	for i := range duckdb.InitGetColumnCount(init) {
		c := feedColumn{index: -1}
		if at := uint64(duckdb.InitGetColumnIndex(init, i)); at < uint64(len(f.columns)) {
			c = f.columns[at]
		}
		if !c.constant && (c.index >= 0 || c.index == formats.Offset) {
			r.projection = append(r.projection, c.index)
			c.index = len(r.projection) - 1
		}
		r.projected = append(r.projected, c)
	}
	duckdb.InitSetMaxThreads(init, duckdb.IdxT(f.threads()))
	duckdb.InitSetInitData(init, box(r), C.skep_feed_free_pointer())
	r.start()
}

// start runs the producers; the last of them closes the channel.
func (r *feedRun) start() {
	s := r.feed.owner
	n := min(r.feed.threads(), len(r.feed.files))
	var left atomic.Int64
	left.Store(int64(n))
	for range n {
		s.producers.Go(func() {
			if err := r.produce(s.ctx); err != nil {
				s.fail(err)
			}
			if left.Add(-1) == 0 {
				close(r.batches)
			}
		})
	}
	if n == 0 {
		close(r.batches)
	}
}

func (r *feedRun) produce(ctx context.Context) error {
	for {
		i := int(r.next.Add(1) - 1)
		if i >= len(r.feed.files) {
			return nil
		}
		if !r.feed.ordered { // otherwise it may end early
			for j := i; j <= i+splitAhead*r.feed.threads() && j < len(r.feed.files); j++ {
				if ahead := r.feed.files[j].ahead; ahead != nil {
					ahead(ctx)
				}
			}
		}
		if err := r.produceFile(ctx, &r.feed.files[i]); err != nil {
			return err
		}
	}
}

func (r *feedRun) produceFile(ctx context.Context, f *feedFile) (err error) {
	next, done, err := f.open(ctx, r.projection)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	for {
		b, err := next()
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case r.batches <- feedBatch{batch: b, file: f}:
		case <-ctx.Done():
			b.Release()
			return context.Cause(ctx)
		}
	}
}

// feedThread is what one of DuckDB's threads is at.
type feedThread struct {
	run   *feedRun
	batch feedBatch
	at    int // rows of batch that are done
	fill  []filler
}

func (t *feedThread) drop() {
	if t.batch.batch != nil {
		t.batch.batch.Release()
		t.batch.batch = nil
	}
}

//export skepFeedLocal
func skepFeedLocal(info unsafe.Pointer) {
	init := duckdb.InitInfo{Ptr: info}
	duckdb.InitSetInitData(init, box(&feedThread{}), C.skep_feed_free_pointer())
}

//export skepFeedNext
func skepFeedNext(info, output unsafe.Pointer) {
	function := duckdb.FunctionInfo{Ptr: info}
	chunk := duckdb.DataChunk{Ptr: output}
	t := unbox[*feedThread](duckdb.FunctionGetLocalInitData(function))
	if t.run == nil {
		t.run = unbox[*feedRun](duckdb.FunctionGetInitData(function))
	}
	n, err := t.next(chunk)
	if err != nil {
		t.run.feed.owner.fail(err)
		duckdb.FunctionSetError(function, mark+"a file cannot be read")
		return
	}
	duckdb.DataChunkSetSize(chunk, duckdb.IdxT(n))
}

// next fills the vectors of chunk with up to as many rows as it has room for; 0 is the end.
func (t *feedThread) next(chunk duckdb.DataChunk) (int, error) {
	for t.batch.batch == nil || t.at == int(t.batch.batch.NumRows()) {
		t.drop()
		ctx := t.run.feed.owner.ctx
		select {
		case b, ok := <-t.run.batches:
			if !ok {
				return 0, context.Cause(ctx)
			}
			t.batch, t.at = b, 0
			if err := t.fillers(); err != nil {
				return 0, err
			}
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	n := min(int(duckdb.VectorSize()), int(t.batch.batch.NumRows())-t.at)
	for i, fill := range t.fill {
		if fill != nil {
			fill(duckdb.DataChunkGetVector(chunk, duckdb.IdxT(i)), t.at, n, 0)
		}
	}
	t.at += n
	return n, nil
}

func (t *feedThread) fillers() error {
	t.fill = make([]filler, len(t.run.projected))
	for i, c := range t.run.projected {
		var err error
		switch {
		case c.index < 0:
		case c.constant:
			t.fill[i], err = t.run.feed.owner.resolution.constantFiller(t.batch.file.constants[c.index], c.t)
		default:
			t.fill[i], err = arrayFiller(t.batch.batch.Column(c.index), c.t)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return nil
}
