package hiveql

import (
	"regexp"
	"strings"
	"testing"
)

func testSettings() *settings {
	return newSettings(map[string]string{"c": "conf"}, map[string]string{"v": "var", "both": "${v}-${hiveconf:c}", "loop": "${loop2}", "loop2": "${loop}"},
		defaultSettings(),
		func(name string) (string, bool) { return "env-" + name, name == "HOME" })
}

func TestSubstitute(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                              "plain",
		"${v} ${hivevar:v}":                  "var var",
		"${hiveconf:c}":                      "conf",
		"${c}":                               "${c}", // a setting needs its prefix
		"${env:HOME}":                        "env-HOME",
		"${env:NOPE}":                        "${env:NOPE}",
		"${system:user.home}":                "env-HOME",
		"${both}":                            "var-conf",
		"${nope} ${v}":                       "${nope} var",
		"$v {v} ${ v}":                       "$v {v} ${ v}",
		"'${v}' -- ${v}":                     "'var' -- var",
		"${hiveconf:hive.cli.errors.ignore}": "false",
	} {
		got, err := testSettings().substitute(text)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := testSettings().substitute("${loop}"); err == nil || !strings.Contains(err.Error(), "levels deep") {
		t.Errorf("a loop: %v", err)
	}
	s := testSettings()
	if err := s.set("hive.variable.substitute", "false"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.substitute("${v}"); got != "${v}" || err != nil {
		t.Errorf("switched off: %q, %v", got, err)
	}
}

func FuzzSubstitute(f *testing.F) {
	for _, s := range []string{"${v}", "${both}${loop}", "${${v}}", "${hiveconf:", "$${v}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := testSettings().substitute(text)
		if err == nil && !strings.Contains(text, "${") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestRedacted(t *testing.T) {
	for key, hidden := range map[string]bool{
		"javax.jdo.option.ConnectionPassword": true, "fs.s3a.secret.key": true, "fs.s3a.access.key": true,
		"session_token": true, "hive.exec.compress.output": false, "user.name": false,
	} {
		if got := redacted(key, "value") != "value"; got != hidden {
			t.Errorf("%s: hidden %v", key, got)
		}
	}
}

func TestWildcard(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"a*", "abc", true}, {"a*", "ba", false}, {"*b*", "abc", true}, {"a_c", "abc", true},
		{"a_c", "ac", false}, {"a%c%", "abbc", true}, {"", "", true}, {"", "a", false}, {`a\_c`, "a_c", true},
		{`a\_c`, "abc", false}, {"*a*b", "aab", true}, {"abc*", "abc", true},
	} {
		if got := wildcard(c.pattern, c.s); got != c.want {
			t.Errorf("wildcard(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

// FuzzWildcard compares with a regular expression.
func FuzzWildcard(f *testing.F) {
	f.Add("a*b%c_", "axbyczc")
	f.Add("**a", "aaa")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if strings.ContainsAny(pattern, `\`) || !isASCII(pattern) || !isASCII(s) || len(pattern) > 50 {
			return
		}
		expr := regexp.QuoteMeta(pattern)
		expr = strings.NewReplacer(`\*`, ".*", "%", ".*", "_", ".", `\.`, ".").Replace(expr)
		want := regexp.MustCompile("(?s)^" + expr + "$").MatchString(s)
		if got := wildcard(pattern, s); got != want {
			t.Errorf("wildcard(%q, %q) = %v", pattern, s, got)
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
