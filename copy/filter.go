package copier

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/internal/javaregex"
	"github.com/skepdata/skep/storage"
)

// Filter selects sources by their names, sizes and times, besides Options.SrcPattern: a source is
// copied if each of its conditions holds. The zero value selects everything.
type Filter struct {
	// Rules are globs in order, of which the last that matches a name decides. A name that none
	// matches is selected if the first rule excludes, and left out if the first rule includes.
	Rules []Rule
	// ExcludePatterns are Java regular expressions. A source of which one matches the whole URL
	// is left out.
	ExcludePatterns []string
	// MinSize and MaxSize are the sizes in bytes, inclusive. MaxSize 0 is no limit.
	MinSize, MaxSize int64
	// NewerThan and OlderThan leave out what was not modified after, or before, that time. The
	// zero time is no limit.
	NewerThan, OlderThan time.Time
}

// Rule is one glob of a Filter. It is matched against the whole name relative to the source: '*'
// is any text, with slashes; '?' is one character; '[a-z]' and '[!a-z]' are one character that is
// and is not in the class; a backslash takes the meaning away from what follows.
type Rule struct {
	Glob    string
	Exclude bool
}

// filter is a compiled Filter.
type filter struct {
	Filter
	globs    []glob
	patterns []*javaregex.Regexp
}

func (f Filter) compile() (*filter, error) {
	c := &filter{Filter: f}
	for _, r := range f.Rules {
		g, err := parseGlob(r.Glob)
		if err != nil {
			option := "Include"
			if r.Exclude {
				option = "Exclude"
			}
			return nil, &OptionError{option, err}
		}
		c.globs = append(c.globs, g)
	}
	for _, p := range f.ExcludePatterns {
		re, err := compilePattern("Filters", p)
		if err != nil {
			return nil, err
		}
		if re != nil {
			c.patterns = append(c.patterns, re)
		}
	}
	switch {
	case f.MinSize < 0:
		return nil, &OptionError{"MinSize", errors.New("is negative")}
	case f.MaxSize < 0:
		return nil, &OptionError{"MaxSize", errors.New("is negative")}
	case f.MaxSize > 0 && f.MinSize > f.MaxSize:
		return nil, &OptionError{"MinSize", fmt.Errorf("%d bytes is more than the greatest size, %d", f.MinSize, f.MaxSize)}
	case !f.NewerThan.IsZero() && !f.OlderThan.IsZero() && !f.NewerThan.Before(f.OlderThan):
		return nil, &OptionError{"NewerThan", errors.New("is not before the time of OlderThan; nothing could be copied")}
	}
	return c, nil
}

// timed reports whether the filter needs to know when objects were modified.
func (f Filter) timed() bool { return !f.NewerThan.IsZero() || !f.OlderThan.IsZero() }

// selects reports whether the filter lets pass an object of that size and time.
func (f *filter) selects(o storage.Object) bool {
	return o.Size >= f.MinSize && (f.MaxSize == 0 || o.Size <= f.MaxSize) &&
		(f.NewerThan.IsZero() || o.ModTime.After(f.NewerThan)) &&
		(f.OlderThan.IsZero() || o.ModTime.Before(f.OlderThan))
}

