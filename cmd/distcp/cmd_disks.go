package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/skepdata/skep/storage/blockstore"
)

// diskLine is a disk in JSON.
type diskLine struct {
	Disk     int64  `json:"disk"`
	Path     string `json:"path"`
	State    string `json:"state"`
	Home     bool   `json:"home,omitempty"`
	Missing  string `json:"missing,omitempty"`
	ReadOnly string `json:"readOnly,omitempty"`
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
		line := diskLine{d.ID, d.Path, d.State, d.Home, "", "", d.Total, d.Free, d.Used, d.Replicas}
		if d.Missing != nil && d.State != "removed" {
			line.Missing = oneLine(d.Missing)
		}
		if d.ReadOnly != nil {
			line.ReadOnly = oneLine(d.ReadOnly)
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
	if d.ReadOnly != "" {
		text += ", read-only"
	}
	return text
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
