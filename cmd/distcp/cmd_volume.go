package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/blockstore"
)

// openBlocks opens the block store that the settings name, and makes it if create.
func (c *command) openBlocks(ctx context.Context, s settings, create bool) (*blockstore.Store, error) {
	cfg, err := c.configSide(s, side{}, false)
	if err != nil {
		return nil, err
	}
	roots, err := cfg.Blocks()
	if err != nil {
		return nil, err
	}
	if create {
		return blockstore.CreateStore(ctx, roots)
	}
	return blockstore.OpenStore(ctx, roots)
}

// volumeName is the volume that an argument names: block://name, or its name alone.
func volumeName(arg string) (string, error) {
	name, ok := strings.CutPrefix(arg, "block://")
	if ok {
		name = strings.TrimSuffix(name, "/")
	}
	if name == "" || strings.ContainsAny(name, "/@") {
		return "", usagef("%q is not a volume; want block://NAME", arg)
	}
	return name, nil
}

// volumeFlags are the settings of a volume.
type volumeFlags struct {
	blockSize, quotaBytes string
	replication           int
	quotaFiles            int64
	dedup                 bool
}

func (v *volumeFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&v.blockSize, "blockSize", "", "`bytes` in a block of new objects, as 64M; 1M to 1G, 128M unless set")
	f.IntVar(&v.replication, "replication", 1, "on so many disks new blocks are kept: 1, 2 or 3")
	f.StringVar(&v.quotaBytes, "quota-bytes", "", "`bytes` that the objects may have at most, as 500G; 0 is no limit")
	f.BoolVar(&v.dedup, "dedup", false, "keep equal blocks once, found by SHA-256 of new ones")
	f.Int64Var(&v.quotaFiles, "quota-files", 0, "`number` of objects at most; 0 is no limit")
}

// apply makes the changes that the flags ask for.
func (v *volumeFlags) apply(f *pflag.FlagSet) (func(*blockstore.VolumeSettings), error) {
	sizes := map[string]int64{}
	for name, text := range map[string]string{"blockSize": v.blockSize, "quota-bytes": v.quotaBytes} {
		if !f.Changed(name) {
			continue
		}
		n, err := parseSize(text)
		if err != nil {
			return nil, usagef("--%s: %v", name, err)
		}
		sizes[name] = n
	}
	if size, ok := sizes["blockSize"]; ok && (size < 1<<20 || size > 1<<30) {
		return nil, usagef("--blockSize: %s is not between 1M and 1G", v.blockSize)
	}
	if v.replication < 1 || v.replication > 3 {
		return nil, usagef("--replication: %d is not 1, 2 or 3", v.replication)
	}
	if v.quotaFiles < 0 {
		return nil, usagef("--quota-files: %d is negative", v.quotaFiles)
	}
	return func(set *blockstore.VolumeSettings) {
		if size, ok := sizes["blockSize"]; ok {
			set.BlockSize = size
		}
		if size, ok := sizes["quota-bytes"]; ok {
			set.QuotaBytes = size
		}
		if f.Changed("replication") {
			set.Replication = v.replication
		}
		if f.Changed("dedup") {
			set.Dedup = v.dedup
		}
		if f.Changed("quota-files") {
			set.QuotaFiles = v.quotaFiles
		}
	}, nil
}

func (c *command) mkvolume(ctx context.Context, args []string) error {
	var s settings
	var flags volumeFlags
	var modify bool
	f := pflag.NewFlagSet("mkvolume", pflag.ContinueOnError)
	flags.addFlags(f)
	f.BoolVar(&modify, "modify", false, "change the settings of a volume that is there: those that are given, for what is written from now on")
	s.addFlags(f)
	if err := c.parse(f, args, "mkvolume block://NAME", 1, 1); err != nil {
		return err
	}
	name, err := volumeName(f.Arg(0))
	if err != nil {
		return err
	}
	apply, err := flags.apply(f)
	if err != nil {
		return err
	}
	store, err := c.openBlocks(ctx, s, !modify)
	if err != nil {
		return err
	}
	if modify {
		err = store.ChangeVolume(ctx, name, apply)
	} else {
		var set blockstore.VolumeSettings
		apply(&set)
		err = store.CreateVolume(ctx, name, set)
	}
	return errors.Join(err, store.Close())
}

