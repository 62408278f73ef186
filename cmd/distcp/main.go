package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/internal/heapfloor"
	"github.com/skepdata/skep/storage"
)

// version is set by the build.
var version = "dev"

// The exit codes, which help prints.
const (
	exitOK           = 0
	exitError        = 1
	exitUsage        = 2
	exitSomeFailed   = 3
	exitPrecondition = 4
	exitInterrupted  = 130
)

func main() { os.Exit(mainCode()) }

func mainCode() int {
	takeTurns()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	defer heapfloor.RaiseLittle(os.LookupEnv)()
	adapting, end := context.WithCancel(context.Background())
	wait := adaptProcessors(adapting, os.Getenv)
	defer func() { end(); wait() }()
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
}

// run is the program: what it is given instead of what the process has, and the exit code.
func run(
	ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string,
) int {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	args = withoutProgram(args)
	verbs := c.verbs()
	verb, rest := c.copy, args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		v, ok := verbs[args[0]]
		switch {
		case ok:
			verb, rest = v, args[1:]
		case isPlace(args[0]) && len(args) == 2:
			return c.exit(ctx, usagef("a copy is written --src %s --dest %s", args[0], args[1]))
		default:
			return c.exit(ctx, usagef("unknown command %q; copy with --src and --dest, or use one of these: %s", args[0], strings.Join(slices.Sorted(maps.Keys(verbs)), ", ")))
		}
	}
	return c.exit(ctx, verb(ctx, rest))
}

// command is one invocation.
type command struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	// inspect, if not nil, is told the flags of the verb, which then does nothing.
	inspect func(f *pflag.FlagSet, synopsis string)
}

// verbs are the commands besides the copy.
func (c *command) verbs() map[string]func(context.Context, []string) error {
	return map[string]func(context.Context, []string) error{
		"ls": c.ls, "cat": c.cat, "stat": c.stat, "checksum": c.checksum, "du": c.du, "rm": c.rm, "mv": c.mv,
		"mkvolume": c.mkvolume, "volumes": c.volumes, "rmvolume": c.rmvolume, "snapshot": c.snapshot, "diff": c.diff,
		"df": c.df, "setrep": c.setrep, "fsck": c.fsck, "balance": c.balance, "decommission": c.decommission,
		"verify": c.verify, "jobs": c.jobs, "limit": c.limit,
		"completion": c.completion, "man": c.man, "help": c.help,
	}
}

// usageError is a command line that makes no sense.
type usageError struct {
	msg   string
	below string // lines that show where; may be empty
}

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return &usageError{msg: fmt.Sprintf(format, args...)} }

// preconditionError is a job that must not begin.
type preconditionError struct{ error }

func (e *preconditionError) Unwrap() error { return e.error }

// absentError is a place that a command line names and that is not there, or, of a copy that has done
// nothing yet, a place that does not take what the options ask for, or a manifest that is none: exit code 2,
// too. A job remembers it as a failure, for nothing is wrong with the command.
type absentError struct{ error }

func (e *absentError) Unwrap() error { return e.error }

// absent makes an absentError of an error that says so.
func absent(err error) error {
	var manifest *copier.ManifestError
	if errors.Is(err, storage.ErrNotExist) || errors.Is(err, storage.ErrRefused) || errors.Is(err, storage.ErrUnsupported) ||
		errors.As(err, &manifest) {
		return &absentError{err}
	}
	return err
}

// refused reports whether an error is of a command line or settings that make no sense, or of places
// that do not go together: exit code 2, before any work.
func refused(err error) bool {
	var usage *usageError
	var option *copier.OptionError
	var badURL *storage.URLError
	var overlap *copier.OverlapError
	var setting *config.Error
	var failed *copier.FailedError
	if errors.As(err, &failed) {
		return false // there was work
	}
	return errors.As(err, &usage) || errors.As(err, &option) || errors.As(err, &badURL) || errors.As(err, &overlap) ||
		errors.As(err, &setting)
}

// errQuiet is a failure that has been reported already.
var errQuiet = errors.New("see above")

// exit reports an error in one line and chooses the exit code.
func (c *command) exit(ctx context.Context, err error) int {
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return exitOK
	}
	code := exitError
	var usage *usageError
	var option *copier.OptionError
	var failed *copier.FailedError
	var precondition *preconditionError
	var deletion *copier.DeletionError
	var missing *absentError
	var setting *config.Error
	hint := ""
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(c.stderr, "distcp: interrupted; what is complete stays, run the same command again to go on")
		return exitInterrupted
	case errors.As(err, &option):
		colon := ":"
		if strings.HasPrefix(option.Err.Error(), "and ") {
			colon = "" // the option is one of two subjects
		}
		err = errors.New(flagOf(option.Option) + colon + " " + inFlags(option.Err.Error()))
		code, hint = exitUsage, seeHelp
	case refused(err):
		code = exitUsage
		if !errors.As(err, &setting) {
			hint = seeHelp
		}
		errors.As(err, &usage)
	case errors.As(err, &missing):
		code = exitUsage
	case errors.As(err, &failed):
		return exitSomeFailed // each failure and their number have been printed
	case errors.As(err, &precondition):
		code = exitPrecondition
	case errors.As(err, &deletion):
		err = fmt.Errorf("%w (--max-delete %d would allow it)", err, deletion.Extras)
	case errors.Is(err, errQuiet):
		return exitError
	}
	text := oneLine(err)
	if strings.HasSuffix(text, ")") {
		hint = "" // it has one
	}
	fmt.Fprintf(c.stderr, "distcp: %s%s\n", text, hint)
	if usage != nil && usage.below != "" {
		fmt.Fprintln(c.stderr, usage.below)
	}
	return code
}

