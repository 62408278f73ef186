package hiveqltest

import (
	"fmt"
	"strings"
)

// block is one block of a file.
type block struct {
	line      int    // of its first line, from 1
	kind      string // "ok", "error", "query", "file", "foreach", "endloop", or "" for comments
	head      string // the first line
	args      []string
	text      string // the statement, or the content of a file
	want      []string
	hasWant   bool
	rewritten []string // what want should be
}

// parse cuts a file into blocks.
func parse(name, src string) ([]*block, error) {
	var blocks []*block
	lines := strings.Split(strings.TrimRight(src, "\n"), "\n")
	for i := 0; i < len(lines); {
		if lines[i] == "" {
			i++
			continue
		}
		start := i
		for i < len(lines) && lines[i] != "" {
			i++
		}
		b, err := parseBlock(lines[start:i])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, start+1, err)
		}
		b.line = start + 1
		blocks = append(blocks, b)
	}
	return blocks, nil
}

func parseBlock(lines []string) (*block, error) {
	b := &block{}
	var comments []string
	for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
		comments = append(comments, lines[0])
		lines = lines[1:]
	}
	b.head = strings.Join(comments, "\n")
	if len(lines) == 0 {
		return b, nil
	}
	if len(comments) > 0 {
		b.head += "\n"
	}
	b.head += lines[0]
	words := strings.Fields(lines[0])
	if len(words) == 0 {
		return nil, fmt.Errorf("a line of nothing but blanks")
	}
	body := lines[1:]
	switch words[0] {
	case "statement":
		if len(words) != 2 || words[1] != "ok" && words[1] != "error" {
			return nil, fmt.Errorf("want statement ok or statement error, not %q", lines[0])
		}
		b.kind = words[1]
	case "query":
		if len(words) < 2 || len(words) == 3 && words[2] != "rowsort" && words[2] != "nosort" || len(words) > 3 {
			return nil, fmt.Errorf("want query KINDS [rowsort|nosort], not %q", lines[0])
		}
		b.kind, b.args = "query", words[1:]
	case "file", "foreach", "endloop":
		b.kind, b.args = words[0], words[1:]
	default:
		return nil, fmt.Errorf("unknown block %q", words[0])
	}
	for i, l := range body {
		if l == "----" {
			b.want, b.hasWant = body[i+1:], true
			body = body[:i]
			break
		}
	}
	b.text = strings.Join(body, "\n")
	switch {
	case b.kind == "file" && len(b.args) != 1:
		return nil, fmt.Errorf("want file URL")
	case b.kind == "foreach" && len(b.args) < 2:
		return nil, fmt.Errorf("want foreach NAME and one or more words")
	case b.kind == "ok" && b.hasWant:
		return nil, fmt.Errorf("statement ok expects nothing; use query")
	case b.kind == "error" && !b.hasWant:
		return nil, fmt.Errorf("statement error needs the expected text after ----")
	}
	return b, nil
}

// format writes blocks back as a file.
func format(blocks []*block) string {
	var out strings.Builder
	for i, b := range blocks {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(b.head + "\n")
		if b.text != "" {
			out.WriteString(b.text + "\n")
		}
		want := b.want
		if b.rewritten != nil {
			want = b.rewritten
		}
		if b.kind == "query" || b.kind == "error" {
			out.WriteString("----\n")
			for _, l := range want {
				out.WriteString(l + "\n")
			}
		}
	}
	return out.String()
}
