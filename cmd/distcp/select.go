package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
)

// selectFlags say which files to copy, and what to make of those that the destination has.
type selectFlags struct {
	rules                       []copier.Rule
	filters, srcList, srcList0  string
	minSize, maxSize            string
	newerThan, olderThan        string
	update, overwrite, keep     bool
	compare                     string
	deleteExtra, deleteExcluded bool
	maxDelete                   int64
	deleteNothing               bool // maxDelete is 0, and given
	backupDir                   string
	append                      bool
	condition                   string
	where                       *where // nil for none
	asOf, versionID             string
}

func (s *selectFlags) addFlags(f *pflag.FlagSet) {
	f.Var(ruleFlag{&s.rules, false}, "include", "copy files whose name matches this `glob`; the last --include or --exclude that matches decides")
	f.Var(ruleFlag{&s.rules, true}, "exclude", "do not copy files whose name matches this `glob`")
	f.StringVar(&s.condition, "where", "", "copy only directories of partitions, as dt=2024-01-01/hr=3, that meet this `condition`: 'dt >= \"2024-01-01\" and hr = 3'")
	f.StringVar(&s.filters, "filters", "", "do not copy what a Java regex in the file at this `URL` matches, one a line")
	f.StringVar(&s.minSize, "min-size", "", "copy files of at least so many `bytes`, as 100, 64K, 1.5G")
	f.StringVar(&s.maxSize, "max-size", "", "copy files of at most so many `bytes`")
	f.StringVar(&s.newerThan, "newer-than", "", "copy files modified after this `time`: an age, as 90m, 36h, 7d, or a date in UTC, as 2024-05-31")
	f.StringVar(&s.olderThan, "older-than", "", "copy files modified before this `time`")
	f.StringVar(&s.srcList, "src-list", "", "copy what the file at this `URL` names, or standard input for -: a name below --src, or a URL, a line")
	f.StringVar(&s.srcList0, "src-list0", "", "the same of a `file` in which a NUL ends each name")
	f.StringVar(&s.asOf, "as-of", "", "copy --src as it was at this `time`, where the bucket keeps versions: an age, or a date in UTC")
	f.StringVar(&s.versionID, "version-id", "", "copy this `version` of the object that --src names")
	f.BoolVar(&s.update, "update", false, "copy only what the destination does not have, or has differently")
	f.BoolVar(&s.keep, "ignore-existing", false, "copy only what the destination does not have, under the same name")
	f.BoolVar(&s.overwrite, "overwrite", false, "copy everything, though earlier runs of the same job have copied it already")
	f.BoolVar(&s.append, "append", false, "with --update, append to files that are longer now and begin with what a block:// destination has")
	f.StringVar(&s.compare, "compare", "time", "what --update compares besides sizes: time, size (nothing else), etag or `checksum`")
	f.BoolVar(&s.deleteExtra, "delete", false, "delete at the destination what --src does not have, once everything has been copied")
	f.BoolVar(&s.deleteExcluded, "delete-excluded", false, "with --delete, delete also what the filters leave out")
	f.Int64Var(&s.maxDelete, "max-delete", 0, "with --delete, delete nothing if it were more than this `number` of files; 0 makes each an error")
	f.StringVar(&s.backupDir, "backup-dir", "", "keep what is deleted or replaced in the directory of this `URL`")
}

// ruleFlag appends to the rules of two flags, in the order of the command line.
type ruleFlag struct {
	rules   *[]copier.Rule
	exclude bool
}

func (r ruleFlag) String() string { return "" }
func (r ruleFlag) Type() string   { return "glob" }

func (r ruleFlag) Set(glob string) error {
	*r.rules = append(*r.rules, copier.Rule{Glob: glob, Exclude: r.exclude})
	return nil
}

