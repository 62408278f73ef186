package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/copy/internal/spill"
	"github.com/skepdata/skep/internal/javaregex"
	"github.com/skepdata/skep/storage"
)

// Task is one output of a job: what it is made of, and where it goes.
type Task struct {
	Sources Sources // in the order in which they are put together
	Key     string  // relative to the destination
	Skip    bool    // it is not to be made: it is there, or something says that it was copied
	Reason  Reason  // why it is to be made, or skipped

	merge  columnar // what the sources are that are to be merged
	base   *record  // the output to which it is appended, which is then the first of Sources
	held   bool     // of Skip: the sources are in the output, by their contents
	output string   // of Skip: URL of what holds the sources, as a manifest has it
	group  string   // what the groups of the sources give
	index  int      // in the name of the output of a group
	open   int64    // how many sources are counted as being in work

	there *storage.Object // what the destination has under its name, if Options.Sync wants to know
	check bool            // the contents must be compared before it is copied or skipped
}

// Source is an object to copy.
type Source struct {
	storage.Object
	Base string // its name relative to the source, which is also how manifests know it

	step step
	kept bool  // it is not of the source, but the output that is appended to
	lost error // why something on a list to copy cannot be
}

// fresh are the sources but for an output that is appended to.
func (t Task) fresh() Sources {
	if t.base != nil {
		return t.Sources.without()
	}
	return t.Sources
}

// Size is the sum of the sizes of the sources in bytes.
func (t Task) Size() int64 {
	return t.Sources.Size()
}

// raw reports whether the output is the bytes of the sources as they are.
func (t Task) raw() bool {
	if t.merge != "" {
		return false
	}
	return !slices.ContainsFunc(t.Sources.ways(), func(s step) bool { return s != step{} })
}

// Plan lists src and yields the tasks of a job, in the order of their (first) sources' keys.
// It reads listings and manifests only. Without GroupBy it streams; with it, files that are too many for memory
// are kept in temporary files meanwhile, and tasks of many files are whole only until the sequence ends. The first
// error ends it.
//
// An s3:// source is a prefix: s3://b/log stands for all keys that begin with "log". Its keys come in
// the order of their names relative to it; of two with one name, log/a and loga, the first is copied
// and the other fails. Any other source is a directory, or one object. Keys ending in a slash, which stand for directories in
// some tools, are not objects to copy.
func Plan(ctx context.Context, src storage.Location, opts Options) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		p, err := newPlanner(src, opts)
		if err != nil {
			yield(Task{}, err)
			return
		}
		defer p.aside.Close() //nolint:errcheck // the files are gone in any case
		for t, err := range p.tasks(ctx) {
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

// planner is one reading of a plan.
type planner struct {
	src          storage.Location
	opts         Options
	match, group *javaregex.Regexp
	filter       *filter
	sync         *syncing              // nil if the destination does not matter
	versions     storage.VersionLister // nil if none are asked for
	patternURL   string
	previous     map[string]previousEntry
	// For Compare: every source is a directory, and the patterns see names as if below this URL.
	below string
	// inPlace, if not nil, is the directory of the source's bucket into which the job groups:
	// outputs must not replace sources.
	inPlace *string
	// occupied, if not nil, tells whether the destination has an output of that name already,
	// which must not be replaced.
	occupied func(ctx context.Context, key string) (bool, error)
	// farNames says that to ask it takes long, and foreseen asks it then, and otherwise.
	farNames bool
	foreseen *foresight
	// arrived tells whether that output is one of an earlier run, which the ledger had missed till now.
	arrived func(ctx context.Context, key string) (bool, error)
	// ofServer says that a server copies alone.
	ofServer bool
	// ignored, if not nil, is told of what the source has that can be no object and would be selected.
	ignored func(storage.Ignored)
	found   func()       // if not nil, is told of each file before anything is selected
	ledger  *ledger      // of a job that groups
	aside   *spill.Store // of sources of outputs that have many
	destDir string       // prefix of the outputs in the destination's bucket, which ledgers know
}

func newPlanner(src storage.Location, opts Options) (*planner, error) {
	match, group, err := opts.compile()
	if err != nil {
		return nil, err
	}
	p := &planner{src: src, opts: opts, match: match, group: group, patternURL: opts.PatternURL, aside: spill.NewStore("")}
	if p.filter, err = opts.Filter.compile(); err != nil {
		return nil, err
	}
	if p.patternURL == "" {
		p.patternURL = src.URL()
	}
	return p, p.openVersions()
}

func (p *planner) tasks(ctx context.Context) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		if p.opts.PreviousManifest.Bucket != nil && !p.opts.CopyFromManifest {
			var err error
			if p.previous, err = readPrevious(ctx, p.opts); err != nil {
				yield(Task{}, err)
				return
			}
		}
		if p.group != nil {
			p.grouped(ctx, yield)
			return
		}
		if p.sync != nil {
			p.synced(ctx, yield)
			return
		}
		p.single(ctx, yield)
	}
}

