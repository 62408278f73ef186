package copier

import (
	"context"
	"fmt"
	"iter"

	"github.com/skepdata/skep/storage"
)

// smallest is the size in bytes up to which an output is worth sending with others: beyond it
// the bytes cost more than the request.
const smallest = 64 << 10

// batchesAtOnce is how many batches are on their way at any time, for each holds its content.
const batchesAtOnce = 4

// batchesAhead is how many batches may be planned and not written: of each of their outputs the plan keeps nearly
// a kilobyte.
const batchesAhead = 2 * batchesAtOnce

const methodBatch = "batch"

// openBatches finds out whether small outputs can be sent many at a time. Where a server could
// copy alone that is better.
func (j *job) openBatches() error {
	if !j.opts.Batch {
		return nil
	}
	bw, ok := storage.As[storage.BatchWriter](j.dest.Bucket)
	if !ok {
		return &OptionError{"Batch", fmt.Errorf("%s takes no batches of objects", j.dest.Bucket.URL())}
	}
	if j.planner.group == nil && (j.serverCopier == nil || !isFlat(j.src.Bucket)) {
		j.batches = bw
	}
	return nil
}

// batched puts small outputs that follow each other together.
func (j *job) batched(ctx context.Context, seed iter.Seq2[work, error]) iter.Seq2[work, error] {
	if j.batches == nil {
		return seed
	}
	objects, bytes := j.batches.BatchLimit()
	return func(yield func(work, error) bool) {
		give := func(tasks []Task) bool {
			if err := j.batchesAhead.Acquire(ctx, 1); err != nil {
				return yield(work{}, context.Cause(ctx))
			}
			return yield(work{batch: tasks}, nil)
		}
		var tasks []Task
		var size int64
		for w, err := range seed {
			if err != nil || !j.fitsBatch(w.task) {
				if !yield(w, err) || err != nil {
					return
				}
				continue
			}
			if size += w.task.Size(); len(tasks) == objects || len(tasks) > 0 && size > bytes {
				if !give(tasks) {
					return
				}
				tasks, size = nil, w.task.Size()
			}
			tasks = append(tasks, w.task)
		}
		if len(tasks) > 0 {
			give(tasks)
		}
	}
}

func (j *job) fitsBatch(t Task) bool {
	kept := j.backup == nil || t.there == nil // what is to be kept elsewhere is, one by one
	return !t.Skip && !t.check && kept && t.Err() == nil && t.Sources.Len() == 1 && t.raw() && t.Size() <= smallest
}

// writeBatch copies small outputs together. One with which anything is wrong is left to be
// copied by itself, with all attempts, and its failure told then.
func (j *job) writeBatch(ctx context.Context, tasks []Task, spawn func(work)) (err error) {
	defer j.batchesAhead.Release(1)
	if j.noBatches.Load() {
		j.alone(tasks, spawn)
		return nil
	}
	bytes := sizeOf(tasks)
	// Ours, and the store's in its own form. A few at once keep a server busy.
	giveBack, err := j.memory.take(ctx, max(2*bytes, j.memory.size/batchesAtOnce))
	if err != nil {
		return err
	}
	defer giveBack()
	end := j.gate.begin(loadOf(bytes))
	defer func() { end(done(bytes, err)) }()

	slab := j.slab(bytes)
	defer j.slabs.Put(slab)
	room := (*slab)[:bytes]
	var objects []storage.SmallObject
	var ready []Task
	var results []result
	for _, t := range tasks {
		o, res, err := j.readSmall(ctx, t, room[:0:t.Size()])
		room = room[t.Size():]
		if err != nil {
			j.alone([]Task{t}, spawn)
			continue
		}
		objects, ready, results = append(objects, o), append(ready, t), append(results, res)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(objects) == 0 {
		return nil
	}
	if err := j.rates.requests.take(ctx, 1); err != nil {
		return err
	}
	written, err := j.batches.WriteBatch(ctx, objects)
	if err != nil && len(written) == 0 && !storage.IsTemporary(err) {
		j.noBatches.Store(true) // this service takes none
	}
	for i, t := range ready {
		res := results[i]
		if i >= len(written) || written[i].Key == "" || j.opts.Verify.differs(t.Size(), res.sum, written[i]) {
			j.progress(t, -t.Size())
			j.alone([]Task{t}, spawn)
			continue
		}
		res.object = written[i]
		if err := j.finish(ctx, t, res, nil); err != nil {
			return err
		}
	}
	return nil
}

func sizeOf(tasks []Task) (bytes int64) {
	for _, t := range tasks {
		bytes += t.Size()
	}
	return bytes
}

// alone has each of the tasks done by itself.
func (j *job) alone(tasks []Task, spawn func(work)) {
	for _, t := range tasks {
		spawn(work{task: t})
	}
}

// slab lends memory for the contents of a batch.
func (j *job) slab(bytes int64) *[]byte {
	if b, ok := j.slabs.Get().(*[]byte); ok && int64(cap(*b)) >= bytes {
		return b
	}
	b := make([]byte, bytes)
	return &b
}

// readSmall reads and verifies the source of a small output, into room, which has its size.
func (j *job) readSmall(ctx context.Context, t Task, room []byte) (o storage.SmallObject, res result, err error) {
	if err := j.checkSelf(t); err != nil {
		return o, res, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j.tell(t, Event{Kind: Started})
	from := j.read(ctx, t, 0, t.Size())
	defer func() {
		if err != nil {
			_ = from.Close()
			j.progress(t, -from.reported)
		}
	}()
	first, err := from.Object()
	if err != nil {
		return o, res, err
	}
	o.Key = j.dir + t.Key
	if o.Options, err = j.createOptions(ctx, t, first); err != nil {
		return o, res, err
	}
	content := smallContent{b: room}
	if err = j.pump(&content, from); err != nil {
		return o, res, err
	}
	sums, err := from.verify(t)
	if err != nil {
		return o, res, err
	}
	o.Content = content.b
	return o, result{method: methodBatch, sum: sums[0], sums: sums}, from.Close()
}

// smallContent collects what is written.
type smallContent struct{ b []byte }

func (c *smallContent) Write(p []byte) (int, error) {
	c.b = append(c.b, p...)
	return len(p), nil
}
