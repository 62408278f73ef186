package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each flag of a copy, and of what tells of copies, is used in a script, and described in the guide
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
	docs := read("../../docs/distcp.md") + read("../../docs/s3distcp-compat.md")
	verbs, err := (&command{getenv: func(string) string { return "" }}).verbHelps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verbs {
		if v.name != "" && v.name != "jobs" && v.name != "limit" {
			continue
		}
		for _, f := range v.flags {
			uses := regexp.MustCompile(`(?m)^.*\bdistcp ` + regexp.QuoteMeta(v.name) + `.*--` + f.Name + `\b(?:[^-]|$)`)
			if !uses.MatchString(scripts) {
				t.Errorf("distcp %s --%s is in no script", v.name, f.Name)
			}
			if !regexp.MustCompile("--" + f.Name + `\b(?:[^-]|$)`).MatchString(docs) {
				t.Errorf("distcp %s --%s is in neither docs/distcp.md nor docs/s3distcp-compat.md", v.name, f.Name)
			}
		}
	}
}