// single yields a task for each file.
func (p *planner) single(ctx context.Context, yield func(Task, error) bool) {
	number := p.opts.StartingIndex
	var names clashes
	var numbers numbering
	for s, err := range p.files(ctx) {
		if err == nil {
			kind, _ := compression(s.Key)
			s.step, err = p.opts.OutputCodec.stepFor(kind, true)
		}
		if err == nil && s.lost == nil && p.opts.OutputCodec != CodecKeep && !p.opts.NumberFiles {
			err = names.add(s.Base, p.opts.OutputCodec.rename(s.Base))
		}
		if err != nil {
			yield(Task{}, p.about(s, err))
			return
		}
		dir, name := path.Split(s.Base)
		name = p.opts.OutputCodec.rename(name)
		if p.opts.NumberFiles && s.lost == nil {
			if clash := numbers.add(dir, number, name); clash != nil {
				s.lost = &storage.Error{Op: "copy", URL: p.src.Bucket.URL() + s.Key, Err: clash}
			}
		}
		t := Task{Sources: SourcesOf(s), Key: dir + p.numbered(number, name), Reason: ReasonAll}
		p.skipUnchanged(&t)
		number++
		if !yield(t, nil) {
			return
		}
	}
}

// about names the source that an error of the planner's own is about.
func (p *planner) about(s Source, err error) error {
	var known *storage.Error
	if s.Key == "" || errors.As(err, &known) {
		return err
	}
	return fmt.Errorf("plan %s: %w", p.src.Bucket.URL()+s.Key, err)
}

func (p *planner) numbered(n int64, name string) string {
	if !p.opts.NumberFiles {
		return name
	}
	return strconv.FormatInt(n, 10) + name
}

