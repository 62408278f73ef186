package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// mostOfLine is the width of prose in the pages, in characters, so that they can be read, and compared, as they are.
// Rows of tables and blocks of code are as wide as they have to be.
const mostOfLine = 120

func TestWidths(t *testing.T) {
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md"} {
		pages, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(pages) == 0 {
			t.Fatal(pages, err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			code := false
			for i, line := range strings.Split(string(text), "\n") {
				if strings.HasPrefix(strings.TrimSpace(line), "```") {
					code = !code
				}
				if n := utf8.RuneCountInString(line); n > mostOfLine && !code && !strings.HasPrefix(line, "|") {
					t.Errorf("%s:%d has %d characters, more than %d: break it", page, i+1, n, mostOfLine)
				}
			}
		}
	}
}