// selectsName reports whether the filter lets pass an object that has a name relative to the source and, for the
// patterns, a URL.
func (f *filter) selectsName(name, url string) (bool, error) {
	if !f.allows(name) {
		return false, nil
	}
	for _, re := range f.patterns {
		if _, ok, err := re.Match(url); ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// selects reports whether a source is to be copied. What is on a list and cannot be is selected, whatever its size and
// its time would have been, so that it is reported.
func (p *planner) selects(s Source) (bool, error) {
	if s.lost == nil && !p.filter.selects(s.Object) {
		return false, nil
	}
	return p.selectsName(s)
}

// selectsName reports whether a source is to be copied as far as its name says.
func (p *planner) selectsName(s Source) (bool, error) {
	if p.opts.Dirs != nil && !p.opts.Dirs.holds(s.Base) {
		return false, nil
	}
	url := p.patternText(s)
	if p.match != nil {
		if _, ok, err := p.match.Match(url); !ok || err != nil {
			return false, err
		}
	}
	return p.filter.selectsName(s.Base, url)
}

// checkSelection reports what cannot be combined to select sources.
func (o Options) checkSelection() error {
	switch {
	case o.SrcList != nil && o.CopyFromManifest:
		return &OptionError{"SrcList", errors.New("and CopyFromManifest are two lists of what to copy; choose one")}
	case o.SrcList != nil && len(o.SrcPrefixes) > 0:
		return &OptionError{"SrcList", errors.New("and SrcPrefixes are two ways to say what to look at; choose one")}
	case o.CopyFromManifest && o.Filter.timed():
		return &OptionError{"CopyFromManifest", errors.New("does not tell when the files were modified, which NewerThan and OlderThan need")}
	case o.Objects != nil && (o.SrcList != nil || len(o.SrcPrefixes) > 0 || o.CopyFromManifest || o.Dirs != nil || o.ofVersions()):
		return &OptionError{"Objects", errors.New("are all that is to be copied; nothing else can say what to look at")}
	case o.Objects != nil && (o.Sync.active() || o.GroupBy != ""):
		return &OptionError{"Objects", errors.New("come in any order, and are copied one by one: there is nothing to group or to compare")}
	case o.Objects != nil && o.JobRetries > 0:
		return &OptionError{"Objects", errors.New("are read once, so that the job cannot be tried again")}
	}
	_, err := o.Filter.compile()
	return err
}

// allows reports whether the rules select a name.
func (f *filter) allows(name string) bool {
	if len(f.Rules) == 0 {
		return true
	}
	for i := len(f.globs) - 1; i >= 0; i-- {
		if f.globs[i].match(name) {
			return !f.Rules[i].Exclude
		}
	}
	return f.Rules[0].Exclude
}

// excludesBelow reports whether the rules are sure to leave out all names that begin with dir, which
// ends in a slash: the last of them matches whatever follows.
func (f *filter) excludesBelow(dir string) bool {
	for i := len(f.globs) - 1; i >= 0 && f.Rules[i].Exclude; i-- {
		if g := f.globs[i]; g[len(g)-1].star && g.match(dir) {
			return true
		}
	}
	return false
}

// glob is a pattern as a sequence of items, each one character or a star.
type glob []globItem

type globItem struct {
	star   bool
	not    bool
	ranges [][2]rune // the characters it stands for
}

var anyRune = [][2]rune{{0, utf8.MaxRune}}

func parseGlob(text string) (glob, error) {
	var g glob
	if text == "" {
		return nil, errors.New("the pattern is empty")
	}
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch r {
		case '*':
			if n := len(g); n == 0 || !g[n-1].star {
				g = append(g, globItem{star: true})
			}
		case '?':
			g = append(g, globItem{ranges: anyRune})
		case '[':
			item, after, ok := parseClass(rest)
			if !ok {
				return nil, fmt.Errorf("%q: the class that begins at byte %d has no end; write \\[ for the character",
					text, len(text)-len(rest)-1)
			}
			g = append(g, item)
			rest = after
		case '\\':
			if rest == "" {
				return nil, fmt.Errorf("%q: there is nothing after the last backslash", text)
			}
			r, size = utf8.DecodeRuneInString(rest)
			rest = rest[size:]
			fallthrough
		default:
			g = append(g, globItem{ranges: [][2]rune{{r, r}}})
		}
	}
	return g, nil
}

// parseClass parses what follows a bracket. A closing bracket that comes first, and a hyphen that
// comes first or last, stand for themselves.
func parseClass(text string) (item globItem, rest string, ok bool) {
	if after, negated := strings.CutPrefix(text, "!"); negated {
		item.not, text = true, after
	} else if after, negated := strings.CutPrefix(text, "^"); negated {
		item.not, text = true, after
	}
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		if runes[i] == ']' && i > 0 {
			return item, string(runes[i+1:]), true
		}
		low, high := runes[i], runes[i]
		if i+2 < len(runes) && runes[i+1] == '-' && runes[i+2] != ']' {
			high = runes[i+2]
			i += 2
		}
		item.ranges = append(item.ranges, [2]rune{low, high})
	}
	return item, "", false
}

func (i globItem) matches(r rune) bool {
	for _, span := range i.ranges {
		if span[0] <= r && r <= span[1] {
			return !i.not
		}
	}
	return i.not
}

// match reports whether the glob matches all of name, in time of the product of their lengths at
// most: only the last star met is ever reconsidered.
func (g glob) match(name string) bool {
	at, star := 0, -1 // the item to match next, and the star to come back to
	var resume string // what remains when that star takes one character more
	for rest := name; ; {
		switch {
		case at < len(g) && g[at].star:
			star, resume = at, rest
			at++
			continue
		case rest == "" && at == len(g):
			return true
		case rest != "" && at < len(g):
			if r, size := utf8.DecodeRuneInString(rest); g[at].matches(r) {
				at, rest = at+1, rest[size:]
				continue
			}
		}
		if star < 0 || resume == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(resume)
		resume = resume[size:]
		at, rest = star+1, resume
	}
}
