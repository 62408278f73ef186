package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/storage"
)

const metastoreHelp = `hiveql metastore looks after the database that holds the metastore.

  hiveql metastore info               what it is and what is in it
  hiveql metastore migrate            bring its tables up to date
  hiveql metastore log                who changed what, and when
      --since WHEN                    from a time (2024-05-01, 2024-05-01T12:00:00Z), for a while
                                      (24h, 7d), or after the change with this number
      --table DB.NAME                 of one table; DB alone is all of a database
      --json                          a JSON object a line, with what was before and after
      --keep DAYS                     from now on forget changes that are older; 0 keeps all
  hiveql metastore export [FILE]      write everything, as lines of JSON
  hiveql metastore import [FILE]      read that into a metastore that is empty, of any kind
  hiveql metastore doctor             look for what should not be, and say what to do
      --repair                        remove what belongs to nothing
      --locations                     also look whether the places of tables and partitions exist

  --metastore URL and --config FILE are as for hiveql itself.

Exit codes: 0 done, 1 failed or something found, 2 wrong usage, 130 interrupted.
`

// metastoreOptions are the flags of all of its commands.
type metastoreOptions struct {
	metastore, config string
	since, table      string
	json              bool
	keep              int
	keepGiven         bool
	repair, locations bool
	args              []string
}

func (o *metastoreOptions) flags() *pflag.FlagSet {
	fs := newFlags("metastore")
	fs.StringVar(&o.metastore, "metastore", "", metastoreUsage)
	fs.StringVar(&o.config, "config", "", configUsage)
	fs.StringVar(&o.since, "since", "", "log: from a `time` or an age on, or after the change with this number")
	fs.StringVar(&o.table, "table", "", "log: the `table` whose changes to print")
	fs.BoolVar(&o.json, "json", false, "log: print a JSON object a line")
	fs.IntVar(&o.keep, "keep", 0, "log: from now on forget changes that are older than so many `days`; 0 keeps all")
	fs.BoolVar(&o.repair, "repair", false, "doctor: remove what belongs to nothing")
	fs.BoolVar(&o.locations, "locations", false, "doctor: also look whether the places of tables and partitions exist")
	return fs
}

// metastore runs hiveql metastore.
func (p *program) metastore(ctx context.Context, args []string) error {
	var o metastoreOptions
	fs := o.flags()
	if err := fs.Parse(args); errors.Is(err, pflag.ErrHelp) || err == nil && fs.NArg() == 0 {
		_, err = io.WriteString(p.stdout, metastoreHelp)
		return err
	} else if err != nil {
		return usagef("metastore: %v", err)
	}
	o.keepGiven = fs.Changed("keep")
	command := fs.Arg(0)
	o.args = fs.Args()[1:]
	run, ok := map[string]func(context.Context, *sqlstore.Store, *config.Config, *metastoreOptions) error{
		"info": p.metastoreInfo, "migrate": p.metastoreMigrate, "log": p.metastoreLog, "export": p.metastoreExport,
		"import": p.metastoreImport, "doctor": p.metastoreDoctor,
	}[command]
	switch {
	case !ok:
		return usagef("metastore: there is no command %q; there are info, migrate, log, export, import and doctor", command)
	case len(o.args) > 1 || len(o.args) == 1 && command != "export" && command != "import":
		return usagef("metastore %s: unexpected argument %q", command, o.args[len(o.args)-1])
	case o.keep < 0:
		return usagef("metastore log: --keep takes a number of days, or 0")
	}
	cfg, err := config.Load(config.Source{Getenv: p.getenv, File: o.config, Overrides: map[string]string{"metastore": o.metastore}})
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	s, err := sqlstore.Connect(cfg.Metastore)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if command != "info" { // which only looks
		if err := s.Migrate(ctx); err != nil {
			return err
		}
	}
	return run(ctx, s, cfg, &o)
}

