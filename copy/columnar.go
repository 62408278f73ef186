package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/skepdata/skep/internal/orcmerge"
	"github.com/skepdata/skep/internal/parquetmerge"
)

// columnar is a format of files that are not put together byte by byte, as the suffix of their names tells; it is
// empty for all others.
type columnar string

const (
	parquetFiles columnar = ".parquet"
	orcFiles     columnar = ".orc"
)

// columnarOf is the format that the name of an object tells.
func columnarOf(name string) columnar {
	switch c := columnar(strings.ToLower(path.Ext(name))); c {
	case parquetFiles, orcFiles:
		return c
	}
	return ""
}

// article is the name of a format with its article.
func (c columnar) article() string {
	if c == orcFiles {
		return "an ORC file"
	}
	return "a Parquet file"
}

// columnarFiles is the format that the files of an output have in common, if it is one. Only some of them having it
// is an error.
func (p *planner) columnarFiles(files Sources) (c columnar, err error) {
	n := 0
	var other, one Source
	for _, s := range files.All() {
		kind := columnarOf(s.Key)
		if c == "" {
			c = kind
		}
		if kind == c && c != "" {
			n++
			one = s
		} else {
			other = s
		}
	}
	switch {
	case n == 0:
		return "", nil
	case n < files.Len():
		return "", fmt.Errorf("%s is %s and %s is none: they cannot be put together; "+
			"choose a srcPattern that selects one kind", one.Base, c.article(), other.Base)
	case p.opts.OutputCodec != CodecKeep && p.opts.OutputCodec != CodecNone:
		return "", fmt.Errorf("%s is %s, which is compressed inside: outputCodec %s is not for it",
			one.Base, c.article(), p.opts.OutputCodec)
	}
	return c, nil
}

// mergeColumnar writes an output that has the row groups of several Parquet files, or the stripes of ORC files.
func (j *job) mergeColumnar(ctx context.Context, t Task) (result, error) {
	ctx, cancel := context.WithCancel(ctx) // leaving leaves nothing behind
	defer cancel()
	giveBack, err := j.memory.take(ctx, j.opts.partSize())
	if err != nil {
		return result{}, err
	}
	defer giveBack()
	m := j.mergeReader(ctx, t)
	res, err := j.writeMerged(ctx, t, m)
	err = errors.Join(err, m.from.Close())
	if err != nil {
		j.progress(t, -m.from.reported)
	}
	return res, err
}

func (j *job) writeMerged(ctx context.Context, t Task, m *mergeReader) (res result, err error) {
	first, err := j.describeFirst(ctx, t)
	if err != nil {
		return result{clean: true}, err
	}
	opts, err := j.createOptions(ctx, t, first)
	if err != nil {
		return result{clean: true}, err
	}
	out, err := j.dest.Bucket.Create(ctx, j.dir+t.Key, opts)
	if err != nil {
		return result{}, err
	}
	hashed := &hashWriter{w: out}
	defer func() { res.clean = out.Abort() == nil && !hashed.failed }() // of no use after Commit, and nothing to add to an error
	if err = t.merge.merge(ctx, hashed, m.inputs()); err != nil && m.from.err == nil && !hashed.failed {
		err = m.explain(ctx, err)
	}
	if err == nil {
		err = j.pump(io.Discard, m) // what has not been copied counts for the checksums, too
	}
	if m.from.err != nil {
		return result{}, m.from.err // the cause, unwrapped of what the merge said
	}
	if err != nil {
		return result{}, err
	}
	return j.commit(ctx, t, out, hashed, m.from)
}

// merge writes the output.
func (c columnar) merge(ctx context.Context, w io.Writer, list []*mergeInput) (err error) {
	if c == orcFiles {
		inputs := make([]orcmerge.Input, len(list))
		for i, p := range list {
			inputs[i] = orcmerge.Input{Name: p.name(), Size: p.size(), ReaderAt: p}
		}
		_, err = orcmerge.Merge(ctx, w, inputs)
		return err
	}
	inputs := make([]parquetmerge.Input, len(list))
	for i, p := range list {
		inputs[i] = parquetmerge.Input{Name: p.name(), Size: p.size(), ReaderAt: p}
	}
	_, err = parquetmerge.Merge(ctx, w, inputs)
	return err
}
