package orcmerge

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/internal/orcfile"
)

// model is what the stripes of a file are to be read by.
type model struct {
	name       string // of the file
	properties []property
}

type property struct{ name, is string }

func modelOf(name string, t *orcfile.Tail) *model {
	f := t.Footer
	version := t.Version
	if len(version) == 0 { // which the oldest files do not say
		version = []uint32{0, 11}
	}
	calendar := "that of Hive before version 4"
	if f.Calendar == orcfile.CalendarProleptic {
		calendar = "proleptic"
	}
	return &model{name, []property{
		{"the compression", t.Codec.String()},
		{"the version of the format", strings.Trim(strings.ReplaceAll(fmt.Sprint(version), " ", "."), "[]")},
		{"the writer", writerName(f.Writer)},
		{"the version of the writer", fmt.Sprint(t.WriterVersion)},
		{"the calendar", calendar},
		{"the number of rows in an entry of the indexes", fmt.Sprint(f.Stride)},
	}}
}

// writerName is the program that has a number.
func writerName(n uint64) string {
	if names := strings.Fields("java c++ presto scritchley-go trino cudf"); n < uint64(len(names)) {
		return names[n]
	}
	return fmt.Sprintf("number %d", n)
}

// compare finds the first difference.
func (m *model) compare(o *model) error {
	for i, p := range m.properties {
		if other := o.properties[i]; p != other {
			return &DifferenceError{Property: p.name, First: m.name, FirstIs: p.is, Other: o.name, OtherIs: other.is}
		}
	}
	return nil
}

// sparkVersion is the only name of user metadata whose values may differ: nothing depends on it.
const sparkVersion = "org.apache.spark.version"

// userMetadata is that of several files, in the order in which it is found.
type userMetadata struct {
	entries []entry
	place   map[string]int // by name
}

type entry struct {
	orcfile.Pair
	file string // the first that has it
	out  bool   // is left out
}

func (u *userMetadata) add(file string, pairs []orcfile.Pair) error {
	for _, p := range pairs {
		at, ok := u.place[p.Name]
		if !ok {
			if u.place == nil {
				u.place = map[string]int{}
			}
			u.place[p.Name] = len(u.entries)
			u.entries = append(u.entries, entry{Pair: p, file: file})
			continue
		}
		switch e := &u.entries[at]; {
		case e.Value == p.Value:
		case p.Name == sparkVersion:
			e.out = true
		default:
			return &DifferenceError{Property: fmt.Sprintf("the user metadata %q", p.Name),
				First: e.file, FirstIs: short(e.Value), Other: file, OtherIs: short(p.Value)}
		}
	}
	return nil
}

// short is a value as an error shows it.
func short(s string) string {
	const most = 40
	if len(s) > most {
		return fmt.Sprintf("%q and %d more bytes", s[:most], len(s)-most)
	}
	return fmt.Sprintf("%q", s)
}

func (u *userMetadata) list() []orcfile.Pair {
	var list []orcfile.Pair
	for _, e := range u.entries {
		if !e.out {
			list = append(list, e.Pair)
		}
	}
	return list
}

// Look reads the end of a file and returns what is the same for files that can be joined: Merge takes files for which it
// is. That of a file of no bytes is empty: it can be joined with all.
func Look(in Input) (kind string, err error) {
	if in.Size == 0 {
		return "", nil
	}
	t, all, err := open(in)
	if err != nil {
		return "", nameInput(in, err)
	}
	var b strings.Builder
	for _, c := range all {
		fmt.Fprintf(&b, "%q %q\n", c.path, c.is)
	}
	for _, p := range modelOf("", t).properties {
		fmt.Fprintf(&b, "%q\n", p.is)
	}
	pairs := slices.DeleteFunc(t.Footer.Metadata, func(p orcfile.Pair) bool { return p.Name == sparkVersion })
	slices.SortFunc(pairs, func(a, b orcfile.Pair) int { return strings.Compare(a.Name, b.Name) })
	for _, p := range pairs {
		fmt.Fprintf(&b, "%q %q\n", p.Name, p.Value)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return string(sum[:]), nil
}
