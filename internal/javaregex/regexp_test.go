package javaregex_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/internal/javaregex"
)

// Each case of testdata/match is a pattern and, line by line, the texts to match it against.
func TestMatch(t *testing.T) {
	datadriven.RunTest(t, "testdata/match", func(t *testing.T, d *datadriven.TestData) string {
		pattern, texts, _ := strings.Cut(d.Input, "\n")
		re, err := javaregex.Compile(pattern)
		if err != nil {
			return err.Error()
		}
		var b strings.Builder
		for text := range strings.Lines(texts) {
			text = strings.NewReplacer("\n", "", "<nl>", "\n", "<tab>", "\t").Replace(text)
			groups, ok, err := re.Match(text)
			switch {
			case err != nil:
				b.WriteString(err.Error())
			case !ok:
				b.WriteString("no")
			case len(groups) == 0:
				b.WriteString("yes")
			default:
				b.WriteString("yes: " + strings.Join(groups, " | "))
			}
			b.WriteByte('\n')
		}
		return b.String()
	})
}

func TestGroupsAreCountedAsJavaDoes(t *testing.T) {
	re, err := javaregex.Compile(`(?<year>\d+)-(\d+)-(?<day>\d+)(?!x)`)
	if err != nil {
		t.Fatal(err)
	}
	groups, ok, err := re.Match("2024-05-17")
	if err != nil || !ok || re.Groups() != 3 {
		t.Fatal(groups, ok, err, re.Groups())
	}
	if got := strings.Join(groups, " "); got != "2024 05 17" {
		t.Errorf("named groups changed places: %s", got)
	}
}

func TestBacktrackingIsBounded(t *testing.T) {
	re, err := javaregex.Compile(`(?=x)(x+x+)+y`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := re.Match(strings.Repeat("x", 60)); err == nil || !strings.Contains(err.Error(), "takes more than") {
		t.Errorf("got %v", err)
	}
}

// On patterns that mean the same in both languages, the answers must be those of Go's engine.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`.*foo.*`, `a|b`, `(a)(b)?`, `[a-z&&[^q]]+`, `\Qa.b\E`, `(?i)abc`, `a{2,3}+`, `(?<n>a)\k<n>`, `[]a]`, `\p{Alpha}`,
		`[\w-]+`, `(?!x).*`, `\u0041\x{42}`, `a**`, `[[a]&&b]`, `(?s:.)`, `[a&&]`, `\07`, `(`, `[`, `{`, `\`,
	} {
		f.Add(seed, "s3://bucket/foo/bar.gz")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := javaregex.Compile(pattern)
		if err != nil || len(pattern) > 50 || len(text) > 50 {
			return
		}
		groups, ok, err := re.Match(text)
		if err != nil {
			return
		}
		if ok && len(groups) != re.Groups() {
			t.Errorf("%d groups, want %d", len(groups), re.Groups())
		}
		if !regexp.MustCompile(`^[a-z0-9/:_()|*?]*$`).MatchString(pattern) || !regexp.MustCompile(`^[!-~]*$`).MatchString(text) {
			return
		}
		if goRE, err := regexp.Compile(`\A(?:` + pattern + `)\z`); err == nil && goRE.MatchString(text) != ok {
			t.Errorf("%q on %q: got %v", pattern, text, ok)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for name, pattern := range map[string]string{
		"linear":     `s3://lake/logs/(\d{4}-\d{2})-\d{2}/.*\.gz`,
		"look-ahead": `s3://lake/logs/(?!tmp)(\d{4}-\d{2})-\d{2}/.*\.gz`,
	} {
		re, err := javaregex.Compile(pattern)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if _, ok, _ := re.Match("s3://lake/logs/2024-01-17/part-00017-c000.txt.gz"); !ok {
					b.Fatal("no match")
				}
			}
		})
	}
}
