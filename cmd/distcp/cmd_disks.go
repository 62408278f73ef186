package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/blockstore"
)

// diskLine is a disk in JSON.
type diskLine struct {
	Disk     int64  `json:"disk"`
	Path     string `json:"path"`
	State    string `json:"state"`
	Home     bool   `json:"home,omitempty"`
	Missing  string `json:"missing,omitempty"`
	Total    int64  `json:"total"`
	Free     int64  `json:"free"`
	Used     int64  `json:"used"`
	Replicas int64  `json:"replicas"`
}

func (c *command) df(ctx context.Context, args []string) error {
	var s settings
	var asJSON, human bool
	f := pflag.NewFlagSet("df", pflag.ContinueOnError)
	f.BoolVarP(&human, "human-readable", "h", false, "print sizes as 1.5 GiB")
	f.BoolVar(&asJSON, "json", false, "print JSON, one disk a line")
	s.addFlags(f)
	if err := c.parse(f, args, "df [-h]", 0, 0); err != nil {
		return err
	}
	store, err := c.openBlocks(ctx, s, false)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	disks, err := store.Disks(ctx)
	if err != nil {
		return err
	}
	enc := c.jsonLines()
	if !asJSON {
		fmt.Fprintf(c.stdout, "%4s  %14s  %14s  %14s  %9s  %s\n", "disk", "total", "free", "blocks", "number", "path")
	}
	for _, d := range disks {
		line := diskLine{d.ID, d.Path, d.State, d.Home, "", d.Total, d.Free, d.Used, d.Replicas}
		if d.Missing != nil && d.State != "removed" {
			line.Missing = oneLine(d.Missing)
		}
		if asJSON {
			err = enc.Encode(line)
		} else {
			_, err = fmt.Fprintf(c.stdout, "%4d  %14s  %14s  %14s  %9d  %s%s\n", d.ID, sizeText(d.Total, human),
				sizeText(d.Free, human), sizeText(d.Used, human), d.Replicas, d.Path, line.remarks())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// remarks is what of a disk is out of the ordinary.
func (d diskLine) remarks() string {
	text := ""
	if d.Home {
		text += ", has the namespace"
	}
	if d.State != "active" {
		text += ", " + d.State
	}
	if d.Missing != "" {
		text += ", missing"
	}
	return text
}

func (c *command) setrep(ctx context.Context, args []string) error {
	var s settings
	var recursive, wait bool
	f := pflag.NewFlagSet("setrep", pflag.ContinueOnError)
	recursiveFlag(f, &recursive, "has no effect: it is for all that is below a directory")
	f.BoolVarP(&wait, "wait", "w", false, "has no effect: the replicas are made before the command ends")
	s.addFlags(f)
	if err := c.parse(f, args, "setrep NUMBER block://VOLUME[/DIRECTORY/]...", 2, max(len(args), 2)); err != nil {
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
		if err = c.setrepOf(ctx, s, store, url, n); err != nil {
			break
		}
	}
	return errors.Join(err, store.Close())
}

// setrepOf sets the number of replicas of one place, and makes or removes replicas.
func (c *command) setrepOf(ctx context.Context, s settings, store *blockstore.Store, url string, n int) error {
	volume, path, err := volumePath(url)
	if err != nil || volume == "" {
		return errors.Join(err, usageIf(volume == "", "%s: want a volume, or a directory in one", url))
	}
	if path != "" && !strings.HasSuffix(path, "/") {
		opener, err := c.open(s)
		if err != nil {
			return err
		}
		defer opener.Close() //nolint:errcheck // nothing was written
		at, err := opener.Open(ctx, url+"/")
		if err != nil {
			return err
		}
		exists, err := isDir(ctx, at)
		if err != nil {
			return err
		}
		if !exists {
			return &storage.Error{Op: "setrep", URL: url, Err: errors.New("it is not a directory; the number of replicas is set for volumes and directories")}
		}
		path += "/"
	}
	if err := store.SetReplication(ctx, volume, path, n); err != nil {
		return err
	}
	report, err := store.Repair(ctx, blockstore.RepairOptions{Check: blockstore.CheckOptions{Volume: volume, Prefix: path}})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stderr, "%s made, %d dropped\n", count(report.Copied, "replica"), report.Dropped)
	if report.Losses > 0 {
		for _, f := range report.Lost {
			fmt.Fprintf(c.stderr, "distcp: %s\n", f)
		}
		return errQuiet
	}
	return nil
}

// usageIf is a usage error if bad.
func usageIf(bad bool, format string, args ...any) error {
	if !bad {
		return nil
	}
	return usagef(format, args...)
}

func (c *command) balance(ctx context.Context, args []string) error {
	var s settings
	var percent float64
	f := pflag.NewFlagSet("balance", pflag.ContinueOnError)
	f.Float64Var(&percent, "threshold", 5, "by so many `percent` of its size a disk may be fuller or emptier than all are together")
	s.addFlags(f)
	if err := c.parse(f, args, "balance [--threshold PERCENT]", 0, 0); err != nil {
		return err
	}
	if !(percent > 0 && percent < 100) {
		return usagef("--threshold: %v is not between 0 and 100", percent)
	}
	store, err := c.openBlocks(ctx, s, false)
	if err != nil {
		return err
	}
	show, end := c.ticker()
	report, err := store.Balance(ctx, blockstore.BalanceOptions{Threshold: percent / 100, Progress: func(r blockstore.BalanceReport) {
		show("%s moved, %s", count(r.Blocks, "block"), bytesText(r.Bytes))
	}})
	end()
	if err == nil {
		fmt.Fprintf(c.stderr, "%s with %s moved\n", count(report.Blocks, "block"), bytesText(report.Bytes))
	}
	return errors.Join(err, store.Close())
}

func (c *command) decommission(ctx context.Context, args []string) error {
	var s settings
	f := pflag.NewFlagSet("decommission", pflag.ContinueOnError)
	s.addFlags(f)
	if err := c.parse(f, args, "decommission DIRECTORY", 1, 1); err != nil {
		return err
	}
	store, err := c.openBlocks(ctx, s, false)
	if err != nil {
		return err
	}
	show, end := c.ticker()
	err = store.Decommission(ctx, f.Arg(0), func(left int64) { show("%s left", count(left, "block")) })
	end()
	if err == nil {
		fmt.Fprintf(c.stderr, "%s holds nothing that is needed; take it out of the block roots\n", f.Arg(0))
	}
	return errors.Join(err, store.Close())
}

// ticker returns what shows how far something is, in one line of the terminal if there is one, and
// what takes the line away.
func (c *command) ticker() (show func(format string, args ...any), end func()) {
	file, ok := c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func(string, ...any) {}, func() {}
	}
	return func(format string, args ...any) { fmt.Fprintf(file, "\r"+format+"\x1b[K", args...) },
		func() { fmt.Fprint(file, "\r\x1b[K") }
}
