package javaregex

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// set is a set of characters: ranges with both ends included, in order and apart once tidied.
type set []interval

type interval struct{ lo, hi rune }

func single(r rune) set { return set{{r, r}} }

// chars is the set of the characters of s, read as pairs of range ends: "azAZ".
func pairs(s string) set {
	rs := []rune(s)
	var out set
	for i := 0; i+1 < len(rs); i += 2 {
		out = append(out, interval{rs[i], rs[i+1]})
	}
	return out.tidy()
}

func fromTable(t *unicode.RangeTable) set {
	var out set
	for _, r := range t.R16 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			if r.Stride == 1 {
				out = append(out, interval{rune(r.Lo), rune(r.Hi)})
				break
			}
			out = append(out, interval{c, c})
		}
	}
	for _, r := range t.R32 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			if r.Stride == 1 {
				out = append(out, interval{rune(r.Lo), rune(r.Hi)})
				break
			}
			out = append(out, interval{c, c})
		}
	}
	return out.tidy()
}

// tidy sorts the ranges and joins those that touch.
func (s set) tidy() set {
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b interval) int { return cmp.Compare(a.lo, b.lo) })
	out := s[:0]
	for _, r := range s {
		if n := len(out); n > 0 && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

func (s set) union(t set) set { return append(slices.Clone(s), t...).tidy() }

// collector is the union of sets that come one after the other, which is tidied now and then.
type collector struct {
	set  set
	tidy int // how many ranges there were when it was tidied last
}

func (c *collector) add(s set) {
	const few = 1000
	if c.set = append(c.set, s...); len(c.set) > 2*c.tidy+few {
		c.set = c.set.tidy()
		c.tidy = len(c.set)
	}
}

func (s set) negate() set {
	var out set
	next := rune(0)
	for _, r := range s.tidy() {
		if r.lo > next {
			out = append(out, interval{next, r.lo - 1})
		}
		next = r.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, interval{next, unicode.MaxRune})
	}
	return out
}

func (s set) intersect(t set) set { return s.negate().union(t.negate()).negate() }

// fold adds the other case of every ASCII letter.
func (s set) fold() set {
	out := slices.Clone(s)
	for _, r := range s {
		if lo, hi := max(r.lo, 'a'), min(r.hi, 'z'); lo <= hi {
			out = append(out, interval{lo - 32, hi - 32})
		}
		if lo, hi := max(r.lo, 'A'), min(r.hi, 'Z'); lo <= hi {
			out = append(out, interval{lo + 32, hi + 32})
		}
	}
	return out.tidy()
}

// String prints the set as a class that both engines read alike.
func (s set) String() string {
	s = s.tidy()
	switch {
	case len(s) == 0:
		return `[^\x00-` + string(unicode.MaxRune) + `]`
	case len(s) == 1 && s[0].lo == s[0].hi:
		return plain(s[0].lo)
	}
	var b strings.Builder
	b.WriteByte('[')
	for _, r := range s {
		b.WriteString(plain(r.lo))
		if r.hi > r.lo {
			b.WriteByte('-')
			b.WriteString(plain(r.hi))
		}
	}
	b.WriteByte(']')
	return b.String()
}

// plain prints one character so that it means itself, inside a class and outside.
func plain(r rune) string {
	switch {
	case '0' <= r && r <= '9', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r >= 0x80 && unicode.IsPrint(r):
		return string(r)
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return string(r)
}

// The classes that Java names by one letter, and its POSIX classes: ASCII only.
var (
	digits     = pairs("09")
	word       = pairs("azAZ09__")
	space      = pairs("\t\r  ")
	horizontal = pairs("\t\t  \u00a0\u00a0\u1680\u1680\u180e\u180e\u2000\u200a\u202f\u202f\u205f\u205f\u3000\u3000")
	vertical   = pairs("\n\r\u0085\u0085\u2028\u2029")
	noNewline  = pairs("\n\n\r\r\u0085\u0085\u2028\u2029").negate()
	anything   = set{{0, unicode.MaxRune}}
)

func byLetter(c byte) (set, bool) {
	classes := map[byte]set{'d': digits, 'w': word, 's': space, 'h': horizontal, 'v': vertical}
	if s, ok := classes[c]; ok {
		return s, true
	}
	if s, ok := classes[c|0x20]; ok {
		return s.negate(), true
	}
	return nil, false
}

// byProperty is the class of \p{name}.
func byProperty(name string) (set, bool) {
	switch name {
	case "Lower":
		return pairs("az"), true
	case "Upper":
		return pairs("AZ"), true
	case "ASCII":
		return pairs("\x00\x7f"), true
	case "Alpha":
		return pairs("azAZ"), true
	case "Digit":
		return digits, true
	case "Alnum":
		return pairs("azAZ09"), true
	case "Punct":
		return pairs("!/:@[`{~"), true
	case "Graph":
		return pairs("!~"), true
	case "Print":
		return pairs(" ~"), true
	case "Blank":
		return pairs("\t\t  "), true
	case "Cntrl":
		return pairs("\x00\x1f\x7f\x7f"), true
	case "XDigit":
		return pairs("09afAF"), true
	case "Space":
		return space, true
	case "IsAlphabetic":
		return fromTable(unicode.L).union(fromTable(unicode.Nl)).union(fromTable(unicode.Other_Alphabetic)), true
	case "IsDigit":
		return fromTable(unicode.Nd), true
	case "IsUppercase":
		return fromTable(unicode.Lu).union(fromTable(unicode.Other_Uppercase)), true
	case "IsLowercase":
		return fromTable(unicode.Ll).union(fromTable(unicode.Other_Lowercase)), true
	case "IsPunctuation":
		return fromTable(unicode.P), true
	case "IsWhite_Space":
		return fromTable(unicode.White_Space), true
	}
	for _, prefix := range []string{"general_category=", "gc=", "script=", "sc=", "Is"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if t, ok := unicode.Categories[name]; ok {
		return fromTable(t), true
	}
	if t, ok := unicode.Scripts[name]; ok {
		return fromTable(t), true
	}
	return nil, false
}
