package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/hiveql"
)

// completer completes the word before the cursor when Tab is pressed.
type completer struct {
	complete func(ctx context.Context, text string) hiveql.Completion
	out      io.Writer     // the terminal, where several candidates are listed
	before   func() string // the lines of the statement that were typed before this one
	width    func() int
}

// completionPatience bounds how long a metastore may be asked while somebody waits at the key.
const completionPatience = 2 * time.Second

// listedCandidates is how many candidates are shown at most.
const listedCandidates = 120

// key is the terminal's AutoCompleteCallback.
func (c *completer) key(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	typed := line[:pos]
	found := c.candidates(ctx, typed)
	if len(found.Candidates) == 0 {
		return line, pos, true
	}
	common := commonPrefix(found.Candidates)
	if len(found.Candidates) == 1 && !strings.HasSuffix(common, "(") {
		common += " "
	}
	if len(common) > len(found.Word) {
		start := pos - len(found.Word)
		return line[:start] + common + line[pos:], start + len(common), true
	}
	_, _ = io.WriteString(c.out, columns(found.Candidates, c.width()))
	return line, pos, true
}

func (c *completer) candidates(ctx context.Context, typed string) hiveql.Completion {
	if word, ok := strings.CutPrefix(strings.TrimLeft(typed, " "), "!"); ok && c.before() == "" {
		if !strings.Contains(word, " ") {
			found := hiveql.Completion{Word: word}
			for _, b := range beelineCommands() {
				if strings.HasPrefix(b.name, word) {
					found.Candidates = append(found.Candidates, b.name)
				}
			}
			return found
		}
		_, rest, _ := strings.Cut(word, " ")
		return c.complete(ctx, "DESCRIBE "+rest)
	}
	return c.complete(ctx, c.before()+typed)
}

// commonPrefix is what all candidates begin with, but for case.
func commonPrefix(list []string) string {
	prefix := list[0]
	for _, s := range list[1:] {
		n := 0
		for n < len(prefix) && n < len(s) && strings.EqualFold(prefix[n:n+1], s[n:n+1]) {
			n++
		}
		prefix = prefix[:n]
	}
	for !utf8.ValidString(prefix) {
		prefix = prefix[:len(prefix)-1]
	}
	return prefix
}

// columns lays candidates out as lines of equal columns.
func columns(list []string, width int) string {
	more := ""
	if len(list) > listedCandidates {
		more = fmt.Sprintf("... and %d more\n", len(list)-listedCandidates)
		list = list[:listedCandidates]
	}
	widest := 0
	for _, s := range list {
		widest = max(widest, utf8.RuneCountInString(s)+2)
	}
	perLine := max(1, width/widest)
	var b strings.Builder
	for i, s := range list {
		b.WriteString(s)
		if (i+1)%perLine == 0 || i == len(list)-1 {
			b.WriteByte('\n')
		} else {
			b.WriteString(strings.Repeat(" ", widest-utf8.RuneCountInString(s)))
		}
	}
	return b.String() + more
}
