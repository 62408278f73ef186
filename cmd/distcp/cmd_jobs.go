package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
)

const jobsSynopsis = "jobs ls | show NAME | rm NAME"

// jobs tells of jobs, and forgets them.
func (c *command) jobs(ctx context.Context, args []string) error {
	f := pflag.NewFlagSet("jobs", pflag.ContinueOnError)
	force, asJSON := false, false
	f.BoolVar(&force, "force", false, "with rm: forget a job though parts of outputs that it has left cannot be aborted")
	f.BoolVar(&asJSON, "json", false, "with ls: print a job a line, in JSON")
	if err := c.parse(f, args, jobsSynopsis, 1, 2); err != nil {
		return err
	}
	store, err := c.jobStore()
	if err != nil {
		return err
	}
	name := f.Arg(1)
	switch verb := f.Arg(0); {
	case force && verb != "rm":
		return usagef("--force has a meaning with rm only")
	case asJSON && verb != "ls":
		return usagef("--json has a meaning with ls only: show prints JSON")
	case verb == "ls" && name == "":
		return c.listJobs(store, asJSON)
	case verb == "show" && isJobName(name):
		r, err := store.read(name)
		if err != nil {
			return err
		}
		enc := c.jsonLines()
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	case verb == "rm" && isJobName(name):
		err := c.forget(ctx, store, name, force)
		if errors.Is(err, errLocked) {
			err = &preconditionError{err}
		}
		return err
	}
	return usagef("want: distcp %s", jobsSynopsis)
}

func (c *command) listJobs(store jobStore, asJSON bool) error {
	names, err := store.names()
	if err != nil {
		return err
	}
	var errs []error // of jobs whose records cannot be read; the others are told of
	records := map[string]jobRecord{}
	for _, name := range names {
		r, err := store.read(name)
		switch {
		case err == nil:
			records[name] = r
		case !errors.Is(err, errNoJob): // it was removed meanwhile
			errs = append(errs, err)
		}
	}
	byTime := func(a, b string) int {
		return cmp.Or(records[a].Started.Compare(records[b].Started), cmp.Compare(a, b))
	}
	lines, columns := c.jsonLines(), tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, name := range slices.SortedFunc(maps.Keys(records), byTime) { // what was begun last stands last
		r := records[name]
		if asJSON {
			err = lines.Encode(r)
		} else {
			_, err = fmt.Fprintf(columns, "%s\t%s\t%s\t%s to %s\n", r.State, r.Started.Format(time.RFC3339), name, printable(r.Src), printable(r.Dest))
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, columns.Flush())...)
}
