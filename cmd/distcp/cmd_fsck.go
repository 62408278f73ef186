package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage/blockstore"
)

// fsckFlags are those of fsck.
type fsckFlags struct {
	settings
	repair, deep, rebuild bool
	bandwidth, grace      string
	json, quiet           bool
}

const fsckSynopsis = "fsck [--repair] [--deep] [block://VOLUME[/PATH]] | fsck --rebuild"

func (c *command) fsck(ctx context.Context, args []string) error {
	var flags fsckFlags
	f := pflag.NewFlagSet("fsck", pflag.ContinueOnError)
	f.BoolVar(&flags.deep, "deep", false, "read every block and compare its checksums")
	f.BoolVar(&flags.repair, "repair", false, "make replicas anew where a good one is left, and remove what no object needs")
	f.StringVar(&flags.bandwidth, "bandwidth", "", "of --deep: read at most this `rate` a second, as 50M; a plain number is MiB")
	f.StringVar(&flags.grace, "grace", "", "of --repair: files that no block has, and parts of files that nobody has gone on with, are removed at this `age`, as 12h or 7d (default 1d and 7d)")
	f.BoolVar(&flags.rebuild, "rebuild", false, "the namespace is lost or damaged: make it anew from the journals and blocks; nobody else may use the store")
	f.BoolVar(&flags.json, "json", false, "print JSON, one finding a line")
	f.BoolVar(&flags.quiet, "quiet", false, "print findings and errors only")
	flags.addFlags(f)
	if err := c.parse(f, args, fsckSynopsis, 0, 1); err != nil {
		return err
	}
	opts, err := flags.options(f)
	if err != nil {
		return err
	}
	k := &checkRun{c: c, flags: &flags, end: func() {}}
	if flags.json {
		k.json = c.jsonLines()
	}
	if flags.rebuild {
		if err := k.rebuild(ctx); err != nil {
			return err
		}
	}
	return k.run(ctx, opts)
}

// options is what is to be checked, and repaired.
func (flags *fsckFlags) options(f *pflag.FlagSet) (opts blockstore.RepairOptions, err error) {
	opts.Check.Deep = flags.deep
	if f.Changed("bandwidth") {
		if opts.Check.BytesPerSecond, err = parseBandwidth(flags.bandwidth); err != nil {
			return opts, usagef("--bandwidth: %v", err)
		}
	}
	if f.Changed("grace") {
		if opts.Grace, err = parseAge(flags.grace); err != nil || opts.Grace <= 0 {
			return opts, usagef("--grace: %q is not an age, as 12h or 7d", flags.grace)
		}
	}
	if f.NArg() == 0 {
		return opts, nil
	}
	if flags.rebuild {
		return opts, usagef("--rebuild is for the whole store")
	}
	opts.Check.Volume, opts.Check.Path, err = volumePath(f.Arg(0))
	return opts, err
}

// volumePath cuts block://VOLUME/PATH. Without a volume it is the whole store.
func volumePath(arg string) (volume, path string, err error) {
	text, ok := strings.CutPrefix(arg, "block://")
	if !ok {
		return "", "", usagef("%q is not in a block store; want block://VOLUME/PATH", arg)
	}
	volume, path, _ = strings.Cut(text, "/")
	if strings.Contains(volume, "@") || volume == "" && path != "" {
		return "", "", usagef("%q is not a volume, or a path in one", arg)
	}
	return volume, path, nil
}

// checkRun is one run of fsck.
type checkRun struct {
	c        *command
	flags    *fsckFlags
	json     *json.Encoder // nil for people
	found    int64
	lost     int64
	progress blockstore.CheckProgress
	end      func() // of the line with the progress
}

func (k *checkRun) run(ctx context.Context, opts blockstore.RepairOptions) error {
	store, err := k.c.openBlocks(ctx, k.flags.settings, false)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // what was repaired has been committed
	opts.Check.Progress = k.watch()
	var report blockstore.RepairReport
	if k.flags.repair {
		opts.Found = k.report
		report, err = store.Repair(ctx, opts)
	} else {
		for finding, failed := range store.Check(ctx, opts.Check) {
			if err = failed; err != nil {
				break
			}
			k.report(finding)
		}
	}
	k.end()
	if err != nil {
		return err
	}
	return k.summary(report)
}

