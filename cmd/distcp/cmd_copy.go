package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

const copySynopsis = "--src URL --dest URL [options]"

// copyFlags are the command line of a copy.
type copyFlags struct {
	settings
	attributeFlags
	operations
	selectFlags
	jobFlags
	preconditions
	progressFlags
	sides     sides
	src, dest string
	opts      copier.Options

	targetSize, chunkSize int64 // MiB
	previousManifest      string
	prefixesFile          string
	requirePrevious       string
	codec                 string
	json, quiet, version  bool

	unsupported  map[string]*string
	appendToLast string // empty where the command line does not say
	filesPer     int64
	properties   []string
	notes        []string // on options that have no effect
}

func (c *copyFlags) addFlags(f *pflag.FlagSet) {
	o := &c.opts
	f.StringVar(&c.src, "src", "", "`URL` to copy from")
	f.StringVar(&c.dest, "dest", "", "`URL` of the directory to copy to")
	f.StringVar(&o.SrcPattern, "srcPattern", "", "copy what this Java `regex` matches: the whole URL, as in '.*\\.gz'")
	f.StringVar(&o.GroupBy, "groupBy", "", "concatenate files for which the groups of this Java `regex` are the same")
	f.StringVar(&c.prefixesFile, "srcPrefixesFile", "", "list only the prefixes in the file at this `URL`: one a line, each below --src")
	c.selectFlags.addFlags(f)
	c.jobFlags.addFlags(f)
	c.preconditions.addFlags(f)
	f.Int64Var(&c.targetSize, "targetSize", 0, "close a grouped output at this `MiB` of input")
	f.StringVar(&c.appendToLast, "appendToLastFile", "", "whether new files of a group go into its last output, as a `bool` (default true, but for S3)")
	f.Lookup("appendToLastFile").NoOptDefVal = "true"
	f.BoolVar(&o.Restart, "restart", false, "group all files again, into new outputs, though earlier runs have done so")
	f.StringVar(&c.codec, "outputCodec", "keep", "`codec` of the outputs: keep, none, gzip, bzip2, zstd, lz4, lzo, snappy or deflate")
	f.BoolVar(&o.NumberFiles, "numberFiles", false, "put a number before each output's name")
	f.Int64Var(&o.StartingIndex, "startingIndex", 0, "first `number` for --numberFiles")
	f.StringVar(&o.OutputManifest, "outputManifest", "", "write a gzip manifest of all files into the destination, of this `name`")
	f.StringVar(&c.previousManifest, "previousManifest", "", "skip the files that the manifest at this `URL` lists")
	f.StringVar(&c.requirePrevious, "requirePreviousManifest", "true", "whether a missing previous manifest is an error, as a `bool`")
	f.BoolVar(&o.CopyFromManifest, "copyFromManifest", false, "copy the files that the previous manifest lists, instead of listing --src")
	f.BoolVar(&o.DeleteOnSuccess, "deleteOnSuccess", false, "delete each source once its output is durable")
	f.BoolVar(&o.DisableParts, "disableMultipartUpload", false, "write each output in one stream, by one worker")
	f.Int64Var(&c.chunkSize, "multipartUploadChunkSize", 0, "`MiB` of the parts of large files, 5 to 5120 (default 16, or up to 64 by the file's size and the distance)")
	c.attributeFlags.addFlags(f)
	c.settings.addFlags(f)
	c.sides.addFlags(f, "--src", "--dest")
	c.operations.addFlags(f, o)
	c.progressFlags.addFlags(f)
	f.BoolVar(&o.DryRun, "dry-run", false, "print what would be done now, and change nothing; with --json a line for each file, and why")
	f.BoolVar(&c.json, "json", false, "print one JSON event a line on standard output")
	f.BoolVar(&c.quiet, "quiet", false, "print errors only")
	f.BoolVar(&c.version, "version", false, "print the version")
	c.addForeignFlags(f)
}

