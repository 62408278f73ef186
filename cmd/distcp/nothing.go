package main

import (
	"fmt"
	"io"
	"strings"

	copier "github.com/skepdata/skep/copy"
)

// explainNothing says why a copy that has succeeded had nothing to do, which is a mistyped name or
// expression as often as not.
func (c *copyFlags) explainNothing(out io.Writer, src string, sum copier.Summary) {
	if sum.Objects+sum.Skipped+sum.Failed > 0 {
		return
	}
	why := "there is nothing at " + printable(src)
	switch {
	case sum.Found > 0:
		why = fmt.Sprintf("%s found, and %s none", count(sum.Found, "file"), c.selecting())
	case c.where != nil:
		why = "--where selects no directory of " + printable(src)
	case c.prefixesFile != "":
		why = "there is nothing below the prefixes that " + printable(c.prefixesFile) + " names"
	case c.opts.CopyFromManifest:
		why = "the manifest " + printable(c.previousManifest) + " lists nothing"
	case c.srcList != "" || c.srcList0 != "":
		list := "the list " + printable(c.srcList+c.srcList0)
		if c.srcList+c.srcList0 == "-" {
			list = "standard input"
		}
		why = list + " names nothing"
	}
	if sum.Found == 0 && strings.ContainsAny(c.src, "*?") {
		why += " (" + noWildcards + ")"
	}
	fmt.Fprintf(out, "distcp: nothing to copy: %s\n", why)
}

// explainUnseen says of which keys of --where no directory was seen: a mistyped name, as often as not.
func (c *copyFlags) explainUnseen(out io.Writer) {
	if c.where == nil {
		return
	}
	if keys := c.where.unseen(); len(keys) > 0 {
		fmt.Fprintf(out, "distcp: --where: no directory that was looked at has the key %s\n", strings.Join(keys, ", "))
	}
}

// selecting are the options that leave files out, as the subject of a sentence.
func (c *copyFlags) selecting() string {
	var flags []string
	for _, f := range []struct {
		flag string
		used bool
	}{
		{"--srcPattern", c.opts.SrcPattern != ""},
		{"--groupBy", c.opts.GroupBy != ""},
		{"--include and --exclude", len(c.rules) > 0},
		{"--filters", c.filters != ""},
		{"--where", c.where != nil},
		{"--min-size and --max-size", c.minSize+c.maxSize != ""},
		{"--newer-than and --older-than", c.newerThan+c.olderThan != ""},
	} {
		if f.used {
			flags = append(flags, f.flag)
		}
	}
	text, verb := strings.Join(flags, ", "), "select"
	if len(flags) == 1 && !strings.Contains(text, " and ") {
		verb = "selects"
	}
	if c.opts.SrcPattern+c.opts.GroupBy != "" {
		text += " (which must match the whole URL, as '.*/name' does)"
	}
	return text + " " + verb
}
