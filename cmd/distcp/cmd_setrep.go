package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage/blockstore"
)

func (c *command) setrep(ctx context.Context, args []string) error {
	var s settings
	var recursive, wait bool
	f := pflag.NewFlagSet("setrep", pflag.ContinueOnError)
	recursiveFlag(f, &recursive, "has no effect: of a directory it is always for all that is below")
	f.BoolVarP(&wait, "wait", "w", false, "make the replicas, or remove those that are too many, before the command ends")
	s.addFlags(f)
	if err := c.parse(f, args, "setrep [-w] NUMBER block://VOLUME[/PATH]...", 2, max(len(args), 2)); err != nil {
		return err
	}
	n, err := strconv.Atoi(f.Arg(0))
	if err != nil || n < 1 || n > 3 {
		return usagef("%q is not a number of replicas: want 1, 2 or 3", f.Arg(0))
	}
	store, err := c.openBlocks(ctx, s, false)
	if err != nil {
		return err
	}
	for _, url := range f.Args()[1:] {
		if err = c.setrepOf(ctx, store, url, n, wait); err != nil {
			break
		}
	}
	return errors.Join(err, store.Close())
}

// setrepOf sets the number of replicas of one place and, if wait says so, makes or removes replicas.
func (c *command) setrepOf(ctx context.Context, store *blockstore.Store, url string, n int, wait bool) error {
	volume, path, err := volumePath(url)
	if err == nil && volume == "" {
		err = usagef("%s: want a volume, or a file or directory in one", url)
	}
	if err != nil {
		return err
	}
	r, err := store.SetReplication(ctx, volume, path, n)
	if err != nil {
		return err
	}
	if r.Shared > 0 {
		fmt.Fprintf(c.stderr, "%s: %s of other objects too, for which more replicas are kept\n", url, count(r.Shared, "block"))
	}
	if !wait {
		text := fmt.Sprintf("%s: %s of %s", url, count(r.Blocks, "block"), count(r.Objects, "object"))
		if r.Lacking+r.Surplus > 0 {
			text += fmt.Sprintf(", %d with too few replicas and %d with too many; fsck --repair, or setrep -w, sees to them", r.Lacking, r.Surplus)
		}
		fmt.Fprintln(c.stderr, text)
		return nil
	}
	report, err := store.Repair(ctx, blockstore.RepairOptions{Check: blockstore.CheckOptions{Volume: volume, Path: path}})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stderr, "%s: %s made, %d dropped\n", url, count(report.Copied, "replica"), report.Dropped)
	for _, f := range report.Lost {
		fmt.Fprintf(c.stderr, "distcp: %s\n", f)
	}
	if r, err = store.Replication(ctx, volume, path); err == nil && r.Lacking > 0 {
		err = fmt.Errorf("%s: %s with too few replicas; each takes a disk with room, and distcp df shows which there are", url, count(r.Lacking, "block"))
	}
	if err == nil && report.Losses > 0 {
		return errQuiet
	}
	return err
}
