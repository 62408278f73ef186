package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/skepdata/skep/internal/javaregex"
	"github.com/skepdata/skep/storage"
)

// Defaults of Options.
const (
	DefaultWorkers  = 64
	DefaultPartSize = 16 << 20
	DefaultRetries  = 4
	DefaultBackoff  = 200 * time.Millisecond

	DefaultJobBackoff = 10 * time.Second
)

// Options say what a job copies and how. The zero value copies everything as it is.
type Options struct {
	// SrcPattern selects the objects to copy: a regular expression in Java's syntax that must
	// match the whole URL, as in ".*/2024-.*\.gz". Empty selects everything.
	SrcPattern string

	// SrcPrefixes, if not empty, are what to list of the source: prefixes (or directories, or
	// objects, where the source is not s3://), relative to it. Those within others are left out.
	SrcPrefixes []string
	// SrcList, if not nil, is what to copy in place of what a listing finds: names relative to the
	// source, or URLs that begin with the source's. A name that is not there is a failure. The
	// list is held in memory and taken in the order of the names; repetitions count once.
	SrcList []string
	// Objects, if not nil, are what to copy in place of what a listing finds: objects below the source,
	// described as its store describes them, in any order, each once. Each is copied when it comes, and
	// the job ends after the last, however long the sequence makes it wait, which must not be beyond the
	// end of ctx. An error of it ends the job. It is read once, so there are no JobRetries.
	Objects func(ctx context.Context) iter.Seq2[storage.Object, error]
	// AsOf, if not zero, copies the source as it was at that time, where its store keeps versions.
	// Such a job may replace its own sources: that is how a tree is restored in place.
	AsOf time.Time
	// VersionID, if not empty, copies that version of the single object that the source names.
	VersionID string
	// Dirs, if not nil, selects by directories, of which those with nothing that is selected are not
	// listed. The source is a directory then, whether it ends in a slash or not.
	Dirs Dirs
	// Filter selects among what is listed or named.
	Filter Filter
	// Sync says what to make of what the destination has already.
	Sync Sync

	// GroupBy concatenates objects: a Java regular expression with at least one group. Objects
	// whose whole URL it does not match are left out; those for which the groups, put together,
	// give the same text become one output named after that text, in the order of their keys.
	GroupBy string
	// TargetSize closes an output of GroupBy once its sources have at least so many bytes, and
	// begins another. 0 is no limit. An object is never divided. It has no meaning otherwise.
	TargetSize int64
	// AppendToLastFile adds new files of a group to its last output, if the job has made it, it
	// is unchanged, and it has less than TargetSize bytes. Otherwise, and by default, they go
	// into a further output. The output is written anew and replaced as a whole. It is an error
	// for s3:// destinations.
	AppendToLastFile bool
	// Restart groups all files again, into new outputs, though outputs that an earlier run of
	// the job has left have them already.
	Restart bool
	// OutputCodec is the compression of the outputs.
	OutputCodec Codec

	// Records takes the records that jobs keep at their destinations, in .distcp/ directories,
	// for objects like any other. Otherwise they are left out of listings.
	Records bool

	// NumberFiles puts a number before each output's file name, in the order of the listing,
	// beginning with StartingIndex.
	NumberFiles   bool
	StartingIndex int64

	// PatternURL is what SrcPattern and GroupBy see in place of the source's URL, where the
	// user wrote it in another way ("s3a://lake/logs"). Empty is the source's URL.
	PatternURL string

	// PreviousManifest is the manifest of an earlier job. Objects it names with the same size
	// (and the same ETag, where it has one) are skipped. No Bucket means none.
	PreviousManifest storage.Location
	// PreviousOptional goes on without the previous manifest where there is none.
	PreviousOptional bool
	// CopyFromManifest copies what PreviousManifest names instead of listing the source.
	CopyFromManifest bool

	// OutputManifest, if not empty, is the name of a manifest to write into the destination.
	OutputManifest string
	// DeleteOnSuccess deletes each source once the output that holds it is durable. One that is skipped
	// stays, unless a record or the comparison of contents says that the output holds it.
	DeleteOnSuccess bool
	// DryRun reports the plan and changes nothing.
	DryRun bool

	// Verify is what is compared of each output with what the destination says it has stored.
	Verify Verify
	// Append makes outputs that an update finds longer than at the destination, and of which the
	// beginning is there already, of that and what follows, where the destination can: stores of
	// blocks. The output is as if it had been copied.
	Append bool
	// Attributes are what outputs have besides their content.
	Attributes Attributes
	// TwoServices says that the source and the destination are at different services, so that
	// equal URLs do not name the same objects.
	TwoServices bool

	// Workers is how many transfers run at once. 0 lets the job find out: it begins with
	// DefaultWorkers small ones, or a quarter as many large ones, and goes on with 8 to 512, by what
	// is completed and by whether the service asks for fewer requests. Buffers of large objects
	// take at most 8 MiB of memory for each of the first 16, or four parts where that is more.
	Workers int
	// PartSize is the size in bytes above which an output is written in parts by several
	// workers, and the size of the parts, which a store may raise. 0 is DefaultPartSize, and larger
	// parts of large objects where a service is far, but for those that memory has to hold.
	PartSize int64
	// DisableParts writes each output in one piece.
	DisableParts bool
	// DisableServerCopy reads and writes even where one server could do it alone.
	DisableServerCopy bool
	// Batch sends objects of up to 64 KiB many at a time. It is an error where the destination
	// never takes them so; a service that does not gets them one by one. MinIO does, and keeps
	// no checksum of them: they are verified on arrival, but not when they are read again.
	Batch bool
	// Retries is how often an operation that failed for a passing reason is tried again.
	// 0 is DefaultRetries; a negative number is none. The first wait is about Backoff long
	// (0 is DefaultBackoff) and each further one twice the one before, up to 10 seconds.
	Retries int
	Backoff time.Duration
	// RetryBudget replaces some of RetryBudgets, by class.
	RetryBudget map[RetryClass]int
	// JobRetries is how often the job is tried again when everything has been tried: what could
	// not be done for reasons that may pass, and what was replaced while it was copied. A job that
	// was ended by such a reason, as one whose server has left, is planned again; what the Journal
	// or the records of a grouping job have then is not copied again. The first wait is about
	// JobBackoff long (0 is DefaultJobBackoff), each further one twice the one before, up to 10
	// minutes.
	JobRetries int
	JobBackoff time.Duration
	// Bandwidth is how many bytes of the sources the job reads in a second, all workers
	// together. It does not hold back a server that copies alone. 0 is no limit.
	Bandwidth int64
	// RequestRate is how many times in a second the job opens a source, begins an output or a
	// part of one, or asks a server for a copy. Listing does not count. 0 is no limit.
	RequestRate int64

	// Limits, if not nil, is how Bandwidth and RequestRate are changed while the job runs. It is
	// for one job.
	Limits *Limits

	// Journal, if not nil, is that of the job. Where Sync would replace everything, outputs stay
	// that it says were made of the source as it is now and that the destination's listing shows
	// unchanged; and large outputs are gone on with, part by part. See Journal for what it is.
	Journal *Journal

	// Report is told what happens, by one goroutine at a time. It must not block for long.
	Report func(Event)
}

