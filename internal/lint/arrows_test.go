package lint

import (
	"os"
	"strings"
	"testing"
)

const module = "github.com/skepdata/skep"

// rule is one line of arrows.txt.
type rule struct {
	room  string
	below bool // the line ends in /... and holds for all rooms below
	any   bool
	rooms map[string]bool
	libs  []string
}

func TestArrows(t *testing.T) {
	rules := readArrows(t)
	for _, p := range packages(t) {
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		r, ok := ruleFor(rules, room)
		if !ok {
			t.Errorf("%s: no line in arrows.txt says what it may import", room)
			continue
		}
		for _, imp := range p.Imports {
			if why := r.forbids(imp); why != "" {
				t.Errorf("%s imports %s: %s", room, imp, why)
			}
		}
		if usesCgo(p) && room != "hiveql/duck" {
			t.Errorf("%s uses cgo; only hiveql/duck may", room)
		}
	}
}

func readArrows(t *testing.T) []rule {
	text, err := os.ReadFile("arrows.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rules []rule
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		r := rule{rooms: map[string]bool{}}
		r.room, r.below = strings.CutSuffix(words[0], "/...")
		for _, w := range words[1:] {
			lib, isLib := strings.CutPrefix(w, "lib:")
			switch {
			case w == "any":
				r.any = true
			case isLib:
				r.libs = append(r.libs, lib)
			case w != "-":
				r.rooms[w] = true
			}
		}
		rules = append(rules, r)
	}
	return rules
}

// ruleFor finds the most specific rule: that of the room itself, or the longest one above it.
func ruleFor(rules []rule, room string) (rule, bool) {
	best, found := rule{}, false
	for _, r := range rules {
		if !r.below && r.room == room {
			return r, true
		}
		if r.below && (room == r.room || strings.HasPrefix(room, r.room+"/")) && len(r.room) >= len(best.room) {
			best, found = r, true
		}
	}
	return best, found
}

func (r rule) forbids(imp string) string {
	if r.any || imp == "C" {
		return ""
	}
	if imp == module || strings.HasPrefix(imp, module+"/") {
		if room := strings.TrimPrefix(imp, module+"/"); !r.rooms[room] {
			return "there is no such arrow in arrows.txt"
		}
		return ""
	}
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, lib := range r.libs {
		if imp == lib || strings.HasPrefix(imp, lib+"/") {
			return ""
		}
	}
	return "the room may not use that library"
}

func TestRuleFor(t *testing.T) {
	rules := []rule{{room: "a", below: true}, {room: "a/b"}, {room: "a/c", below: true}}
	for room, want := range map[string]string{"a": "a", "a/b": "a/b", "a/b/d": "a", "a/c/d": "a/c", "ab": ""} {
		if r, _ := ruleFor(rules, room); r.room != want {
			t.Errorf("ruleFor(%q) = %q, want %q", room, r.room, want)
		}
	}
	r := rule{rooms: map[string]bool{"storage": true}, libs: []string{"example.org/lib"}}
	for imp, ok := range map[string]bool{
		"context": true, module + "/storage": true, module + "/storage/s3store": false,
		"example.org/lib": true, "example.org/lib/sub": true, "example.org/library": false,
	} {
		if why := r.forbids(imp); (why == "") != ok {
			t.Errorf("forbids(%q) = %q", imp, why)
		}
	}
}