// volumeLine is a volume in JSON.
type volumeLine struct {
	URL           string `json:"url"`
	Created       string `json:"created"`
	Objects       int64  `json:"objects"`
	Bytes         int64  `json:"bytes"`
	Snapshots     int    `json:"snapshots"`
	SnapshotBytes int64  `json:"snapshotBytes"`
	BlockSize     int64  `json:"blockSize"`
	Replication   int    `json:"replication"`
	Dedup         bool   `json:"dedup"`
	QuotaBytes    int64  `json:"quotaBytes,omitempty"`
	QuotaFiles    int64  `json:"quotaFiles,omitempty"`
}

func (c *command) volumes(ctx context.Context, args []string) error {
	var s settings
	var asJSON, human bool
	f := pflag.NewFlagSet("volumes", pflag.ContinueOnError)
	f.BoolVarP(&human, "human-readable", "h", false, "print sizes as 1.5 GiB")
	f.BoolVar(&asJSON, "json", false, "print JSON, one volume a line")
	s.addFlags(f)
	if err := c.parse(f, args, "volumes [-h]", 0, 0); err != nil {
		return err
	}
	store, err := c.openBlocks(ctx, s, false)
	if errors.Is(err, storage.ErrNotExist) {
		return nil // nor is there a volume
	}
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	all, err := store.Volumes(ctx)
	if err != nil {
		return err
	}
	enc := c.jsonLines()
	for _, v := range all {
		if asJSON {
			err = enc.Encode(volumeLine{
				"block://" + v.Name + "/", v.Created.UTC().Format(time.RFC3339), v.Files, v.Bytes, v.Snapshots, v.OldBytes,
				v.BlockSize, v.Replication, v.Dedup, v.QuotaBytes, v.QuotaFiles,
			})
		} else {
			_, err = fmt.Fprintf(c.stdout, "%14s  %9d  %s%s\n", sizeText(v.Bytes, human), v.Files, "block://"+v.Name+"/", volumeText(v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// volumeText is what of a volume is out of the ordinary.
func volumeText(v blockstore.Volume) string {
	text := ""
	for _, one := range []struct {
		print bool
		text  string
	}{
		{v.BlockSize != 128<<20, "blocks of " + bytesText(v.BlockSize)},
		{v.Replication > 1, fmt.Sprintf("on %d disks", v.Replication)},
		{v.Dedup, "deduplicated"},
		{v.QuotaBytes > 0, "at most " + bytesText(v.QuotaBytes)},
		{v.QuotaFiles > 0, "at most " + count(v.QuotaFiles, "object")},
		{v.Snapshots > 0, fmt.Sprintf("%s with %s more", count(int64(v.Snapshots), "snapshot"), bytesText(v.OldBytes))},
	} {
		if one.print {
			text += ", " + one.text
		}
	}
	return text
}

func (c *command) rmvolume(ctx context.Context, args []string) error {
	var s settings
	var everything, force bool
	f := pflag.NewFlagSet("rmvolume", pflag.ContinueOnError)
	recursiveFlag(f, &everything, "even if it is not empty, or has snapshots")
	f.BoolVarP(&force, "force", "f", false, "a volume that does not exist is no error")
	s.addFlags(f)
	if err := c.parse(f, args, "rmvolume [--recursive] block://NAME", 1, 1); err != nil {
		return err
	}
	name, err := volumeName(f.Arg(0))
	if err != nil {
		return err
	}
	store, err := c.openBlocks(ctx, s, false)
	if err == nil {
		err = errors.Join(store.RemoveVolume(ctx, name, everything), store.Close())
	}
	if force && errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	return err
}
