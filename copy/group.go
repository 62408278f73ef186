package copier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/storage"
)

// cluster is one group.
type cluster struct {
	key   string // the text of the groups
	group string // the same, as records have it
	name  string // of the outputs, from the group key
	order int    // among the groups
	left  int    // files that have not been read yet

	files   []Source  // that are in no output yet, as they come
	numbers []int64   // of files, for --numberFiles
	early   aside     // files before those, which the next output has
	held    *holdings // what outputs have that are there already
	base    *record   // the last output that is there already, as long as nothing has been made of the files
}

// grouped collects the files by the text of their groups and yields the outputs.
func (p *planner) grouped(ctx context.Context, yield func(Task, error) bool) {
	taken := &takenNames{outputs: map[string]bool{}}
	all := newGroupedFiles()
	defer all.close() //nolint:errcheck // the files are gone in any case
	if err := p.collect(ctx, all, taken); err != nil {
		yield(Task{}, err)
		return
	}
	recorded := p.recordedOutputs(taken.outputs)
	ctx, cancel := context.WithCancel(ctx)
	p.foreseen = newForesight(p.occupied)
	defer p.foreseen.end()
	defer cancel()
	next := 0
	for i, c := range all.clusters {
		next = max(next, i)
		for span := p.groupsAhead(); next < min(i+span, len(all.clusters)) && all.clusters[next].left <= foresightFiles; next++ {
			ahead := all.clusters[next]
			err := p.recall(ahead, recorded[ahead.group])
			if err == nil {
				err = all.read(ahead, foresightFiles)
			}
			if err != nil {
				yield(Task{}, err)
				return
			}
			p.foresee(ctx, ahead, taken)
		}
		if next == i { // it has more files
			if err := p.recall(c, recorded[c.group]); err != nil {
				yield(Task{}, err)
				return
			}
		}
		all.clusters[i] = nil // its memory is free when its outputs are on their way
		if !p.cluster(ctx, all, c, taken, yield) {
			return
		}
	}
}

// cluster yields the tasks of a group, of whose files some may have been read.
func (p *planner) cluster(ctx context.Context, all *groupedFiles, c *cluster, taken *takenNames, yield func(Task, error) bool) bool {
	for more, seen := true, 0; more; seen = len(c.files) {
		if err := all.read(c, groupChunk); err != nil {
			yield(Task{}, err)
			return false
		}
		more = c.left > 0
		for again := true; again; seen = 0 {
			var ok bool
			if !p.skipDone(c, seen, yield) {
				return false
			}
			if again, ok = p.outputs(ctx, c, more, taken, yield); !ok {
				return false
			}
			if !again {
				break
			}
			if err := p.recall(c, p.ledger.ofGroups()[c.group]); err != nil {
				yield(Task{}, err)
				return false
			}
			c.base = nil // what is left does not go behind it
		}
	}
	return true
}

// outputs yields the outputs of a cluster of which all files are known, of which the first may go on with the
// last one that is there already. It leaves in the cluster what belongs to the next output, if there are
// more files. again says that all that is left is to be looked at again.
func (p *planner) outputs(
	ctx context.Context, c *cluster, more bool, taken *takenNames, yield func(Task, error) bool,
) (again, ok bool) {
	from := 0
	defer func() {
		if from > 0 { // otherwise there may be many more to come
			c.files, c.numbers = slices.Clone(c.files[from:]), slices.Clone(c.numbers[from:])
		}
	}()
	for from < len(c.files) || c.early.Len() > 0 {
		var base *record
		var size int64
		if p.appends(c, c.base) {
			base, size = c.base, c.base.Size
		}
		to, full := c.cut(from, p.opts.TargetSize-size-c.early.Size(), p.opts.TargetSize > 0)
		if more && !full {
			if err := c.early.add(c.files[from:], c.numbers[from:], p.aside, p.stepOf); err != nil {
				yield(Task{}, err)
				return false, false
			}
			c.files, c.numbers, from = nil, nil, 0
			return false, true
		}
		t, err := p.output(ctx, c, from, to, base, taken)
		if errors.Is(err, errArrived) {
			c.files, c.numbers = c.early.before(c.files[from:], c.numbers[from:])
			c.early, from = aside{}, 0
			return true, true
		}
		c.base, c.early = nil, aside{}
		if !yield(t, err) || err != nil {
			return false, false
		}
		from = to
	}
	return false, true
}

// errArrived is an output of an earlier run that has come to be after this one had read what there is.
var errArrived = errors.New("an output of an earlier run has arrived")

