package lint

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/skepdata/skep"

// rule is one line of arrows.txt.
type rule struct {
	room       string
	below      bool // the line ends in /... and holds for all rooms below
	any        bool
	may, tests arrows // what all files of the room may import, and its tests besides
}

// arrows are rooms and libraries.
type arrows struct {
	rooms []string
	libs  []string
}

func TestArrows(t *testing.T) {
	rules := readArrows(t)
	all, _ := ruleFor(rules, "*")
	for _, p := range packages(t) {
		room := roomOf(p.ImportPath)
		r, ok := ruleFor(rules, room)
		if !ok {
			t.Errorf("%s: no line in arrows.txt says what it may import", room)
			continue
		}
		for _, imp := range p.Imports {
			if why := r.forbids(imp, r.may); why != "" {
				t.Errorf("%s imports %s: %s", room, imp, why)
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := r.forbids(imp, r.may, r.tests, all.tests); why != "" && imp != p.ImportPath {
				t.Errorf("the tests of %s import %s: %s", room, imp, why)
			}
		}
		if usesCgo(p) && room != "hiveql/duck" {
			t.Errorf("%s uses cgo; only hiveql/duck may", room)
		}
	}
}

// TestArrowsAreUsed requires that arrows.txt says what is, and not what once was.
func TestArrowsAreUsed(t *testing.T) {
	imports, testImports := map[string][]string{}, map[string][]string{}
	for _, p := range packages(t) {
		room := roomOf(p.ImportPath)
		imports[room], testImports[room] = p.Imports, slices.Concat(p.TestImports, p.XTestImports)
	}
	for _, r := range readArrows(t) {
		if r.below || r.room == "*" {
			continue
		}
		if _, there := imports[r.room]; !there {
			t.Errorf("arrows.txt: there is no room %s", r.room)
		}
		for _, unused := range r.may.unused(imports[r.room]) {
			t.Errorf("arrows.txt: %s does not import %s", r.room, unused)
		}
		for _, unused := range r.tests.unused(testImports[r.room]) {
			t.Errorf("arrows.txt: the tests of %s do not import %s", r.room, unused)
		}
	}
}

func roomOf(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
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
		var r rule
		r.room, r.below = strings.CutSuffix(words[0], "/...")
		to := &r.may
		for _, w := range words[1:] {
			lib, isLib := strings.CutPrefix(w, "lib:")
			switch {
			case w == "any":
				r.any = true
			case w == "test:":
				to = &r.tests
			case isLib:
				to.libs = append(to.libs, lib)
			case w != "-":
				to.rooms = append(to.rooms, w)
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

// forbids says why a file may not import what none of some arrows points at, or "".
func (r rule) forbids(imp string, allowed ...arrows) string {
	if r.any || imp == "C" || slices.ContainsFunc(allowed, func(a arrows) bool { return a.pointAt(imp) }) {
		return ""
	}
	if imp == module || strings.HasPrefix(imp, module+"/") {
		return "there is no such arrow in arrows.txt"
	}
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	return "the room may not use that library"
}

func (a arrows) pointAt(imp string) bool {
	return slices.Contains(a.rooms, roomOf(imp)) || slices.ContainsFunc(a.libs, func(lib string) bool { return within(imp, lib) })
}

// unused are the arrows by which nothing is imported.
func (a arrows) unused(imports []string) []string {
	var list []string
	for _, room := range a.rooms {
		if !slices.Contains(imports, module+"/"+room) {
			list = append(list, room)
		}
	}
	for _, lib := range a.libs {
		if !slices.ContainsFunc(imports, func(imp string) bool { return within(imp, lib) }) {
			list = append(list, lib)
		}
	}
	return list
}

// within reports whether a package is a library or one below it.
func within(imp, lib string) bool { return imp == lib || strings.HasPrefix(imp, lib+"/") }

func TestRuleFor(t *testing.T) {
	rules := []rule{{room: "a", below: true}, {room: "a/b"}, {room: "a/c", below: true}}
	for room, want := range map[string]string{"a": "a", "a/b": "a/b", "a/b/d": "a", "a/c/d": "a/c", "ab": ""} {
		if r, _ := ruleFor(rules, room); r.room != want {
			t.Errorf("ruleFor(%q) = %q, want %q", room, r.room, want)
		}
	}
	var r rule
	a := arrows{rooms: []string{"storage"}, libs: []string{"example.org/lib"}}
	for imp, ok := range map[string]bool{
		"context": true, module + "/storage": true, module + "/storage/s3store": false,
		"example.org/lib": true, "example.org/lib/sub": true, "example.org/library": false,
	} {
		if why := r.forbids(imp, a); (why == "") != ok {
			t.Errorf("forbids(%q) = %q", imp, why)
		}
	}
}