// addForeignFlags declares what S3DistCp and Hadoop know and we do not, so that it can be named
// in an error rather than be an unknown flag.
func (c *copyFlags) addForeignFlags(f *pflag.FlagSet) {
	c.unsupported = map[string]*string{}
	for _, name := range []string{"log"} {
		c.unsupported[name] = f.String(name, "", "")
		f.Lookup(name).NoOptDefVal = " "
		f.Lookup(name).Hidden = true
	}
	f.Int64Var(&c.filesPer, "filesPerMapper", 0, "")
	f.Lookup("filesPerMapper").Hidden = true
	f.StringArrayVarP(&c.properties, "define", "D", nil, "")
	f.Lookup("define").Hidden = true
}

func (c *command) copy(ctx context.Context, args []string) error {
	var flags copyFlags
	f := pflag.NewFlagSet("distcp", pflag.ContinueOnError)
	flags.addFlags(f)
	if err := c.parse(f, joinValues(args), copySynopsis, 0, len(args)); err != nil {
		return err
	}
	if flags.version {
		_, err := fmt.Fprintf(c.stdout, "distcp %s\n", version)
		return err
	}
	if err := flags.validate(f); err != nil {
		return err
	}
	identity, err := c.identity(f, &flags)
	if err != nil {
		return err
	}
	flags.identify(identity)
	open, err := c.openSides(flags.settings, flags.sides)
	if err != nil {
		return err
	}
	defer open.close()
	if !flags.opts.DryRun {
		defer outliveHangups()()
	}
	sum, err := c.asJob(ctx, &flags, func() (copier.Summary, error) { return c.copyWith(ctx, open, &flags) })
	return c.conclude(ctx, flags.operations, outcome{sum, err, flags.opts.DryRun})
}

// validate checks what can be checked without opening anything, and completes the options.
func (c *copyFlags) validate(f *pflag.FlagSet) error {
	if f.NArg() > 0 {
		return unexpected(f.Arg(0))
	}
	if err := c.checkForeign(f); err != nil {
		return err
	}
	if err := refuseEmpty(f); err != nil {
		return err
	}
	if err := c.checkValues(f); err != nil {
		return err
	}
	if err := c.complete(f); err != nil {
		return err
	}
	if err := c.progressFlags.validate(); err != nil {
		return err
	}
	if err := c.jobFlags.validate(f); err != nil {
		return err
	}
	if err := c.preconditions.validate(); err != nil {
		return err
	}
	if err := c.selectFlags.validate(f, &c.opts, time.Now()); err != nil {
		return err
	}
	check := c.opts
	check.CopyFromManifest, check.PreviousOptional = false, false // their manifest is not open yet
	return check.Validate()
}

// checkValues reports what is missing and what is out of its range.
func (c *copyFlags) checkValues(f *pflag.FlagSet) error {
	switch {
	case c.src == "":
		return usagef("--src is missing: the URL to copy from")
	case c.dest == "":
		return usagef("--dest is missing: the URL to copy to")
	case c.targetSize < 0 || c.targetSize > 1<<40:
		return usagef("--targetSize: %d is not a number of MiB", c.targetSize)
	case f.Changed("multipartUploadChunkSize") && (c.chunkSize < 5 || c.chunkSize > 5120):
		return usagef("--multipartUploadChunkSize: %d is not between 5 and 5120 MiB", c.chunkSize)
	case f.Changed("outputManifest") && slices.Contains([]string{".", "..", "/"}, path.Base(c.opts.OutputManifest)):
		return usagef("--outputManifest: %q is not the name of a file", c.opts.OutputManifest)
	}
	return nil
}

