package duck

import (
	"context"
	"errors"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/storage"
)

// came is a far Parquet file of a statement. What came of it may have changed on the way, and unless it
// has sums of its own nobody sees it before it makes no sense.
type came struct {
	file  scanFile // as it was before row groups were left out
	parts hiveql.Parts
	scan  *analysis.Scan
}

// errRefused is what DuckDB says of a statement for no reason that we know: bytes that make no sense may
// be one.
var errRefused = errors.New("the engine refused the query")

// senseless reports whether an error may be of bytes that make no sense. Errors of the store, of the
// statement and of its values are not.
func senseless(err error) bool {
	var known *storage.Error
	if errors.As(err, &known) || errors.Is(err, ErrUnsupported) || errors.Is(err, storage.ErrChecksum) {
		return false
	}
	if errors.Is(err, errUnreadable) || errors.Is(err, errRefused) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && e.Op == "read"
}

// recheck is the error of what came of the statement's Parquet files, if it has changed on the way, for one
// that may be because it makes no sense; otherwise nil. Where DuckDB names the file, it is that; otherwise it is
// the first that has changed.
func (j *job) recheck(err error) error {
	if !senseless(err) || j.ctx.Err() != nil {
		return nil
	}
	var why *cause
	suspect := ""
	if errors.As(err, &why) && j.urls[fileIn(why.text)] != "" {
		suspect = fileIn(why.text)
	}
	for _, c := range j.came {
		if suspect != "" && suspect != c.file.local || c.file.footer != nil && c.file.footer.Sums != nil {
			continue
		}
		again := c.recheck(j.ctx)
		switch {
		case errors.Is(again, storage.ErrChecksum):
			return &Error{Op: "read", Msg: again.Error(), Err: errors.Join(again, err)}
		case again != nil: // it cannot be said
			return nil
		}
	}
	return nil
}

// recheck fetches what may have been read of the file once more, piece by piece until one had changed: what has
// changed in others is found when they are of no use.
func (c *came) recheck(ctx context.Context) error {
	for _, r := range c.ranges() {
		if err := c.parts.Recheck(ctx, r.off, r.n); err != nil {
			return err
		}
	}
	return nil
}

// ranges are what the statement may have read of the file that has not come twice: the columns that the scan reads. It
// is all of a file that is small, or not understood.
func (c *came) ranges() []aheadRange {
	size := c.file.file.Object.Size
	if c.file.footer == nil || size <= wholeBytes {
		return []aheadRange{{parts: c.parts, n: size}}
	}
	var a ahead
	read := c.file.reads(c.scan)
	for n := range c.file.footer.Groups {
		a.add(&c.file, read, n)
	}
	return a.ranges
}

// distrust forgets what is known of the statement's files, which may be of what has changed.
func (j *job) distrust() {
	for _, c := range j.came {
		j.exec.footers.drop(c.file.file)
	}
}
