package copier

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/skepdata/skep/storage"
)

// unknownSize is that of an output whose sources, not its own bytes, a manifest knows.
const unknownSize = -1

// IsManifest reports whether the object at a location is a manifest: its name ends in ".gz" and
// its first line is one of a manifest. What is not there, or is a directory, is none.
func IsManifest(ctx context.Context, at storage.Location) (bool, error) {
	if !strings.HasSuffix(at.Prefix, ".gz") {
		return false, nil
	}
	if !isFlat(at.Bucket) { // it may be a directory
		if _, err := at.Bucket.Stat(ctx, at.Prefix); errors.Is(err, storage.ErrNotExist) {
			return false, nil
		}
	}
	r, err := at.Bucket.Open(ctx, at.Prefix, storage.ReadOptions{})
	if errors.Is(err, storage.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	head := bufio.NewReader(r)
	if magic, _ := head.Peek(2); string(magic) != "\x1f\x8b" {
		return false, nil
	}
	gz, err := gzip.NewReader(head)
	if err != nil {
		return false, nil //nolint:nilerr // other data of that name
	}
	const longest = 64 << 10 // of a line: three names of 1024 bytes, escaped, and a little more
	line, err := bufio.NewReader(io.LimitReader(gz, longest)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, nil // likewise
	}
	_, err = parseManifestLine(bytes.TrimSpace(line))
	return err == nil, nil
}

// CompareWithManifest is Compare of src with what a manifest says of the sources of a job: their
// names, sizes, and checksums where it has them. It holds the manifest in memory.
func CompareWithManifest(
	ctx context.Context, src, manifest storage.Location, opts Options, found func(Difference),
) (Comparison, error) {
	entries, err := manifestEntries(ctx, src, manifest, "", Options{}, manifestLine.sourceEntry)
	if err != nil {
		return Comparison{}, err
	}
	c := &comparison{a: src, found: found}
	return c.run(ctx, opts, func(yield func(pair, error) bool) {
		mergeSource(ctx, src, opts, func(files iter.Seq2[Source, error]) iter.Seq2[Source, error] {
			return without(files, src, manifest)
		}, entries, yield)
	})
}

// CompareManifest is Compare of what a manifest says of the outputs of a job with dest. An output
// that has not the bytes of one source, as those of groups, need only be there. SrcPattern selects
// among the URLs of dest. It holds the manifest in memory.
func CompareManifest(
	ctx context.Context, manifest, dest storage.Location, opts Options, found func(Difference),
) (Comparison, error) {
	below := dest.URL()
	entries, err := manifestEntries(ctx, dest, manifest, below, opts, manifestLine.outputEntry)
	if err != nil {
		return Comparison{}, err
	}
	c := &comparison{b: dest, found: found}
	return c.run(ctx, opts, func(yield func(pair, error) bool) {
		listed, err := listedBelow(ctx, dest, below, opts)
		if err != nil {
			yield(pair{}, err)
			return
		}
		merge(entries, without(listed, dest, manifest), yield)
	})
}

// sourceEntry is what a line says of the source of a file.
func (l manifestLine) sourceEntry() Source {
	sum, _ := storage.ParseChecksum(l.CRC32C) // parsed once before
	s := Source{Object: storage.Object{Size: l.Size, CRC32C: sum}}
	if s.Base = strings.TrimPrefix(strings.TrimPrefix(l.Path, l.SrcDir), "/"); l.SrcDir == "" || s.Base == "" {
		s.Base = l.BaseName
	}
	return s
}

// outputEntry is what a line says of the object that a file is in.
func (l manifestLine) outputEntry() Source {
	if l.Output == "" {
		return l.sourceEntry()
	}
	name := l.Output // of another destination: this one does not have it
	if rest, ok := strings.CutPrefix(l.Output, l.SrcDir+"/"); ok {
		name = rest
	}
	return Source{Object: storage.Object{Size: unknownSize}, Base: name}
}

// manifestEntries are those of a manifest that SrcPattern selects, in the order of their names,
// each once: the last line of a name counts, and one that makes the size unknown more than it.
func manifestEntries(
	ctx context.Context, at, manifest storage.Location, below string, opts Options, entry func(manifestLine) Source,
) (iter.Seq2[Source, error], error) {
	p, err := newPlanner(at, Options{SrcPattern: opts.SrcPattern})
	if err != nil {
		return nil, err
	}
	p.below = directory(below)
	var entries []Source
	for line, err := range readManifest(ctx, manifest) {
		if err != nil {
			return nil, err
		}
		s := entry(line)
		selected, err := p.selectsName(s)
		if err != nil {
			return nil, err
		}
		if selected {
			entries = append(entries, s)
		}
	}
	slices.SortStableFunc(entries, func(a, b Source) int { return strings.Compare(a.Base, b.Base) })
	return func(yield func(Source, error) bool) {
		for i, s := range entries {
			if i+1 < len(entries) && entries[i+1].Base == s.Base {
				if s.Size == unknownSize {
					entries[i+1].Size, entries[i+1].CRC32C = unknownSize, storage.Checksum{}
				}
				continue
			}
			if !yield(s, nil) {
				return
			}
		}
	}, nil
}

// without leaves out the object at one location from the files of another: a manifest lies in
// the destination, and does not list itself.
func without(files iter.Seq2[Source, error], at, one storage.Location) iter.Seq2[Source, error] {
	if at.Bucket.URL() != one.Bucket.URL() {
		return files
	}
	return func(yield func(Source, error) bool) {
		for s, err := range files {
			if err == nil && s.Key == one.Prefix {
				continue
			}
			if !yield(s, err) {
				return
			}
		}
	}
}
