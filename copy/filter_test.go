package copier

import (
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

func TestFilterTimes(t *testing.T) {
	noon := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		filter Filter
		at     time.Time
		want   bool
	}{
		{Filter{NewerThan: noon}, noon.Add(1), true},
		{Filter{NewerThan: noon}, noon, false},
		{Filter{OlderThan: noon}, noon.Add(-1), true},
		{Filter{OlderThan: noon}, noon, false},
		{Filter{NewerThan: noon, OlderThan: noon.Add(time.Hour)}, noon.Add(time.Minute), true},
		{Filter{NewerThan: noon, OlderThan: noon.Add(time.Hour)}, noon.Add(2 * time.Hour), false},
	} {
		f, err := c.filter.compile()
		if err != nil {
			t.Fatal(err)
		}
		if got := f.selects(storage.Object{ModTime: c.at}); got != c.want {
			t.Errorf("%+v selects %s: %v", c.filter, c.at, got)
		}
	}
	if _, err := (Filter{NewerThan: noon, OlderThan: noon}).compile(); err == nil {
		t.Error("an empty interval is accepted")
	}
}

// slowMatch is what a glob means, word for word.
func slowMatch(g glob, name []rune) bool {
	if len(g) == 0 {
		return len(name) == 0
	}
	if !g[0].star {
		return len(name) > 0 && g[0].matches(name[0]) && slowMatch(g[1:], name[1:])
	}
	for i := 0; i <= len(name); i++ {
		if slowMatch(g[1:], name[i:]) {
			return true
		}
	}
	return false
}

func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"*.csv", "a/b.csv"}, {"a*b*c", "abbcabc"}, {"[a-c]?*", "bx"}, {"[!]]", "]"}, {"*[*]*", "a*"}, {`\*`, "*"},
		{"**", ""}, {"?", "\xff"}, {"日*語", "日本語"}, {"[]-a]", "^"}, {"[^a]", "b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g, err := parseGlob(pattern)
		if err != nil || len(g) > 12 || len(name) > 30 {
			return
		}
		if got, want := g.match(name), slowMatch(g, []rune(name)); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
	})
}

// A pattern made to be slow is not.
func TestGlobIsNotExponential(t *testing.T) {
	g, err := parseGlob(strings.Repeat("*a", 200) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if g.match(strings.Repeat("a", 20_000)) {
		t.Error("it matches")
	}
}