// collect reads all files. The clusters are in the order of their first files, which the
// listing gives in the order of keys.
func (p *planner) collect(ctx context.Context, all *groupedFiles, taken *takenNames) error {
	byKey := map[string]*cluster{}
	number := p.opts.StartingIndex
	for s, err := range p.files(ctx) {
		if err != nil {
			return err
		}
		groups, ok, err := p.group.Match(p.patternText(s))
		if err != nil {
			return err
		}
		key := strings.Join(groups, "")
		c := byKey[key]
		if c == nil {
			name := groupName(key)
			if !ok || name == "" {
				continue
			}
			key = strings.Clone(key) // it may be a part of the file's
			c = &cluster{key: key, group: p.groupOfRecords(key), name: strings.Clone(name), order: len(all.clusters)}
			byKey[key] = c
			all.clusters = append(all.clusters, c)
		}
		if err := all.add(c, s, number); err != nil {
			return err
		}
		if p.inPlace != nil {
			if rest, ok := strings.CutPrefix(s.Key, *p.inPlace); ok {
				taken.addSource(rest)
			}
		}
		number++
	}
	return nil
}

// groupOfRecords is a group key as records have it: the same however the source was written, as s3a:// or s3://.
func (p *planner) groupOfRecords(key string) string {
	if rest, ok := strings.CutPrefix(key, strings.TrimRight(p.patternURL, "/")); ok && p.patternURL != p.src.URL() {
		return strings.TrimRight(p.src.URL(), "/") + rest
	}
	return key
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

// first is the first file of the next output.
func (c *cluster) first() Source {
	if c.early.Len() > 0 {
		return c.early.First()
	}
	return c.files[0]
}

// cut is the end of the output that begins with file from: it is full with the file that brings it to
// the target size.
func (c *cluster) cut(from int, target int64, limited bool) (to int, full bool) {
	var sum int64
	for i := from; i < len(c.files); i++ {
		if sum += c.files[i].Size; limited && sum >= target {
			return i + 1, true
		}
	}
	return len(c.files), false
}

// output is the task for files from..to of c. With a base it is that output, longer. Otherwise
// its directory is that of its first file; the index in its name is the first that makes a name
// not yet taken, since what is there may be all that is left of other files.
func (p *planner) output(
	ctx context.Context, c *cluster, from, to int, base *record, taken *takenNames,
) (Task, error) {
	t := Task{Reason: ReasonNew, group: c.group}
	list, number := c.files[from:to], c.early.number
	if to-from < len(c.files) {
		list = slices.Clone(list) // the others go their own way
	}
	if t.Sources = SourcesOf(list...); c.early.Len() > 0 {
		t.Sources = Sources{c.early.head, c.early.packed, list}
	} else {
		number = c.numbers[from]
	}
	kind, err := p.codecSteps(&t.Sources, base == nil && t.Sources.Len() == 1)
	if err != nil {
		return Task{}, fmt.Errorf("group %q: %w", c.name, err)
	}
	columns, err := p.columnarFiles(t.Sources)
	if err != nil {
		return Task{}, fmt.Errorf("group %q: %w", c.name, err)
	}
	if base != nil || t.Sources.Len() > 1 {
		t.merge = columns
	}
	if base != nil {
		return t.onto(base, strings.TrimPrefix(base.Output, p.destDir), p.opts.OutputCodec), nil
	}
	name := p.naming(c, t.Sources, kind, columns, number)
	for index := 0; ; index++ {
		t.Key = name.with(index)
		if taken.has(t.Key) {
			continue
		}
		taken.outputs[t.Key] = true
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
func (p *planner) naming(c *cluster, sources Sources, kind string, columns columnar, number int64) outputName {
	first := sources.First()
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
	if columns != "" {
		suffix = string(columns)
		if ext := path.Ext(stem); strings.EqualFold(ext, suffix) {
			suffix, stem = ext, strings.TrimSuffix(stem, ext)
		}
	}
	dir, _ := path.Split(first.Base)
	return outputName{dir + p.numbered(number, stem), suffix}
}

// codecSteps sets what happens to each file and returns the compression they have in common,
// or that of the output.
func (p *planner) codecSteps(files *Sources, alone bool) (kind string, err error) {
	first := files.First()
	kind, _ = compression(first.Key)
	for i, s := range files.All() {
		if s.Key == "" {
			return "", s.lost
		}
		other, _ := compression(s.Key)
		way, err := p.opts.OutputCodec.stepFor(other, alone)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.Base, err)
		}
		files.setStep(i, way)
		if other != kind && p.opts.OutputCodec == CodecKeep {
			return "", fmt.Errorf("%s and %s are compressed in different ways and cannot be put together as they are: %w",
				first.Base, s.Base, errMixed)
		}
		if other != kind {
			kind = string(p.opts.OutputCodec)
		}
	}
	return kind, nil
}

// stepOf is what happens to one of several files. That of one that cannot be put together with others does not count.
func (p *planner) stepOf(key string) step {
	kind, _ := compression(key)
	way, _ := p.opts.OutputCodec.stepFor(kind, false) // codecSteps tells the error
	return way
}

// isSuffix reports whether a suffix stands for that compression.
func isSuffix(suffix, kind string) bool {
	other, _ := compression("x" + suffix)
	return other == kind
}

var errMixed = errors.New("choose an output codec, or a srcPattern that selects one kind")

// commonSuffix is the suffix that the files have in common below that of their compression.
func commonSuffix(files Sources) string {
	common := ""
	for i, s := range files.All() {
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
