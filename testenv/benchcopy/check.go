package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
)

const (
	sampleCount = 16
	sampleSize  = 64 << 10
)

// checker compares what a run has made with what it was given.
type checker struct {
	client *s3store.Client
	source string // the local directory that all contents come from
	want   tree
}

// check returns the bytes that the result takes, or what is wrong with it.
func (c checker) check(ctx context.Context, w workload, at place) (int64, error) {
	got, err := c.read(ctx, at)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for size := range maps.Values(got) {
		total += size
	}
	if w.dir == group {
		return total, c.checkGroups(ctx, at, got)
	}
	if err := c.want.compare(got); err != nil {
		return 0, err
	}
	return total, c.checkSamples(ctx, at)
}

// read lists the files of a place.
func (c checker) read(ctx context.Context, at place) (tree, error) {
	if at.local != "" {
		return readTree(at.local)
	}
	got := tree{}
	for o, err := range c.client.Bucket(at.bucket).List(ctx, at.key+"/") {
		if err != nil {
			return nil, err
		}
		// distcp's records of what it has joined are not part of the result.
		if name := strings.TrimPrefix(o.Key, at.key+"/"); !strings.HasPrefix(name, ".distcp/") {
			got[name] = o.Size
		}
	}
	return got, nil
}

// compare says how another tree differs from this one, which is what it should be.
func (t tree) compare(got tree) error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		size, ok := got[name]
		switch {
		case !ok:
			return fmt.Errorf("%s is missing; there are %d files of %d", name, len(got), len(t))
		case size != t[name]:
			return fmt.Errorf("%s has %d bytes of %d", name, size, t[name])
		}
	}
	if len(got) != len(t) {
		return fmt.Errorf("there are %d files instead of %d", len(got), len(t))
	}
	return nil
}

// checkSamples compares the beginning and the end of some files.
func (c checker) checkSamples(ctx context.Context, at place) error {
	names := slices.Sorted(maps.Keys(c.want))
	step := max(len(names)/sampleCount, 1)
	for i := 0; i < len(names); i += step {
		name := names[i]
		for _, offset := range []int64{0, max(c.want[name]-sampleSize, 0)} {
			want, err := c.sample(ctx, place{local: c.source}, name, offset)
			if err != nil {
				return err
			}
			got, err := c.sample(ctx, at, name, offset)
			if err != nil {
				return err
			}
			if !bytes.Equal(got, want) {
				return fmt.Errorf("%s differs from its source after byte %d", name, offset)
			}
		}
	}
	return nil
}

// sample reads a piece of a file.
func (c checker) sample(ctx context.Context, at place, name string, offset int64) ([]byte, error) {
	r, err := c.open(ctx, at, name, offset)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, sampleSize))
}

// open reads a file of a place from an offset on.
func (c checker) open(ctx context.Context, at place, name string, offset int64) (io.ReadCloser, error) {
	if at.local == "" {
		return c.client.Bucket(at.bucket).Open(ctx, at.key+"/"+name, storage.ReadOptions{Offset: offset})
	}
	f, err := os.Open(filepath.Join(at.local, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// checkGroups unpacks each object, which must hold the files of its group, one after another in
// the order of their names.
func (c checker) checkGroups(ctx context.Context, at place, got tree) error {
	if len(got) != groups {
		return fmt.Errorf("there are %d objects instead of %d", len(got), groups)
	}
	members := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(c.want)) {
		key := path.Base(name)[:len("app-0")]
		members[key] = append(members[key], name)
	}
	for name := range got {
		key := strings.TrimSuffix(path.Base(name), ".gz")
		if members[key] == nil {
			return fmt.Errorf("%s is not the name of a group", name)
		}
		if err := c.checkGroup(ctx, at, name, members[key]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (c checker) checkGroup(ctx context.Context, at place, name string, members []string) error {
	r, err := c.open(ctx, at, name, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	for _, member := range members {
		want, err := os.ReadFile(filepath.Join(c.source, filepath.FromSlash(member)))
		if err != nil {
			return err
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(text, got); err != nil {
			return fmt.Errorf("at %s: %w", member, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not where it should be", member)
		}
	}
	n, err := io.Copy(io.Discard, text)
	if err == nil && n > 0 {
		err = fmt.Errorf("there are %d bytes more than in its sources", n)
	}
	return err
}

// newest is when the last object of a place was written.
func (c checker) newest(ctx context.Context, at place) (time.Time, error) {
	var last time.Time
	for o, err := range c.client.Bucket(at.bucket).List(ctx, at.key+"/") {
		if err != nil {
			return last, err
		}
		if o.ModTime.After(last) {
			last = o.ModTime
		}
	}
	return last, nil
}

// remove empties a place.
func (c checker) remove(ctx context.Context, at place) error {
	if at.local != "" {
		return os.RemoveAll(at.local)
	}
	_, err := storage.DeleteAll(ctx, c.client.Bucket(at.bucket), at.key+"/", nil)
	return err
}
