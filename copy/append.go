package copier

import (
	"strings"

	"github.com/skepdata/skep/storage"
)

// recordedOutputs makes the names of all outputs of earlier runs taken, and returns the outputs of each group.
func (p *planner) recordedOutputs(taken map[string]bool) map[string][]*record {
	if p.ledger == nil {
		return nil
	}
	for _, r := range p.ledger.records(true) {
		taken[strings.TrimPrefix(r.Output, p.destDir)] = true
	}
	return p.ledger.ofGroups()
}

// recall tells a cluster what the outputs of its group hold.
func (p *planner) recall(c *cluster, records []*record) (err error) {
	if p.ledger == nil || len(records) == 0 {
		return nil
	}
	for _, r := range records {
		if c.base == nil || r.after(c.base) {
			c.base = r
		}
	}
	if !p.opts.Restart {
		c.held, err = p.ledger.holdings(records)
	}
	return err
}

// skipDone takes out of a cluster the files, behind those that have been seen, that are in an output already,
// and those that the previous manifest has, and yields them as tasks to skip.
func (p *planner) skipDone(c *cluster, seen int, yield func(Task, error) bool) bool {
	fresh, numbers := c.files[:seen], c.numbers[:seen]
	held := map[*record]int{} // index in tasks
	var tasks []Task
	for i, s := range c.files[seen:] {
		if r := c.held.find(s.Object); r != nil {
			n, ok := held[r]
			if !ok {
				n = len(tasks)
				held[r] = n
				tasks = append(tasks, Task{Key: strings.TrimPrefix(r.Output, p.destDir), Skip: true, Reason: ReasonGrouped, held: true, group: c.group})
			}
			tasks[n].Sources.head = append(tasks[n].Sources.head, s)
			continue
		}
		if p.unchanged(s) {
			tasks = append(tasks, Task{Sources: SourcesOf(s), Key: s.Base, Skip: true, Reason: ReasonManifest, output: p.previous[s.Base].output})
			continue
		}
		fresh, numbers = append(fresh, s), append(numbers, c.numbers[seen+i])
	}
	c.files, c.numbers = fresh, numbers
	for _, t := range tasks {
		if !yield(t, nil) {
			return false
		}
	}
	return true
}

// appends reports whether the first of the files of c goes into the last output of the group.
func (p *planner) appends(c *cluster, last *record) bool {
	first := c.first()
	if !p.opts.AppendToLastFile || p.opts.Restart || last == nil {
		return false
	}
	if target := p.opts.TargetSize; target > 0 && last.Size+first.Size >= target {
		return false
	}
	if columnarOf(last.Output) != columnarOf(first.Key) {
		return false
	}
	if p.opts.OutputCodec != CodecKeep {
		return true
	}
	kind, _ := compression(last.Output)
	other, _ := compression(first.Key)
	return kind == other
}

// onto makes t the output that a record is of, with the sources of t behind what it has.
func (t Task) onto(base *record, key string, c Codec) Task {
	o := base.object
	if sum, err := storage.ParseChecksum(base.CRC32C); err == nil && !o.CRC32C.Known {
		o.CRC32C = sum // so that damage since then is found
	}
	kind, _ := compression(key)
	kept, _ := c.stepFor(kind, false) // it is of that codec, which can decode it
	t.Sources = t.Sources.before(Source{Object: o, Base: key, kept: true, step: kept})
	t.Key, t.base, t.index = key, base, base.Index
	return t
}
