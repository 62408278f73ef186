package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/metastore"
)

const vacuumHelp = `hiveql vacuum removes what writes have left behind.

  hiveql vacuum [TABLE | DB.TABLE | DB.*]...   in these tables, or in all

Files that INSERT OVERWRITE and its like replaced are removed by the session that replaced them, or
by the next write to the table. This removes those that were still being read then, the files of
writes whose process died, staging directories of dead processes, and expired locks of readers.
It can run at any time, beside readers and writers.

      --grace DURATION   keep files that were replaced less than this ago (500ms, 10m, 24h); the
                         default is the setting skep.vacuum.grace
      --dry-run          only say what there is
  --metastore URL, --warehouse URL and --config FILE are as for hiveql itself.

It prints five numbers: finished, writes whose replaced files were removed; undone, writes of dead
processes that were taken back; kept, writes whose replaced files readers may need; staging, local
directories of dead processes that were removed; locks, expired locks of readers.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
`

func vacuumFlags(o *options, grace *time.Duration, dry *bool) *pflag.FlagSet {
	fs := newFlags("vacuum")
	fs.StringVar(&o.metastore, "metastore", "", metastoreUsage)
	fs.StringVar(&o.warehouse, "warehouse", "", warehouseUsage)
	fs.StringVar(&o.config, "config", "", configUsage)
	fs.DurationVar(grace, "grace", 0, "keep files that were replaced less than this `duration` ago")
	fs.BoolVar(dry, "dry-run", false, "only say what there is")
	return fs
}

// vacuum runs hiveql vacuum.
func (p *program) vacuum(ctx context.Context, args []string) (err error) {
	o := &options{hiveconf: map[string]string{}, hivevar: map[string]string{}}
	var grace time.Duration
	var dry bool
	fs := vacuumFlags(o, &grace, &dry)
	if err := fs.Parse(args); errors.Is(err, pflag.ErrHelp) {
		_, err = io.WriteString(p.stdout, vacuumHelp)
		return err
	} else if err != nil {
		return usagef("vacuum: %v", err)
	}
	if fs.Changed("grace") {
		if grace < 0 {
			return usagef("vacuum: --grace takes a duration of 0 or more, not %s", grace)
		}
		o.hiveconf["skep.vacuum.grace"] = grace.String()
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	opened, err := p.openEngine(ctx, o, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.close()) }()
	tables := fs.Args()
	if len(tables) == 0 {
		tables = []string{"*.*"}
	}
	session := opened.engine.NewSession()
	var sum hiveql.Vacuumed
	for i, name := range tables {
		db, table, qualified := strings.Cut(name, ".")
		if !qualified {
			db, table = "default", name
		}
		if !strings.ContainsAny(name, "*|") {
			if _, err := opened.store.Table(ctx, metastore.TableName{Database: db, Name: table}); errors.Is(err, metastore.ErrNoSuchTable) {
				return fmt.Errorf("vacuum: there is no table %s.%s", db, table)
			}
		}
		v, err := session.Vacuum(ctx, db, table, dry)
		sum.Finished, sum.Undone, sum.Kept = sum.Finished+v.Finished, sum.Undone+v.Undone, sum.Kept+v.Kept
		if i == 0 || !dry { // what belongs to no table
			sum.Staging, sum.Locks = sum.Staging+v.Staging, sum.Locks+v.Locks
		}
		if err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.stdout, "finished\t%d\nundone\t%d\nkept\t%d\nstaging\t%d\nlocks\t%d\n",
		sum.Finished, sum.Undone, sum.Kept, sum.Staging, sum.Locks)
	return err
}
