package javaregex

import (
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	for _, c := range []struct{ pattern, text, replacement, want string }{
		{`(?<=\d)(?=(?:\d{3})+$)`, "1234567", ",", "1,234,567"},
		{`(\w)\1`, "aabbc", "<$1>", "<a><b>c"},
		{`x*`, "axb", "-", "-a--b-"},
		{`(?<y>\d+)-(?<m>\d+)`, "2020-01", "${m}/$1", "01/2020"},
		{`[a-z&&[^b]]`, "abc", `\$`, "$b$"},
		{`(a)|b`, "ab", "[$1]", "[a][]"},
		{`a`, "日a本", "$0$0", "日aa本"},
		{`(.)`, "ab", "$11", "a1b1"},
		{`a++b`, "aaab", "", ""},
		{`a$`, "a\n", "x", "x\n"}, {`a$`, "a\r\n", "x", "x\r\n"}, {`a$`, "a\n\n", "x", "a\n\n"}, {`$`, "a\r\n", "x", "ax\r\nx"},
		{`a\Z`, "a\u2028", "x", "x\u2028"}, {`\n$`, "a\n", "x", "ax"}, {`$`, "a", "x", "ax"},
		{`(?m)^a$`, "a\ra\r\na\nb", "x", "x\rx\r\nx\nb"}, {`(?m)^`, "a\n", "x", "xa\n"}, {`(?m)^`, "", "x", ""},
	} {
		s, err := CompileSearch(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Replace(c.text, c.replacement); got != c.want || err != nil {
			t.Errorf("%q in %q replaced with %q: %q, %v; want %q", c.pattern, c.text, c.replacement, got, err, c.want)
		}
	}
}

func TestReplaceRefuses(t *testing.T) {
	s, err := CompileSearch(`(?<a>x)`)
	if err != nil {
		t.Fatal(err)
	}
	for _, replacement := range []string{"$2", "$", `\`, "${b}", "$x"} {
		if got, err := s.Replace("x", replacement); err == nil {
			t.Errorf("%q gave %q", replacement, got)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{`,(?=(?:[^"]*"[^"]*")*[^"]*$)`, `a,"b,c",`, `a|"b,c"|`},
		{`(?=[A-Z])`, "OneTwo", "One|Two"}, {`(?=[A-Z])`, "", ""}, {`(?<=x)`, "axbx", "ax|bx|"}, {`,`, ",a", "|a"},
	} {
		s, err := CompileSearch(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Split(c.text); strings.Join(got, "|") != c.want || err != nil {
			t.Errorf("%q split by %q: %q, %v; want %s", c.text, c.pattern, got, err, c.want)
		}
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		group         int
		want          string
		part, ok      bool
	}{
		{`(?<=id=)\d+`, "x id=42;", 0, "42", true, true}, {`(a)?(?!x)b`, "b", 1, "", false, true},
		{`(a)(?!x)`, "ax", 1, "", false, false},
	} {
		s, err := CompileSearch(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		got, part, ok, err := s.Group(c.text, c.group)
		if got != c.want || part != c.part || ok != c.ok || err != nil {
			t.Errorf("%q in %q: %q, %v, %v, %v", c.pattern, c.text, got, part, ok, err)
		}
		if found, err := s.Find(c.text); found != c.ok || err != nil {
			t.Errorf("%q found in %q: %v, %v", c.pattern, c.text, found, err)
		}
		if _, _, _, err := s.Group(c.text, 7); c.ok && err == nil {
			t.Errorf("%q has a group 7", c.pattern)
		}
	}
	s, err := CompileSearch(`^(a+)+(?!x)$`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(strings.Repeat("a", 40) + "b"); err == nil || !strings.Contains(err.Error(), "takes more than 2s") {
		t.Errorf("an endless search ends with %v", err)
	}
}