// complete makes the copier's options of what was written.
func (c *copyFlags) complete(f *pflag.FlagSet) error {
	if c.opts.OutputManifest != "" {
		c.opts.OutputManifest = path.Base(filepath.ToSlash(c.opts.OutputManifest)) // S3DistCp takes a local file's path
	}
	require, err := strconv.ParseBool(c.requirePrevious)
	if err != nil {
		return usagef("--requirePreviousManifest: %q is neither true nor false", c.requirePrevious)
	}
	if c.appendToLast != "" {
		if c.opts.AppendToLastFile, err = strconv.ParseBool(c.appendToLast); err != nil {
			return usagef("--appendToLastFile: %q is neither true nor false", c.appendToLast)
		}
	}
	if err := c.operations.validate(f, &c.opts); err != nil {
		return err
	}
	c.opts.PreviousOptional = !require && c.previousManifest != ""
	if c.opts.Attributes, err = c.attributes(f); err != nil {
		return err
	}
	if c.opts.OutputCodec, err = copier.ParseCodec(c.codec); err != nil {
		return usagef("--outputCodec: %v", err)
	}
	c.opts.TargetSize = c.targetSize << 20
	if c.chunkSize > 0 {
		c.opts.PartSize = c.chunkSize << 20
		c.partSize = fmt.Sprintf("%dMiB", c.chunkSize)
	}
	c.opts.Workers = int(c.workers)
	c.opts.PatternURL = patternURL(c.src)
	if c.opts.CopyFromManifest && c.previousManifest == "" {
		return usagef("--copyFromManifest needs --previousManifest, the list to copy")
	}
	return nil
}

// checkForeign reports options of S3DistCp and Hadoop that would have to be obeyed.
func (c *copyFlags) checkForeign(f *pflag.FlagSet) error {
	for name := range c.unsupported {
		if f.Changed(name) {
			return usagef("the option --%s is not supported yet", name)
		}
	}
	for _, p := range c.properties {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return usagef("-D %s: want name=value", p)
		}
		obeyed, err := c.property(name, value)
		if err != nil {
			return err
		}
		if !obeyed {
			c.notes = append(c.notes, fmt.Sprintf("-D %s has no effect: it tunes Hadoop, which is not there", name))
		}
	}
	return nil
}

// patternURL is what the patterns see of a source that is written in one of the ways that
// Hadoop has and we do not: they are the user's, and so is the URL.
func patternURL(src string) string {
	scheme, _, ok := strings.Cut(src, "://")
	switch strings.ToLower(scheme) {
	case "s3a", "s3n", "hdfs":
		if ok {
			return src
		}
	}
	return ""
}

// copyWith copies between the places that the flags name, once the source is there.
func (c *command) copyWith(ctx context.Context, open *openers, flags *copyFlags) (sum copier.Summary, err error) {
	if err := flags.await(ctx, open.src, func(why error) {
		if !flags.quiet {
			fmt.Fprintf(c.stderr, "distcp: waits up to %s: %s\n", flags.timeout, oneLine(why))
		}
	}); err != nil {
		return sum, err
	}
	src, dest, err := openBoth(ctx, open, flags)
	if err != nil {
		return sum, err
	}
	c.abortElsewhere(ctx, flags, dest)
	opts, err := c.openOptions(ctx, open, flags, src, dest)
	if err != nil {
		return sum, err
	}
	if !flags.quiet {
		c.noteNoEffect(flags.notes, opts)
	}
	return c.carryOut(ctx, flags, src, dest, opts)
}

// openBoth opens the two places of a copy, and checks that the one can take what the other has.
func openBoth(ctx context.Context, open *openers, flags *copyFlags) (src, dest storage.Location, err error) {
	if src, err = openSource(ctx, open.src, flags.src); err != nil {
		return src, dest, err
	}
	if dest, err = open.dest.Open(ctx, flags.dest); err != nil {
		return src, dest, err
	}
	if err := checkDestination(flags.opts.Attributes, dest); err != nil {
		return src, dest, err
	}
	if err := checkDirectory(ctx, "--dest", dest); err != nil {
		return src, dest, err
	}
	if err := checkLinks(src, dest); err != nil && flags.opts.GroupBy == "" {
		return src, dest, err
	}
	return src, dest, nil
}