func (p *program) metastoreInfo(ctx context.Context, s *sqlstore.Store, _ *config.Config, _ *metastoreOptions) error {
	found, known, err := s.Version(ctx)
	if err != nil {
		return err
	}
	switch {
	case found == 0:
		_, err := fmt.Fprintf(p.stdout, "schema\tnone yet; this program makes version %d\n", known)
		return err
	case found > known:
		return fmt.Errorf("its schema has version %d, but this program knows versions up to %d: use a newer skep", found, known)
	case found < known:
		_, err := fmt.Fprintf(p.stdout, "schema\tversion %d; hiveql metastore migrate, or any other use, brings it to version %d\n", found, known)
		return err
	}
	i, err := s.Info(ctx)
	if err != nil {
		return err
	}
	keep := "for ever"
	if i.KeepDays > 0 {
		keep = fmt.Sprintf("for %d days", i.KeepDays)
	}
	_, err = fmt.Fprintf(p.stdout, `database	%s, %s
uuid	%s
schema	version %d
databases	%d
tables	%d
views	%d
partitions	%d
descriptors	%d
functions	%d
roles	%d
privileges	%d
locks	%d
changes	%d, kept %s
last change	%d
`, i.Product, i.Where, i.UUID, i.Schema, i.Counts.Databases, i.Counts.Tables-i.Views, i.Views, i.Counts.Partitions, i.Descriptors,
		i.Counts.Functions, i.Counts.Roles, i.Counts.Privileges, i.Locks, i.Counts.Changes, keep, i.LastChange)
	return err
}

func (p *program) metastoreMigrate(ctx context.Context, s *sqlstore.Store, _ *config.Config, _ *metastoreOptions) error {
	found, _, err := s.Version(ctx)
	if err == nil {
		_, err = fmt.Fprintf(p.stdout, "the schema has version %d\n", found)
	}
	return err
}