// findingLine is a finding in JSON.
type findingLine struct {
	Event string `json:"event"`
	Kind  string `json:"kind"`
	urlJSON
	Snapshot bool   `json:"snapshotOnly,omitempty"`
	Block    string `json:"block,omitempty"` // as its file is called
	Disk     int64  `json:"disk,omitempty"`
	Path     string `json:"path,omitempty"`
	Offset   int64  `json:"offset,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Lost     bool   `json:"lost,omitempty"`
}

// report prints a finding. A line of progress gives way to it.
func (k *checkRun) report(f blockstore.Finding) {
	k.end()
	k.found++
	if f.Lost {
		k.lost++
	}
	if k.json == nil {
		fmt.Fprintln(k.c.stdout, printable(f.String()))
		return
	}
	line := findingLine{"finding", string(f.Kind), urlJSON{}, f.Snapshot, "", f.Disk, f.Path, f.Offset, f.Detail, f.Lost}
	if f.Key != "" {
		line.urlJSON = urlInJSON("block://" + f.Volume + "/" + f.Key)
	}
	if f.Block != 0 {
		line.Block = fmt.Sprintf("%016x", f.Block)
	}
	_ = k.json.Encode(line) // the exit code says that something was found, too
}

// watch returns what prints the progress, where there is a terminal.
func (k *checkRun) watch() func(blockstore.CheckProgress) {
	show, end := k.c.ticker()
	if k.flags.quiet {
		show, end = func(string, ...any) {}, func() {}
	}
	k.end = end
	var last time.Time
	return func(p blockstore.CheckProgress) {
		k.progress = p
		if time.Since(last) < 200*time.Millisecond {
			return
		}
		last = time.Now()
		show("%s, %s, %s read", count(p.Objects, "object"), count(p.Blocks, "block"), bytesText(p.Bytes))
	}
}

// summary ends a run: with an error when something is wrong, and was not repaired.
func (k *checkRun) summary(r blockstore.RepairReport) error {
	ok := k.found == 0 || k.flags.repair && r.Losses == 0
	if k.json != nil {
		err := k.json.Encode(map[string]any{
			"event": "summary", "ok": ok, "findings": k.found, "lost": k.lost, "objects": k.progress.Objects, "blocks": k.progress.Blocks,
			"bytesRead": k.progress.Bytes, "replicasMade": r.Copied, "replicasDropped": r.Dropped, "filesRemoved": r.Orphans, "uploadsRemoved": r.Uploads,
		})
		if err != nil {
			return err
		}
	}
	if !k.flags.quiet {
		text := fmt.Sprintf("%s and %s checked", count(k.progress.Objects, "object"), count(k.progress.Blocks, "block"))
		if k.progress.Bytes > 0 {
			text += fmt.Sprintf(", %s read", bytesText(k.progress.Bytes))
		}
		text += ", " + count(k.found, "finding")
		if k.flags.repair {
			text += fmt.Sprintf("; %s made, %d dropped, %s removed", count(r.Copied, "replica"), r.Dropped, count(r.Orphans, "file"))
		}
		if r.Uploads > 0 {
			text += fmt.Sprintf(", %s abandoned", count(r.Uploads, "upload"))
		}
		if k.lost > 0 {
			text += fmt.Sprintf("; %d of them without a good replica", k.lost)
		}
		fmt.Fprintln(k.c.stderr, text)
	}
	if !ok {
		return errQuiet
	}
	return nil
}

// rebuild makes the namespace anew.
func (k *checkRun) rebuild(ctx context.Context) error {
	cfg, err := k.c.configSide(k.flags.settings, side{}, false)
	if err != nil {
		return err
	}
	roots, err := cfg.Blocks()
	if err != nil {
		return err
	}
	r, err := blockstore.Rebuild(ctx, roots)
	if err != nil {
		return err
	}
	for _, f := range r.Lost {
		k.report(f)
	}
	if !k.flags.quiet {
		text := fmt.Sprintf("%s from %s, with %s", count(r.Objects, "object"), count(r.Entries, "change"), count(r.Blocks, "block"))
		if r.Losses > 0 {
			text += fmt.Sprintf("; %d lost", r.Losses)
		}
		if r.SetAside != "" {
			text += "; the old namespace is " + r.SetAside
		}
		fmt.Fprintln(k.c.stderr, text)
	}
	if r.Losses > int64(len(r.Lost)) {
		k.found += r.Losses - int64(len(r.Lost))
	}
	return nil
}
