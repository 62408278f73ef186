package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/hiveql"
)

// options are the command line.
type options struct {
	statements  []string // -e
	files       []string // -f
	inits       []string // -i
	silent      bool
	verbose     bool
	hiveconf    map[string]string
	hivevar     map[string]string
	database    string
	metastore   string
	warehouse   string
	format      string // "" is chosen by where the output goes
	header      bool
	headerGiven bool
	delimiter   string
	config      string
	parseOnly   bool
	allowShell  bool
	version     bool
	threads     string
	memory      string
	tempDir     string
	cacheSize   int64 // MiB
	force       bool
	emptyNull   bool
	beeline     beeline
}

// pairs is a flag whose values are name=value and which may be repeated. Unlike pflag's own, it
// leaves commas alone.
type pairs map[string]string

func (p pairs) Set(s string) error {
	k, v, ok := strings.Cut(s, "=")
	if !ok || k == "" {
		return fmt.Errorf("want name=value, not %q", s)
	}
	p[k] = v
	return nil
}
func (p pairs) String() string { return "" }
func (p pairs) Type() string   { return "name=value" }

// defaultCacheMiB is the size of the cache for objects of far stores.
const defaultCacheMiB = 10 << 10

// What is said of flags that several commands have.
const (
	metastoreUsage = "`URL` of the metastore: sqlite:///path.db,\npostgres://user@host/database, mysql://user@host/database,\nor thrift://host:9083 for one that is served"
	warehouseUsage = "`URL` below which managed tables lie: file://, block:// or s3://"
	configUsage    = "the configuration `file`, instead of $XDG_CONFIG_HOME/skep/skep.toml"
)

// newFlags is an empty set of flags of a command, or of the program itself. It prints nothing, and keeps their order.
func newFlags(command string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(strings.TrimSpace("hiveql "+command), pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.SortFlags = false
	return fs
}

func flagSet(o *options) *pflag.FlagSet {
	fs := newFlags("")
	o.hiveconf, o.hivevar = map[string]string{}, map[string]string{}
	fs.StringArrayVarP(&o.statements, "execute", "e", nil, "run these `statements`; may be repeated")
	fs.StringArrayVarP(&o.files, "file", "f", nil, "run the statements of this `file`, - for standard input; may be repeated")
	fs.StringArrayVarP(&o.inits, "init", "i", nil, "run this `file` first, instead of ~/.hiverc; may be repeated")
	fs.BoolVarP(&o.silent, "silent", "S", false, "print results and errors only")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "print each statement, on standard error, before it runs")
	fs.Var(pairs(o.hiveconf), "hiveconf", "set a setting, as SET name=value does; may be repeated")
	fs.Var(pairs(o.hivevar), "hivevar", "set a variable, used as ${name} or ${hivevar:name}; may be repeated")
	fs.VarP(pairs(o.hivevar), "define", "d", "the same as --hivevar")
	fs.StringVar(&o.database, "database", "", "the first current database, by its `name`")
	fs.StringVar(&o.metastore, "metastore", "", metastoreUsage)
	fs.StringVar(&o.warehouse, "warehouse", "", warehouseUsage)
	fs.StringVar(&o.format, "outputformat", "", "the `format` of results: "+strings.Join(formatNames()[:6], ", ")+",\n"+
		strings.Join(formatNames()[6:], ", ")+"; default: table on a terminal,\notherwise tsv2 without a header")
	fs.BoolVar(&o.header, "showHeader", false, "print the names of the columns (true or false)")
	fs.Lookup("showHeader").NoOptDefVal = "true"
	fs.StringVar(&o.delimiter, "delimiterForDSV", "|", "the delimiting `character` of the format dsv")
	fs.BoolVar(&o.emptyNull, "nullemptystring", false, "print nothing for NULL")
	fs.BoolVar(&o.force, "force", false, "go on after errors, as the setting hive.cli.errors.ignore does")
	fs.StringVar(&o.config, "config", "", configUsage)
	fs.StringVar(&o.threads, "threads", "", "`number` of threads of a query; 0 is one for each processor")
	fs.StringVar(&o.memory, "memory-limit", "", "the `size` of what a query keeps in memory before it spills to disk: 500MB, 4GiB;\ndefault: four fifths of the memory")
	fs.StringVar(&o.tempDir, "temp-dir", "", "the `directory` where queries spill and files are prepared, instead of $TMPDIR")
	fs.Int64Var(&o.cacheSize, "cache-mib", defaultCacheMiB, "`size` of the cache for objects of far stores, in MiB;\n0 keeps them in memory, and not after the program ends")
	fs.BoolVar(&o.allowShell, "allow-shell", false, "let !COMMAND and !sh COMMAND run commands of the system")
	fs.BoolVar(&o.parseOnly, "parse-only", false, "only parse: print ok, or error: MESSAGE, for each statement")
	fs.BoolVar(&o.version, "version", false, "print the version")
	addBeeline(fs, o)
	return fs
}