// OptionError is an option whose value makes no sense.
type OptionError struct {
	Option string // the field's name
	Err    error
}

func (e *OptionError) Error() string { return fmt.Sprintf("%s: %v", e.Option, e.Err) }

func (e *OptionError) Unwrap() error { return e.Err }

// Validate reports the first option that makes no sense, as an *OptionError.
func (o Options) Validate() error {
	_, _, err := o.compile()
	return err
}

// compile validates the options and compiles the patterns, which are nil where there are none.
func (o Options) compile() (match, group *javaregex.Regexp, err error) {
	if match, err = compilePattern("SrcPattern", o.SrcPattern); err != nil {
		return nil, nil, err
	}
	if group, err = compilePattern("GroupBy", o.GroupBy); err != nil {
		return nil, nil, err
	}
	for _, check := range []struct {
		option string
		bad    bool
		why    string
	}{
		{"GroupBy", group != nil && group.Groups() == 0, "needs at least one group in parentheses, which names the output"},
		{"TargetSize", o.TargetSize < 0, "is negative"},
		{"PartSize", o.PartSize < 0, "is negative"},
		{"Workers", o.Workers < 0, "is negative"},
		{"StartingIndex", o.StartingIndex < 0, "is negative"},
		{"Bandwidth", o.Bandwidth < 0, "is negative"},
		{"RequestRate", o.RequestRate < 0, "is negative"},
		{"CopyFromManifest", o.CopyFromManifest && o.PreviousManifest.Bucket == nil, "needs PreviousManifest, the list to copy"},
		{"CopyFromManifest", o.CopyFromManifest && o.PreviousOptional, "needs a manifest that is there"},
		{"OutputManifest", strings.Contains(o.OutputManifest, "/"), "is a file name without slashes; it is written into the destination"},
		{"OutputCodec", !o.OutputCodec.known(), fmt.Sprintf("%q is not a codec", string(o.OutputCodec))},
	} {
		if check.bad {
			return nil, nil, &OptionError{check.option, errors.New(check.why)}
		}
	}
	for _, check := range []func() error{o.Verify.check, o.checkRetries, o.checkSelection, o.checkDirs, o.checkVersions, o.checkSync} {
		if err := check(); err != nil {
			return nil, nil, err
		}
	}
	return match, group, nil
}

func compilePattern(option, pattern string) (*javaregex.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	re, err := javaregex.Compile(pattern)
	if err != nil {
		return nil, &OptionError{option, err}
	}
	return re, nil
}

// workers is the number of workers where it does not change.
func (o Options) workers() int {
	if o.Workers == 0 {
		return DefaultWorkers
	}
	return o.Workers
}

func (o Options) partSize() int64 {
	if o.PartSize == 0 {
		return DefaultPartSize
	}
	return o.PartSize
}