// files yields what is to be copied, in the order of the listing or of the manifest.
func (p *planner) files(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		var names namesakes
		listed := listedNames{apart: p.group != nil || p.opts.NumberFiles}
		for s, err := range p.candidates(ctx) {
			selected := true
			if err == nil {
				selected, err = p.selects(s)
			}
			if !selected && err == nil {
				continue
			}
			if err == nil && p.opts.CopyFromManifest && listed.add(p, &s) {
				continue
			}
			if err == nil && p.group == nil && !p.opts.NumberFiles {
				names.add(p, &s)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// candidates yields what the source has, or what is said of it, before anything is selected.
func (p *planner) candidates(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		for s, err := range p.everything(ctx) {
			if err == nil && p.found != nil {
				p.found()
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// everything is candidates, uncounted.
func (p *planner) everything(ctx context.Context) iter.Seq2[Source, error] {
	switch {
	case p.opts.CopyFromManifest:
		return p.fromManifest(ctx)
	case p.opts.VersionID != "":
		return p.oneVersion(ctx)
	case p.opts.SrcList != nil:
		return p.fromList(ctx)
	case p.opts.Objects != nil:
		return p.given(ctx)
	}
	if p.ignored != nil {
		ctx = storage.WithIgnored(ctx, p.ignore)
	}
	return p.listed(ctx)
}

// ignore passes on what is selected of what a listing has left out, or may be: what a directory has
// that could not be listed nobody knows.
func (p *planner) ignore(i storage.Ignored) {
	s := Source{Object: i.Object, Base: baseName(p.src.Prefix, i.Key)}
	if i.Err != nil {
		if !p.filter.excludesBelow(s.Base) {
			p.ignored(i)
		}
		return
	}
	if ok, err := p.selects(s); ok && err == nil {
		p.ignored(i)
	}
}

// patternText is the URL of a source as the patterns see it.
func (p *planner) patternText(s Source) string {
	if p.below != "" {
		return p.below + s.Base
	}
	if rest, ok := strings.CutPrefix(s.Key, p.src.Prefix); ok {
		return p.patternURL + rest
	}
	return p.src.Bucket.URL() + s.Key
}

// listed yields every object of the source, or of those of its prefixes that are to be listed.
func (p *planner) listed(ctx context.Context) iter.Seq2[Source, error] {
	if p.opts.Dirs != nil && p.opts.AsOf.IsZero() {
		return p.listDirs(ctx)
	}
	return func(yield func(Source, error) bool) {
		for _, prefix := range p.prefixes() {
			for s, err := range p.listPrefix(ctx, prefix) {
				if !yield(s, err) || err != nil {
					return
				}
			}
		}
	}
}

// prefixes are what to list, in order and apart.
func (p *planner) prefixes() []string {
	if len(p.opts.SrcPrefixes) == 0 {
		return []string{p.src.Prefix}
	}
	all := make([]string, len(p.opts.SrcPrefixes))
	for i, prefix := range p.opts.SrcPrefixes {
		all[i] = directory(p.src.Prefix) + strings.TrimPrefix(prefix, "/")
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(p.within(a), p.within(b)) })
	var apart []string
	for _, prefix := range all {
		if n := len(apart); n == 0 || !strings.HasPrefix(p.within(prefix), p.within(apart[n-1])) {
			apart = append(apart, prefix)
		}
	}
	return apart
}

// within is what the keys begin with that a prefix to list stands for.
func (p *planner) within(prefix string) string {
	if isFlat(p.src.Bucket) {
		return prefix
	}
	return directory(prefix)
}

func (p *planner) listPrefix(ctx context.Context, prefix string) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		if (p.below != "" || !isFlat(p.src.Bucket)) && prefix != "" && !strings.HasSuffix(prefix, "/") {
			o, err := p.src.Bucket.Stat(ctx, prefix)
			if err == nil && isFlat(p.src.Bucket) { // it may be an object, and a directory
				var below bool
				below, err = p.hasAny(ctx, prefix+"/")
				if below {
					err = storage.ErrNotExist
				}
			}
			switch {
			case err == nil:
				yield(Source{Object: o, Base: baseName(p.src.Prefix, prefix)}, nil)
				return
			case !errors.Is(err, storage.ErrNotExist):
				yield(Source{}, err)
				return
			}
			prefix += "/"
		}
		listed := p.list(ctx, prefix)
		if prefix == p.src.Prefix && p.endsWithinName() && p.group == nil {
			listed = p.listWithin(ctx)
		}
		for o, err := range listed {
			if err != nil {
				yield(Source{}, err)
				return
			}
			if strings.HasSuffix(o.Key, "/") || !p.opts.Records && isState(o.Key) {
				continue
			}
			if !yield(Source{Object: o, Base: baseName(p.src.Prefix, o.Key)}, nil) {
				return
			}
		}
	}
}

// hasAny reports whether there are objects whose keys begin so.
func (p *planner) hasAny(ctx context.Context, prefix string) (bool, error) {
	for _, err := range p.list(ctx, prefix) {
		return err == nil, err
	}
	return false, nil
}

// isFlat reports whether URLs of b name prefixes rather than directories, as S3DistCp has it.
func isFlat(b storage.Bucket) bool { return strings.HasPrefix(b.URL(), "s3://") }

// baseName is key relative to the source prefix. A key that is the prefix keeps its last name.
func baseName(prefix, key string) string {
	base := strings.TrimPrefix(key, prefix)
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		base = strings.TrimPrefix(base, "/")
	}
	if base == "" {
		return path.Base(key)
	}
	return base
}

// directory is the prefix of the keys below a destination.
func directory(prefix string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix
	}
	return prefix + "/"
}

// clashes finds files that would get one name when their compression suffixes change. All
// names that map to X, and everything between them in a listing, begin with X without its
// suffix, so it only has to remember those that the latest name begins with.
type clashes struct {
	stack []struct{ stem, name, output string }
}

func (c *clashes) add(name, output string) error {
	n := len(c.stack)
	for n > 0 && !strings.HasPrefix(name, c.stack[n-1].stem) {
		n--
	}
	c.stack = c.stack[:n]
	for _, other := range c.stack {
		if other.output == output {
			return fmt.Errorf("it and %s would both become %s", other.name, output)
		}
	}
	_, suffix := compression(name)
	stem := strings.TrimSuffix(name, suffix)
	c.stack = append(c.stack, struct{ stem, name, output string }{stem, name, output})
	return nil
}