// validate checks what can be checked without opening anything, and completes the options.
func (s *selectFlags) validate(f *pflag.FlagSet, o *copier.Options, now time.Time) (err error) {
	switch {
	case s.overwrite && (s.update || s.keep), s.update && s.keep:
		return usagef("--update, --ignore-existing and --overwrite exclude each other")
	case f.Changed("compare") && !s.update:
		return usagef("--compare has a meaning with --update only")
	case s.deleteExcluded && !s.deleteExtra:
		return usagef("--delete-excluded has a meaning with --delete only")
	case f.Changed("max-delete") && !s.deleteExtra:
		return usagef("--max-delete has a meaning with --delete only")
	case f.Changed("max-delete") && s.maxDelete < 0:
		return usagef("--max-delete: %d is not a number of files", s.maxDelete)
	case s.srcList != "" && s.srcList0 != "":
		return usagef("--src-list and --src-list0 are two lists of what to copy; choose one")
	}
	s.deleteNothing = f.Changed("max-delete") && s.maxDelete == 0
	if f.Changed("where") {
		if s.where, err = parseWhere(s.condition); err != nil {
			return err
		}
		o.Dirs = s.where.verdict
	}
	o.Filter.Rules = s.rules
	for _, size := range []struct {
		flag, text string
		to         *int64
	}{{"min-size", s.minSize, &o.Filter.MinSize}, {"max-size", s.maxSize, &o.Filter.MaxSize}} {
		if !f.Changed(size.flag) {
			continue
		}
		if *size.to, err = parseSize(size.text); err != nil {
			return usagef("--%s: %v", size.flag, err)
		}
	}
	if f.Changed("max-size") && o.Filter.MaxSize == 0 {
		return usagef("--max-size: 0 would copy empty files only; use --srcPattern or --include for them")
	}
	for _, at := range []struct {
		flag, text string
		to         *time.Time
	}{{"newer-than", s.newerThan, &o.Filter.NewerThan}, {"older-than", s.olderThan, &o.Filter.OlderThan}} {
		if !f.Changed(at.flag) {
			continue
		}
		if *at.to, err = parseTime(at.text, now); err != nil {
			return usagef("--%s: %v", at.flag, err)
		}
	}
	if err := s.validateVersions(f, o, now); err != nil {
		return err
	}
	return s.validateSync(o)
}

func (s *selectFlags) validateVersions(f *pflag.FlagSet, o *copier.Options, now time.Time) (err error) {
	for _, name := range []string{"as-of", "version-id"} {
		if f.Changed(name) && f.Lookup(name).Value.String() == "" {
			return usagef("--%s is empty", name)
		}
	}
	if s.versionID != "" && s.srcList+s.srcList0 != "" {
		return usagef("--version-id is of the one object that --src names; a list names many")
	}
	o.VersionID = s.versionID
	if s.asOf == "" {
		return nil
	}
	if o.AsOf, err = parseTime(s.asOf, now); err != nil {
		return usagef("--as-of: %v", err)
	}
	if o.AsOf.After(now) {
		return usagef("--as-of: %s is still to come", o.AsOf.Format(time.RFC3339))
	}
	if s.update && !f.Changed("compare") { // times say nothing: older versions have older ones than their copies
		s.compare = "checksum"
	}
	return nil
}

func (s *selectFlags) validateSync(o *copier.Options) error {
	if s.append && !s.update {
		return usagef("--append has a meaning with --update only")
	}
	o.Append = s.append
	o.Sync.Delete, o.Sync.DeleteExcluded, o.Sync.MaxDelete = s.deleteExtra, s.deleteExcluded, s.maxDelete
	if s.deleteNothing {
		o.Sync.MaxDelete = copier.DeleteNothing
	}
	switch {
	case s.keep:
		o.Sync.Existing = copier.ExistingKeep
	case s.update:
		o.Sync.Existing = copier.ExistingUpdate
	}
	switch s.compare {
	case "time":
	case "size", "etag", "checksum":
		o.Sync.CompareBy = copier.CompareBy(s.compare)
	default:
		return usagef("--compare: %q is not one of time, size, etag and checksum", s.compare)
	}
	return nil
}

// open reads the files that the flags name.
func (s *selectFlags) open(
	ctx context.Context, open *openers, stdin io.Reader, written string, src storage.Location, o *copier.Options,
) (err error) {
	if s.filters != "" {
		if o.Filter.ExcludePatterns, err = readLines(ctx, open.src, stdin, s.filters); err != nil {
			return unreadable("--filters", err)
		}
	}
	if s.backupDir != "" {
		if o.Sync.BackupDir, err = open.dest.Open(ctx, s.backupDir); err != nil {
			return fmt.Errorf("--backup-dir: %w", err)
		}
		if err := checkDirectory(ctx, "--backup-dir", o.Sync.BackupDir); err != nil {
			return err
		}
	}
	var names []string
	flag := "--src-list"
	switch {
	case s.srcList0 != "":
		flag = "--src-list0"
		names, err = readNames(ctx, open.src, stdin, s.srcList0, 0)
	case s.srcList != "":
		names, err = readLines(ctx, open.src, stdin, s.srcList)
	default:
		return nil
	}
	if err != nil {
		return unreadable(flag, err)
	}
	o.SrcList = make([]string, len(names))
	for i, name := range names {
		if rest, ok := strings.CutPrefix(oneScheme(name), oneScheme(written)); ok && strings.Contains(written, "://") {
			name = src.URL() + rest
		} else if strings.Contains(name, "://") && !strings.HasPrefix(name, src.URL()) {
			return usagef("%s: name %d, %q, is not below --src, %s", flag, i+1, name, src.URL())
		} else if url, ok := listedPath(src, name); ok {
			name = url
		}
		o.SrcList[i] = name
	}
	return nil
}

