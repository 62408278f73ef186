package hiveql

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/distinct"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
)

// Executor runs plans. Package duck implements it. It is safe for concurrent use.
type Executor interface {
	// Query starts a query. Its rows stream: memory does not grow with their number.
	Query(ctx context.Context, q *analysis.Query, src Source) (Rows, error)
	// Write runs a query and writes its rows into files below out.Dir, each of which out.Sink takes
	// when it is complete. After an error the caller removes out.Dir.
	Write(ctx context.Context, q *analysis.Query, src Source, out Output) error
	// ParquetColumns are the columns of the Parquet file at a local path, with Hive's types. A
	// column for which Hive has no type is an error that names it.
	ParquetColumns(ctx context.Context, path string) ([]metastore.Column, error)
	// SetLimits holds for what begins later.
	SetLimits(l Limits) error
	// Close is idempotent.
	Close() error
}

// Source is how an Executor reaches the files of a scan.
type Source interface {
	// Files yields the data files of a scan, partition by partition in the scan's order, or
	// once with a nil Partition for a table without partition keys. Hidden files are left
	// out, a location that does not exist yields no files, and nothing outside the scan's
	// partitions is listed.
	Files(ctx context.Context, scan *analysis.Scan) iter.Seq2[PartitionFiles, error]
	// RowGroups is told, of each Parquet file, how many row groups it has, and how many of them
	// cannot hold rows of the result. It may be called from several goroutines.
	RowGroups(considered, pruned int)
	// Nanos says that timestamps keep their nanoseconds. It is the same for all calls.
	Nanos() bool
	// Cut counts the timestamps of the query that lose digits behind the microseconds. It is the same for all calls.
	Cut() *atomic.Int64
	// Local makes a file readable at a local path, until it is released: in place where the
	// store keeps it as a plain file, otherwise as a file of the cache.
	Local(ctx context.Context, f File) (Local, error)
	// Open streams a file's bytes, as they are stored, beginning with the one numbered from,
	// from 0. An error names the file.
	Open(ctx context.Context, f File, from int64) (storage.Reader, error)
}

// Local is a file that can be read at a local path.
type Local struct {
	Path string
	// Parts, if not nil, says that the file has its bytes only where they have been asked for.
	Parts Parts
	// Whole says that of a file whose Parts are not Sure, once its sums have been told, nothing is to be used before
	// Prove.
	Whole bool
	// Ranges says that of a file whose Parts are not Sure nothing is to be used that has no sum of its own before Confirm.
	Ranges bool
	// Release gives the file back. It is not nil, and called once.
	Release func()
}

// PartBlock is the size of the blocks in which Parts keep bytes, and PartMarks how many marks each can have.
const (
	PartBlock = 64 << 10
	PartMarks = rangecache.Marks
)

// PartTable is what Parts say to those who cannot call them for each read.
type PartTable = rangecache.ReadTable

// Parts are the bytes of a file that comes by parts. They are safe for concurrent use.
type Parts interface {
	// Hold returns when n bytes from off on are there, as far as the file has them. They stay
	// until release is called; it is not nil, and called once.
	Hold(ctx context.Context, off, n int64) (release func(), err error)
	// ReadAt reads as io.ReaderAt does. ReadOn is the same for one who reads through the file, and
	// may bring what follows too.
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	ReadOn(ctx context.Context, p []byte, off int64) (int, error)
	// Prefetch asks for bytes that will be read soon, and does not wait.
	Prefetch(off, n int64)
	// Missing is how many of n bytes from off on would have to be fetched, about.
	Missing(off, n int64) int64
	// ReadTable says what may be read as it lies in the file, without ReadAt and its kind. It is nil if nothing may.
	ReadTable() *PartTable
	// Verify tells the CRC32C of each 64 KiB of the file, the last of which may be shorter: no other
	// bytes are given out from then on. Where the store gives no others the error is
	// storage.ErrChecksum.
	Verify(sums []uint32) error
	// Recheck is for one who cannot make sense of n bytes from off on, as far as they came: if the error is
	// storage.ErrChecksum some came changed, and the next to read them gets others; another is that it
	// cannot be said.
	Recheck(ctx context.Context, off, n int64) error
	// Sure reports whether all bytes are right that are given out; otherwise they may have changed on the way.
	Sure() bool
	// Prove makes sure that all bytes are right, by bringing all of them and comparing them as a whole with
	// what the store says, before anybody uses more of them. Where nothing can be compared it is an error.
	Prove(ctx context.Context) error
	// Marked reports whether all blocks of PartBlock bytes in which n bytes from off on lie have a mark,
	// one of PartMarks; or Sure. Mark gives it to those that have come, unless some have become others
	// since Marked said what since is. Marks last as long as the blocks are the same.
	Marked(off, n int64, mark int) (yes bool, since int)
	Mark(off, n int64, mark, since int) error
	// Again is for one who is given bytes that cannot be right: it fetches them once more, and reports whether
	// any were others, which are what is given out from then on. The error is storage.ErrChecksum
	// if others beside them have changed too, and may have been used.
	Again(ctx context.Context, off, n int64) (changed bool, err error)
	// Confirm makes sure of n bytes from off on, before anybody uses them: unless it is known otherwise that they are
	// right, they have come twice in one way then. If they come otherwise each time the error is
	// storage.ErrChecksum.
	Confirm(ctx context.Context, off, n int64) error
	// ReadConfirmed is ReadAt of bytes that Confirm has made sure of.
	ReadConfirmed(ctx context.Context, p []byte, off int64) (int, error)
	// ConfirmAhead asks for bytes that will be confirmed soon, and does not wait. ConfirmWhole asks for all of the file,
	// to be compared as a whole instead of coming twice, and reports whether it can be, as far as it is known.
	ConfirmAhead(off, n int64)
	ConfirmWhole() bool
	// Unconfirmed is how many bytes would have to be fetched, about, to confirm n from off on.
	Unconfirmed(off, n int64) int64
}