func (p *program) metastoreLog(ctx context.Context, s *sqlstore.Store, _ *config.Config, o *metastoreOptions) error {
	if o.keepGiven {
		return s.KeepChanges(ctx, o.keep)
	}
	after, from, err := parseSince(o.since, time.Now())
	if err != nil {
		return err
	}
	db, name, _ := strings.Cut(strings.ToLower(o.table), ".")
	out := bufio.NewWriter(p.stdout)
	for c, err := range s.Changes(ctx, after) {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if c.Time.Before(from) || db != "" && c.Object.Database != db || name != "" && c.Object.Name != name {
			continue
		}
		if o.json {
			err = json.NewEncoder(out).Encode(changeLine(c))
		} else {
			_, err = fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\n", c.ID, c.Time.Format(time.RFC3339), c.User, c.Kind, changeText(c))
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// parseSince reads --since.
func parseSince(text string, now time.Time) (after int64, from time.Time, err error) {
	if text == "" {
		return 0, time.Time{}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil {
			return 0, now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return 0, now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return 0, t, nil
		}
	}
	return 0, time.Time{}, usagef("metastore log: --since takes a time as 2024-05-01 or 2024-05-01T12:00:00Z, a while as 24h or 7d, or the number of a change, not %q", text)
}

// changeText says what a change is about.
func changeText(c *metastore.Change) string {
	text := c.Object.Database
	if c.Object.Name != "" {
		text = c.Object.String()
	}
	ps := c.After.Partitions
	if len(ps) == 0 {
		ps = c.Before.Partitions
	}
	switch {
	case c.Before.Table != nil && c.After.Table != nil && c.After.Table.TableName != c.Object:
		text += " to " + c.After.Table.TableName.String()
	case len(ps) == 1:
		text += " (" + strings.Join(ps[0].Values, ", ") + ")"
	case len(ps) > 1:
		text += fmt.Sprintf(" (%s) and %d more", strings.Join(ps[0].Values, ", "), len(ps)-1)
	}
	return text
}

// loggedChange is a change as --json prints it.
type loggedChange struct {
	ID     int64     `json:"id"`
	Time   time.Time `json:"time"`
	User   string    `json:"user"`
	Kind   string    `json:"kind"`
	DB     string    `json:"database"`
	Name   string    `json:"name,omitempty"`
	Before any       `json:"before,omitempty"`
	After  any       `json:"after,omitempty"`
}

func changeLine(c *metastore.Change) loggedChange {
	return loggedChange{
		c.ID, c.Time, c.User, string(c.Kind), c.Object.Database, c.Object.Name, sqlstore.StateJSON(c.Before), sqlstore.StateJSON(c.After),
	}
}

func (p *program) metastoreExport(ctx context.Context, s *sqlstore.Store, _ *config.Config, o *metastoreOptions) (err error) {
	w := p.stdout
	if len(o.args) == 1 && o.args[0] != "-" {
		f, err := os.OpenFile(o.args[0], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("export to a new file: %w", err)
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, f.Close(), os.Remove(f.Name()))
			}
		}()
		n, err := s.Export(ctx, f)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		p.counted("exported", n)
		return nil
	}
	n, err := s.Export(ctx, w)
	if err == nil {
		p.counted("exported", n)
	}
	return err
}

func (p *program) metastoreImport(ctx context.Context, s *sqlstore.Store, _ *config.Config, o *metastoreOptions) error {
	r := p.stdin
	if len(o.args) == 1 && o.args[0] != "-" {
		f, err := os.Open(o.args[0])
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		r = f
	}
	n, err := s.Import(ctx, r)
	if err == nil {
		p.counted("imported", n)
	}
	return err
}

func (p *program) counted(what string, n sqlstore.Counts) {
	fmt.Fprintf(p.stderr, "%s %d databases, %d tables, %d partitions, %d functions, %d roles, %d privileges and %d changes\n", what,
		n.Databases, n.Tables, n.Partitions, n.Functions, n.Roles, n.Privileges, n.Changes)
}

func (p *program) metastoreDoctor(ctx context.Context, s *sqlstore.Store, cfg *config.Config, o *metastoreOptions) error {
	problems, err := s.Check(ctx, o.repair)
	if err != nil {
		return err
	}
	n := 0
	for _, found := range problems {
		fmt.Fprintf(p.stdout, "%s: %s\n\t%s\n", found.Object, found.What, found.Do)
		if !found.Usual {
			n++
		}
	}
	if o.locations {
		missing, err := p.missingPlaces(ctx, s, cfg)
		if err != nil {
			return err
		}
		n += missing
	}
	if n > 0 {
		fmt.Fprintf(p.stderr, "problems: %d\n", n)
		return errReported
	}
	fmt.Fprintln(p.stderr, "nothing is wrong")
	return nil
}

// missingPlaces reports the places of partitions at which there is nothing. An unpartitioned table
// may well be empty, and so may a partitioned one.
func (p *program) missingPlaces(ctx context.Context, s *sqlstore.Store, cfg *config.Config) (n int, err error) {
	opener := cfg.Opener()
	defer func() { err = errors.Join(err, opener.Close()) }()
	for place, err := range s.Places(ctx) {
		if err != nil {
			return n, err
		}
		what, err := lookAt(ctx, opener, place.Location)
		if err != nil {
			what = "its location cannot be looked at: " + err.Error()
		}
		if what == "" {
			continue
		}
		n++
		fmt.Fprintf(p.stdout, "%s: %s\n\tbring the files back, or MSCK REPAIR TABLE ... DROP PARTITIONS, or ALTER ... SET LOCATION\n", place.Object, what)
	}
	return n, nil
}

// lookAt says what is wrong with a location.
func lookAt(ctx context.Context, opener *storage.Opener, url string) (string, error) {
	loc, err := opener.Open(ctx, strings.TrimSuffix(url, "/")+"/")
	if err != nil {
		return "", err
	}
	for _, err := range loc.Bucket.List(ctx, loc.Prefix) {
		if errors.Is(err, storage.ErrNotExist) {
			break
		}
		return "", err
	}
	return "there is nothing at its location " + url, nil
}
