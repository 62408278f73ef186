package copier

import (
	"io/fs"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/storage"
)

// Times and permissions of files, where they are no files, are in two entries of the user
// metadata, in the form that rclone gives them, and that s3fs reads:
//
//	mtime  seconds since 1970 with up to nine decimals: "1504019553.123456789"
//	mode   the type of a file and its permissions, octal: "0100644"
//
// Read are also times as RFC 3339 has them and a mode in decimal, as s3fs writes it.
const (
	metaTime = "mtime"
	metaMode = "mode"

	regularFile = 0o100000 // of the type, as POSIX systems have it in st_mode
	fileType    = 0o170000
)

func formatTime(t time.Time) string {
	seconds, nanos := t.Unix(), t.Nanosecond()
	if seconds < 0 && nanos > 0 { // what follows the point is added to what has the sign
		text := strconv.FormatInt(-seconds-1, 10) + "." + strconv.Itoa(2e9 - nanos)[1:]
		return "-" + strings.TrimRight(text, "0")
	}
	if nanos == 0 {
		return strconv.FormatInt(seconds, 10)
	}
	return strconv.FormatInt(seconds, 10) + "." + strings.TrimRight(strconv.Itoa(1e9 + nanos)[1:], "0")
}

// parseTime is the time of an entry, or zero for what is none.
func parseTime(text string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t
	}
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	seconds, err := strconv.ParseUint(whole, 10, 40) // 35,000 years
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64) // digits
	if negative {
		return time.Unix(-int64(seconds), -nanos)
	}
	return time.Unix(int64(seconds), nanos)
}

func formatMode(m fs.FileMode) string {
	return "0" + strconv.FormatUint(regularFile|uint64(m.Perm()), 8)
}

// parseMode is the permissions of an entry, or 0 for what has none. A number is octal if it is that
// of a file, or of permissions alone, and decimal if that is of a file: no number is both.
func parseMode(text string) fs.FileMode {
	octal, err := strconv.ParseUint(text, 8, 32)
	if err == nil && (octal < 0o10000 || octal&fileType == regularFile) {
		return fs.FileMode(octal).Perm()
	}
	decimal, err := strconv.ParseUint(text, 10, 32)
	if err == nil && decimal&fileType == regularFile {
		return fs.FileMode(decimal).Perm()
	}
	return 0
}

// preserves reports whether times or modes are kept.
func (a Attributes) preserves() bool { return a.PreserveTimes || a.PreserveMode }

// preserve has an output of one source, which has been opened, keep its time and its mode: as
// those of a file, or in the metadata. What an object of a store without files has in its metadata
// is kept; where it has nothing a file gets the time of the object, as everything does that copies
// times.
func (a Attributes) preserve(opts *storage.CreateOptions, first storage.Object) {
	if !a.preserves() {
		return
	}
	meta := maps.Clone(opts.Metadata)
	if meta == nil {
		meta = map[string]string{}
	}
	if a.PreserveTimes {
		if opts.ModTime = parseTime(first.Metadata[metaTime]); opts.ModTime.IsZero() {
			opts.ModTime = first.ModTime
		}
		keepEntry(meta, first, metaTime, formatTime(first.ModTime))
	}
	if a.PreserveMode {
		opts.Mode = parseMode(first.Metadata[metaMode])
		if first.Mode != 0 {
			opts.Mode = first.Mode
		}
		keepEntry(meta, first, metaMode, formatMode(first.Mode))
	}
	opts.Metadata = meta
}

// keepEntry keeps what a source has in its metadata, or makes an entry of what a file has.
func keepEntry(meta map[string]string, first storage.Object, name, ofFile string) {
	if first.Mode != 0 {
		meta[name] = ofFile
	} else if has, ok := first.Metadata[name]; ok {
		meta[name] = has
	}
}

// isFiles reports whether a bucket is of local files, which have times and modes of their own.
func isFiles(b storage.Bucket) bool { return strings.HasPrefix(b.URL(), "file://") }