const seeHelp = " (see distcp --help)"

// oneLine is an error's text without line breaks, which joined errors and strange keys have, and
// without what would move a terminal's cursor.
func oneLine(err error) string {
	return printable(strings.NewReplacer("\r\n", "; ", "\n", "; ").Replace(err.Error()))
}

// flagOf is the flag that sets a field of copier.Options.
func flagOf(field string) string {
	if flag := selectFlagOf(field); flag != "" {
		return flag
	}
	switch field {
	case "SrcPrefixes":
		return "--srcPrefixesFile"
	case "PartSize":
		return "--multipartUploadChunkSize"
	case "PreviousOptional":
		return "--requirePreviousManifest"
	case "":
		return ""
	}
	return "--" + strings.ToLower(field[:1]) + field[1:]
}

// inFlags names fields of copier.Options by their flags, in the text of an error.
func inFlags(text string) string {
	for _, field := range []string{
		"SrcPattern", "GroupBy", "SrcPrefixes", "SrcList", "CopyFromManifest", "NumberFiles", "DeleteOnSuccess", "NewerThan", "OlderThan", "CompareBy", "AsOf",
	} {
		text = strings.ReplaceAll(" "+text, " "+field, " "+flagOf(field))[1:]
	}
	return text
}

// settings are the flags that say where things are, which all verbs have.
type settings struct {
	configFile, endpoint, blockRoot string
	partSize                        string // as skep.toml has it
	workers                         workersFlag
}

// workersFlag is a number of transfers at once, or 0 to let the copy find out.
type workersFlag int

const mostWorkers = 10_000

// Set implements pflag.Value.
func (w *workersFlag) Set(text string) error {
	if text == "auto" {
		*w = 0
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostWorkers {
		return fmt.Errorf("neither auto nor a number from 1 to %d", mostWorkers)
	}
	*w = workersFlag(n)
	return nil
}

// String implements pflag.Value.
func (w *workersFlag) String() string {
	if *w == 0 {
		return "auto"
	}
	return strconv.Itoa(int(*w))
}

// count is the number, where it cannot change.
func (w workersFlag) count() int {
	if w == 0 {
		return copier.DefaultWorkers
	}
	return int(w)
}

// Type implements pflag.Value.
func (w *workersFlag) Type() string { return "number" }

func (s *settings) addFlags(f *pflag.FlagSet) {
	f.StringVar(&s.configFile, "config", "", "`file` with settings, instead of skep.toml in the user's configuration directory")
	f.StringVar(&s.endpoint, "s3Endpoint", "", "`URL or host` of the S3 service")
	f.StringVar(&s.blockRoot, "blockRoot", "", "`directories` of the block store, separated by commas")
	f.Var(&s.workers, "workers", "`number` of transfers at once; auto begins with 64 and goes on with what pays")
}

// open reads the configuration and returns what opens URLs.
func (c *command) open(s settings) (*storage.Opener, error) {
	cfg, err := c.configSide(s, side{}, false)
	if err != nil {
		return nil, err
	}
	return cfg.Opener(), nil
}

// keptConnections are as many as an S3 client keeps without being told.
const keptConnections = 512

// overrides are the settings that the flags give, by their names in skep.toml.
func (s settings) overrides() (map[string]string, error) {
	roots, err := absolute(s.blockRoot)
	if err != nil {
		return nil, err
	}
	overrides := map[string]string{"s3.endpoint": s.endpoint, "block_roots": roots, "s3.part_size": s.partSize}
	if s.workers > keptConnections {
		overrides["s3.workers"] = s.workers.String()
	}
	return overrides, nil
}

// absolute makes the directories of --blockRoot absolute, as settings want them.
func absolute(roots string) (string, error) {
	if roots == "" {
		return "", nil
	}
	all := strings.Split(roots, ",")
	for i, root := range all {
		if root == "" {
			continue // which the settings refuse
		}
		abs, err := filepath.Abs(root)
		if err != nil {
			return "", fmt.Errorf("--blockRoot %s: %w", root, err)
		}
		all[i] = abs
	}
	return strings.Join(all, ","), nil
}

// parse parses the flags of a verb, whose own arguments are between least and most.
func (c *command) parse(f *pflag.FlagSet, args []string, synopsis string, least, most int) error {
	if c.inspect != nil {
		c.inspect(f, synopsis)
		return pflag.ErrHelp
	}
	f.SetOutput(io.Discard)
	f.SortFlags = false
	err := f.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		if failed := c.printHelp(f, synopsis); failed != nil {
			return failed
		}
		return err
	case err != nil:
		return flagError(f, err)
	case f.NArg() < least || f.NArg() > most:
		return usagef("want: distcp %s", synopsis)
	}
	return nil
}
