package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each flag of each command is used in a script, by its name or its letter, and described in the guides
// or among S3DistCp's options.
func TestEveryFlagIsTestedAndDescribed(t *testing.T) {
	read := func(pattern string) string {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		var all strings.Builder
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.String()
	}
	scripts := read("testdata/script/*.txtar")
	docs := read("../../docs/distcp.md") + read("../../docs/s3distcp-compat.md") + read("../../docs/blockstore.md")
	verbs, err := (&command{getenv: func(string) string { return "" }}).verbHelps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verbs {
		for _, f := range v.flags {
			flag := "--" + f.Name + `\b(?:[^-]|$)`
			if f.Shorthand != "" {
				flag = `(?:` + flag + `|-[a-zA-Z0-9]*` + f.Shorthand + `[a-zA-Z0-9]*(?:\s|$))`
			}
			uses := regexp.MustCompile(`(?m)^.*\bdistcp ` + regexp.QuoteMeta(v.name) + `(?:.* )?` + flag)
			if !uses.MatchString(scripts) {
				t.Errorf("distcp %s --%s is in no script", v.name, f.Name)
			}
			if !regexp.MustCompile(flag).MatchString(docs) {
				t.Errorf("distcp %s --%s is in none of docs/distcp.md, docs/s3distcp-compat.md and docs/blockstore.md", v.name, f.Name)
			}
		}
	}
}
