package copier

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// closeLedger puts all records into one file. It is done after failures, too, but not for a run
// that was told to end: the next one will find its records.
func (j *job) closeLedger(ctx context.Context) error {
	l := j.ledger
	if l == nil {
		return nil
	}
	err := j.mergeLedger(ctx)
	return errors.Join(err, l.close())
}

// mergeLedger puts all records into one file, if there is something new.
func (j *job) mergeLedger(ctx context.Context) (err error) {
	l := j.ledger
	if !l.changed || ctx.Err() != nil {
		return nil
	}
	records := l.records(j.opts.AppendToLastFile)
	remove := l.settled()
	full := func(yield func(fullRecord) bool) {
		for _, r := range records {
			if !yield(fullRecord{r, l.sourcesOf(r)}) {
				return
			}
		}
	}
	if len(records) > 0 {
		err = j.retried(ctx, func() error { return j.writeRecords(ctx, l.dir+ledgerFile, full) })
	} else {
		remove = append(remove, l.dir+ledgerFile)
	}
	if err == nil && len(remove) > 0 {
		err = j.retried(ctx, func() error { return j.dest.Bucket.Delete(ctx, remove...) })
	}
	if err != nil {
		return fmt.Errorf("record what has been grouped: %w", err)
	}
	return nil
}

// settled returns the keys of the records outside the file of all that it makes superfluous. That
// of an output which failed in this run stays: it may have come to be although no answer said so,
// and the next run looks.
func (l *ledger) settled() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	unsettled := map[string]bool{}
	for _, keys := range l.intended {
		for _, key := range keys {
			unsettled[key] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(l.pending), func(key string) bool { return unsettled[key] })
}