// openOptions is the options of a copy between two places, with the lists open that they name.
func (c *command) openOptions(ctx context.Context, open *openers, flags *copyFlags, src, dest storage.Location) (opts copier.Options, err error) {
	opts = flags.opts
	if opts.Journal != nil && flags.overwrite {
		opts.Journal.Distrust()
	}
	opts.TwoServices = open.twoServices
	if flags.appendToLast == "" {
		opts.AppendToLastFile = opts.GroupBy != "" && !strings.HasPrefix(dest.Bucket.URL(), "s3://")
	}
	if flags.prefixesFile != "" {
		if opts.SrcPrefixes, err = readPrefixes(ctx, open.src, flags.prefixesFile, flags.src); err != nil {
			return opts, err
		}
	}
	if err := flags.selectFlags.open(ctx, open, c.stdin, flags.src, src, &opts); err != nil {
		return opts, err
	}
	if flags.previousManifest == "" {
		return opts, nil
	}
	if opts.PreviousManifest, err = open.openAt(ctx, flags, flags.previousManifest); err != nil {
		return opts, err
	}
	return opts, checkPrevious(ctx, opts)
}

// noteNoEffect says which options were given in vain: those of the notes, and those that need another.
func (c *command) noteNoEffect(notes []string, opts copier.Options) {
	for _, note := range notes {
		fmt.Fprintln(c.stderr, "distcp: "+note)
	}
	if opts.TargetSize > 0 && opts.GroupBy == "" {
		fmt.Fprintln(c.stderr, "distcp: --targetSize has no effect without --groupBy")
	}
	if opts.StartingIndex > 0 && !opts.NumberFiles {
		fmt.Fprintln(c.stderr, "distcp: --startingIndex has no effect without --numberFiles")
	}
	if opts.GroupBy == "" && (opts.AppendToLastFile || opts.Restart) {
		fmt.Fprintln(c.stderr, "distcp: --appendToLastFile and --restart have no effect without --groupBy")
	}
}

// carryOut runs a copy that is ready, and shows and records it as the flags say.
func (c *command) carryOut(ctx context.Context, flags *copyFlags, src, dest storage.Location, opts copier.Options) (sum copier.Summary, err error) {
	if !opts.DryRun { // which is of no use to nobody; a copy goes on
		defer outliveReaders()()
	}
	t := newTally()
	watched, err := c.watch(flags, t)
	if err != nil {
		return sum, err
	}
	defer watched()
	records := &records{} // of a dry run, which leaves none
	if !opts.DryRun {
		if records, err = openRecords(flags.operations); err != nil {
			return sum, err
		}
	}
	p := c.newPrinter(flags, t)
	looked := p.gauge != nil || slices.ContainsFunc(flags.metrics, isAddress)
	opts.Report = func(e copier.Event) {
		if looked {
			t.report(e)
		}
		p.report(e)
		records.report(e)
	}
	defer keepLittleGarbage(opts, c.getenv)()
	sum, err = copier.Run(ctx, src, dest, opts)
	var failed *copier.FailedError
	if sum.Outputs == 0 && !errors.As(err, &failed) {
		err = absent(err)
	}
	err = p.end(sum, err)
	if err == nil && !flags.quiet {
		flags.explainNothing(c.stderr, src.URL(), sum)
		flags.explainUnseen(c.stderr)
	}
	if trouble := records.close(); trouble != nil && err == nil {
		err = trouble
	} else if trouble != nil {
		fmt.Fprintf(c.stderr, "distcp: %s\n", oneLine(trouble))
	}
	return sum, err
}

// outliveHangups keeps the process from being ended by SIGHUP, which asks for rates to be read again, until
// the function that it returns is called.
func outliveHangups() (end func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	return func() { signal.Stop(hangups) }
}

// outliveReaders keeps the process from being killed by writing to a pipe that nobody reads any more,
// until the function that it returns is called. It is told of as any other error.
func outliveReaders() (end func()) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGPIPE)
	return func() { signal.Stop(told) }
}

// checkPrevious makes a missing manifest a precondition that is not met.
func checkPrevious(ctx context.Context, opts copier.Options) error {
	_, err := opts.PreviousManifest.Bucket.Stat(ctx, opts.PreviousManifest.Prefix)
	if errors.Is(err, storage.ErrNotExist) && !opts.PreviousOptional {
		return &preconditionError{fmt.Errorf("--previousManifest: %w", err)}
	}
	return nil
}
