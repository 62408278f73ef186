package copier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/skepdata/skep/storage"
)

// cluster is the files of one group key, in the order of the listing.
type cluster struct {
	key   string // the text of the groups
	name  string // of the outputs, from the group key
	files []member
}

// sources are the files from..to.
func (c *cluster) sources(from, to int) []Source {
	all := make([]Source, 0, to-from)
	for _, m := range c.files[from:to] {
		all = append(all, m.source())
	}
	return all
}

// grouped collects the files by the text of their groups and yields the outputs.
func (p *planner) grouped(ctx context.Context, yield func(Task, error) bool) {
	clusters, err := p.collect(ctx)
	if err != nil {
		yield(Task{}, err)
		return
	}
	taken := map[string]bool{} // names that outputs must not have
	if p.inPlace != nil {
		for _, c := range clusters {
			for _, s := range c.files {
				if rest, ok := strings.CutPrefix(s.key, *p.inPlace); ok {
					taken[rest] = true
				}
			}
		}
	}
	last := p.recordedOutputs(taken)
	ctx, cancel := context.WithCancel(ctx)
	p.foreseen = newForesight(p.occupied)
	defer p.foreseen.end()
	defer cancel()
	next := 0
	for i, c := range clusters {
		for ; p.farNames && next < min(i+foresightSpan, len(clusters)); next++ {
			p.foresee(ctx, clusters[next], last[clusters[next].key], taken)
		}
		clusters[i] = nil // its memory is free when its outputs are on their way
		for base := last[c.key]; len(c.files) > 0; base = nil {
			if !p.skipDone(c, yield) || !p.outputs(ctx, c, base, taken, yield) {
				return
			}
		}
	}
}

// outputs yields the outputs of a cluster, of which the first may go on with the last one that
// is there already. It leaves in the cluster what is to be looked at again.
func (p *planner) outputs(
	ctx context.Context, c *cluster, last *record, taken map[string]bool, yield func(Task, error) bool,
) bool {
	for from := 0; from < len(c.files); {
		var base *record
		var size int64
		if from == 0 && p.appends(c, last) {
			base, size = last, last.Size
		}
		to := c.cut(from, p.opts.TargetSize-size, p.opts.TargetSize > 0)
		t, err := p.output(ctx, c, from, to, base, taken)
		if errors.Is(err, errArrived) {
			c.files = c.files[from:]
			return true
		}
		if !yield(t, err) || err != nil {
			return false
		}
		from = to
	}
	c.files = nil
	return true
}

// errArrived is an output of an earlier run that has come to be after this one had read what there is.
var errArrived = errors.New("an output of an earlier run has arrived")

// collect reads all files. The clusters are in the order of their first files, which the
// listing gives in the order of keys.
func (p *planner) collect(ctx context.Context) ([]*cluster, error) {
	byKey := map[string]*cluster{}
	var clusters []*cluster
	number := p.opts.StartingIndex
	classes := classes{}
	for s, err := range p.files(ctx) {
		if err != nil {
			return nil, err
		}
		groups, ok, err := p.group.Match(p.patternText(s))
		if err != nil {
			return nil, err
		}
		key := strings.Join(groups, "")
		name := groupName(key)
		if !ok || name == "" {
			continue
		}
		c := byKey[key]
		if c == nil {
			c = &cluster{key: key, name: name}
			byKey[key] = c
			clusters = append(clusters, c)
		}
		c.files = append(c.files, classes.member(s, number))
		number++
	}
	return clusters, nil
}

// groupName is the file name that a group key stands for: its last segment that is not blank,
// where colons separate like slashes.
func groupName(key string) string {
	name := ""
	for segment := range strings.SplitSeq(strings.ReplaceAll(key, ":", "/"), "/") {
		if segment = strings.TrimSpace(segment); segment != "" {
			name = segment
		}
	}
	return name
}

// cut is the end of the output that begins with file from: it is complete with the file that
// brings it to the target size.
func (c *cluster) cut(from int, target int64, limited bool) int {
	var sum int64
	for i := from; i < len(c.files); i++ {
		if sum += c.files[i].size; limited && sum >= target {
			return i + 1
		}
	}
	return len(c.files)
}