// PartitionFiles are the files of one partition.
type PartitionFiles struct {
	Partition *metastore.Partition         // nil for a table without partition keys
	Storage   *metastore.StorageDescriptor // how to read them: the partition's, or the table's
	Files     []File
}

// File is one data file.
type File struct {
	Bucket storage.Bucket
	Object storage.Object
}

// URL names the file to a person.
func (f File) URL() string { return f.Bucket.URL() + f.Object.Key }

// Output says what Write writes.
type Output struct {
	// Dir is an empty local directory for the files.
	Dir string
	// Table says columns, format, SerDe and compression of the files. The query's output
	// is its data columns and then Dynamic string columns, the dynamic partition values.
	Table   *metastore.Table
	Dynamic int
	// TimestampUnit is the unit of timestamps in Parquet files: "nanos", of which those that
	// 64 bits cannot hold become NULL, "micros" or "millis"; "" is micros, or nanos where digits
	// would be lost otherwise and 64 bits hold them all.
	TimestampUnit string
	// Zone is the session's time zone, whose clocks timestamps are in formats that keep instants; nil is UTC.
	Zone *time.Location
	// Measure asks for Written.Columns.
	Measure bool
	// MaxFileBytes is the size above which a file should be ended; 0 for the default.
	MaxFileBytes int64
	Sink         Sink
	// Units is what earlier calls have found out about the timestamps of Parquet files. Nil has
	// digits behind the microseconds cut off.
	Units *Units
}

// Units are the units of timestamps in which a write has to be done, as the executor finds out. The
// zero value is of a write that has not begun.
type Units struct {
	// Columns are nanos or micros, by the numbers of the columns that have been decided.
	Columns map[int]string
}

// ErrAgain is of a write that has found that a column needs another unit than it has begun with. Who
// called Write undoes what was sent, and calls it once more with the same Units.
var ErrAgain = errors.New("the write has to begin anew, with timestamps in another unit")

// Sink takes the files that Write makes, while it goes on.
type Sink interface {
	// Grow is told of n bytes before they are written into a file, or of those of a file that was
	// removed, as a negative number. It waits while complete files wait for being sent and there is no
	// room for more. It is safe for concurrent use. An error ends the write.
	Grow(n int64) error
	// Expect is told of partitions, by the values of the dynamic keys, before Take is given a file of
	// theirs, so that what is known of them can be asked for at once. It is called by the goroutine that
	// calls Take. An error ends the write.
	Expect(values []partitions.Values) error
	// Take takes over a file that is complete, of which Grow has been told Bytes. It is called by one
	// goroutine at a time. An error ends the write.
	Take(f Written) error
}

// Written is one file that Write wrote. A file holds at least one row, and rows of one partition.
type Written struct {
	Path   string            // local path
	Values partitions.Values // of the dynamic keys, DefaultName for NULL; empty without
	Rows   int64
	Bytes  int64
	// Raw is what Hive calls the raw data size of the rows: of Parquet files the number of their
	// values, of text the bytes of their lines before compression and without line feeds; 0 in the
	// formats of which Hive counts none, which are JSON, CSV and fields between long delimiters.
	Raw int64
	// Columns are what is known of the file's columns, in the order of the table's; nil if nothing is.
	Columns []WrittenColumn
}

// WrittenColumn is what is known of a column of a file.
type WrittenColumn struct {
	Nulls    int64          // how many values are NULL; -1 if that is not known
	Min, Max hivetype.Value // nil if they are not known, or all values are NULL
	// Distinct is how many different values but NULL there are, about that where Sketch is one of more than
	// 153; -1 if it is not known. As a rule it is where no more than a fifth of the values are different.
	Distinct int64
	// Sketch is of these values, nil if they are not known.
	Sketch *distinct.Sketch
}

// Rows is the result of a query. It is used by one goroutine.
type Rows interface {
	// Columns describe the result; they are known before the first Next.
	Columns() []analysis.Output
	// Next makes the next row current. It returns false at the end and on an error.
	Next() bool
	// Row is the current row, one value a column, valid until the next call of Next.
	Row() []hivetype.Value
	// Err is the error that ended the rows, if any.
	Err() error
	// Close ends the query, if it still runs, and waits for it. It is idempotent.
	Close() error
}