// listedPath is the URL of what a list names as find(1) does: by an absolute path below a local source, or one
// that begins with "./".
func listedPath(src storage.Location, name string) (url string, ok bool) {
	if src.Bucket.URL() != "file:///" {
		return "", false
	}
	top := strings.TrimSuffix(localPath(src), "/") + "/"
	if rest, dotted := strings.CutPrefix(name, "./"); dotted {
		name = top + rest
	}
	if path := filepath.Clean(name); strings.HasPrefix(path, top) {
		return src.Bucket.URL() + filestore.KeyOf(path[1:]), true
	}
	return "", false
}

// readLines reads the lines of a text, as editors of any system write them. Empty ones do not count.
func readLines(ctx context.Context, opener *storage.Opener, stdin io.Reader, url string) ([]string, error) {
	lines, err := readNames(ctx, opener, stdin, url, '\n')
	if err != nil || len(lines) == 0 {
		return lines, err
	}
	lines[0] = strings.TrimPrefix(lines[0], "\uFEFF") // a byte order mark
	if slices.ContainsFunc(lines, func(line string) bool { return !strings.HasSuffix(line, "\r") }) {
		return lines, nil // where only some end so, it is in their names
	}
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" }), nil
}

// readNames reads what end separates. Empty names do not count.
func readNames(ctx context.Context, opener *storage.Opener, stdin io.Reader, url string, end byte) ([]string, error) {
	from := stdin
	if url != "-" {
		r, err := openList(ctx, opener, url)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		from = r
	}
	names := []string{}
	for in := bufio.NewReader(from); ; {
		name, err := in.ReadString(end)
		if name = strings.TrimSuffix(name, string(rune(end))); name != "" {
			names = append(names, name)
		}
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// parseSize is a number of bytes, with K, M, G or T for powers of 1024, and KiB or KB for the same.
func parseSize(text string) (int64, error) {
	number := strings.ToUpper(text)
	number = strings.TrimSuffix(strings.TrimSuffix(number, "B"), "I")
	unit := 1.0
	if n := len(number); n > 0 {
		if i := strings.IndexByte("KMGTP", number[n-1]); i >= 0 {
			unit, number = math.Pow(1024, float64(i+1)), number[:n-1]
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(n) || n < 0 || n*unit >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a number of bytes, as 100, 64K or 1.5G", text)
	}
	return int64(n * unit), nil
}

// parseTime is a date, a date and a time, or an age at now.
func parseTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	age, err := parseAge(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither an age, as 90m, 36h, 7d or 2w, nor a date, as 2024-05-31 or 2024-05-31T10:00:00Z", text)
	}
	return now.Add(-age), nil
}

// parseAge is a duration of Go's with d for days of 24 hours and w for weeks, which come first.
func parseAge(text string) (time.Duration, error) {
	var total time.Duration
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, rest, ok := strings.Cut(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || math.IsNaN(n) || n < 0 || n*float64(unit.is) >= float64(math.MaxInt64/4) {
			return 0, fmt.Errorf("%q is not a number of %s", number, unit.name)
		}
		total, text = total+time.Duration(n*float64(unit.is)), rest
		if text == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration", text)
	}
	return total + d, nil
}

// selectFlagOf is the flag that sets a field of copier's Filter and Sync, or "".
func selectFlagOf(field string) string {
	return map[string]string{
		"MinSize": "--min-size", "MaxSize": "--max-size", "NewerThan": "--newer-than", "OlderThan": "--older-than",
		"SrcList": "--src-list", "AsOf": "--as-of", "VersionID": "--version-id", "Existing": "--update or --ignore-existing", "CompareBy": "--compare", "BackupDir": "--backup-dir",
	}[field]
}