// output is the task for files from..to of c. With a base it is that output, longer. Otherwise
// its directory is that of its first file; the index in its name is the first that makes a name
// not yet taken, since what is there may be all that is left of other files.
func (p *planner) output(
	ctx context.Context, c *cluster, from, to int, base *record, taken map[string]bool,
) (Task, error) {
	t := Task{Sources: c.sources(from, to), Reason: ReasonNew, group: c.key}
	kind, err := p.codecSteps(t.Sources, base == nil && to == from+1)
	if err != nil {
		return Task{}, fmt.Errorf("group %q: %w", c.name, err)
	}
	parquet, err := p.allParquet(t.Sources)
	if err != nil {
		return Task{}, fmt.Errorf("group %q: %w", c.name, err)
	}
	t.merge = parquet && (base != nil || len(t.Sources) > 1)
	if base != nil {
		return t.onto(base, strings.TrimPrefix(base.Output, p.destDir), p.opts.OutputCodec), nil
	}
	name := p.naming(c, t.Sources, kind, parquet, c.files[from].number)
	for index := 0; ; index++ {
		t.Key = name.with(index)
		if taken[t.Key] {
			continue
		}
		taken[t.Key] = true
		t.index = index
		if p.occupied == nil {
			return t, nil
		}
		if there, err := p.foreseen.occupied(ctx, t.Key); !there || err != nil {
			return t, err
		}
		if arrived, err := p.arrived(ctx, t.Key); arrived || err != nil {
			return t, cmp.Or(err, errArrived)
		}
	}
}

// outputName is what the names of a group's outputs consist of, around their index.
type outputName struct{ before, after string }

func (n outputName) with(index int) string {
	if index == 0 {
		return n.before + n.after
	}
	return n.before + strconv.Itoa(index) + n.after
}

// naming is how outputs of c are named that have these sources, of which number is that of the first.
func (p *planner) naming(c *cluster, sources []Source, kind string, parquet bool, number int64) outputName {
	first := sources[0]
	_, nameSuffix := compression(c.name)
	stem := strings.TrimSuffix(c.name, nameSuffix)
	suffix := p.opts.OutputCodec.outputSuffix(kind, first.Key)
	if nameKind, _ := compression(c.name); suffix != "" && nameKind != "" && isSuffix(suffix, nameKind) {
		suffix = nameSuffix
	}
	if p.opts.OutputCodec == CodecNone {
		suffix = commonSuffix(sources)
		stem = strings.TrimSuffix(stem, suffix)
	}
	if parquet {
		suffix = parquetSuffix
		if ext := path.Ext(stem); strings.EqualFold(ext, suffix) {
			suffix, stem = ext, strings.TrimSuffix(stem, ext)
		}
	}
	dir, _ := path.Split(first.Base)
	return outputName{dir + p.numbered(number, stem), suffix}
}

// codecSteps sets what happens to each file and returns the compression they have in common,
// or that of the output.
func (p *planner) codecSteps(files []Source, alone bool) (kind string, err error) {
	kind, _ = compression(files[0].Key)
	for i := range files {
		other, _ := compression(files[i].Key)
		if files[i].step, err = p.opts.OutputCodec.stepFor(other, alone); err != nil {
			return "", fmt.Errorf("%s: %w", files[i].Base, err)
		}
		if other != kind && p.opts.OutputCodec == CodecKeep {
			return "", fmt.Errorf("%s and %s are compressed in different ways and cannot be put together as they are: %w",
				files[0].Base, files[i].Base, errMixed)
		}
		if other != kind {
			kind = string(p.opts.OutputCodec)
		}
	}
	return kind, nil
}

// isSuffix reports whether a suffix stands for that compression.
func isSuffix(suffix, kind string) bool {
	other, _ := compression("x" + suffix)
	return other == kind
}

var errMixed = errors.New("choose an output codec, or a srcPattern that selects one kind")

// commonSuffix is the suffix that the files have in common below that of their compression.
func commonSuffix(files []Source) string {
	common := ""
	for i, s := range files {
		_, compressed := compression(s.Key)
		suffix := path.Ext(strings.TrimSuffix(path.Base(s.Key), compressed))
		if i > 0 && suffix != common {
			return ""
		}
		common = suffix
	}
	return common
}

// occupied reports whether the destination has an object of that name.
func (j *job) occupied(ctx context.Context, key string) (bool, error) {
	err := j.retried(ctx, func() error {
		_, err := j.dest.Bucket.Stat(ctx, j.dir+key)
		return err
	})
	if errors.Is(err, storage.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