func parseFlags(args []string) (*options, error) {
	o := &options{}
	fs := flagSet(o)
	if err := fs.Parse(withTwoDashes(fs, args)); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil, err
		}
		return nil, usagef("%v", err)
	}
	if len(fs.Args()) > 0 {
		return nil, unexpected(fs.Arg(0))
	}
	named, err := o.beeline.database()
	if err != nil {
		return nil, err
	}
	o.database = cmp.Or(o.database, named)
	o.headerGiven = fs.Changed("showHeader")
	if o.format != "" && !slices.Contains(formatNames(), o.format) {
		return nil, usagef("unknown output format %q; use one of %s", o.format, strings.Join(formatNames(), ", "))
	}
	if len(o.delimiter) != 1 {
		return nil, usagef("--delimiterForDSV takes one character, not %q", o.delimiter)
	}
	return o, o.settings()
}

// settings takes the flags that stand for settings, and looks whether all have values that make sense.
func (o *options) settings() error {
	for name, value := range map[string]string{"threads": o.threads, "memory_limit": o.memory, "temp_directory": o.tempDir} {
		if value != "" {
			o.hiveconf[name] = value
		}
	}
	if o.force {
		o.hiveconf["hive.cli.errors.ignore"] = "true"
	}
	for name, value := range o.hiveconf {
		if err := hiveql.CheckSetting(name, value); err != nil {
			return usagef("%v", err)
		}
	}
	return nil
}

func help() string {
	return `hiveql runs HiveQL over tables projected onto files.

  hiveql -e 'SELECT ...'       run statements
  hiveql -f script.sql         run a script
  hiveql                       start a shell, or run what standard input holds
  hiveql fmt FILE ...          lay scripts out
  hiveql metastore COMMAND     look after the metastore: info, migrate, log, export, import, doctor
  hiveql vacuum                remove what writes have left behind
  hiveql cache ls|stats|clear  look after the cache of far files
  hiveql serve --hms :9083     serve the metastore to Spark, Trino, Iceberg and others
  hiveql serve --hs2 :10000    serve HiveQL to Beeline, JDBC, ODBC, PyHive and others
  hiveql man                   print the manual page
  hiveql completion SHELL      print a completion script for bash, zsh or fish
  hiveql help COMMAND          tell more of one of these

` + flagSet(&options{}).FlagUsages() + `
Where the metastore, the warehouse and S3 are is read from, in this order: the flags above,
SKEP_* and AWS_* environment variables, AWS profile files, skep.toml, defaults
(sqlite://$XDG_DATA_HOME/skep/metastore.db and file://$XDG_DATA_HOME/skep/warehouse).

Results go to standard output, everything else to standard error. After an error the rest of
the script is not run, unless the setting hive.cli.errors.ignore is true.

Exit codes: 0 done, 1 a statement failed or the program could not start, 2 wrong usage,
130 interrupted.
`
}
