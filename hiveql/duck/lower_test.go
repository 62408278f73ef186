package duck

import (
	"slices"
	"testing"

	"github.com/skepdata/skep/hiveql/analysis"
)

// tableFunctions are those that tableFunction knows.
var tableFunctions = map[string]bool{"explode": true, "posexplode": true, "inline": true, "stack": true, "json_tuple": true, "parse_url_tuple": true, "replicate_rows": true}

// Every function of the catalogue and every operator has a rule.
func TestEveryFunctionHasARule(t *testing.T) {
	for _, f := range append(analysis.Functions(), analysis.Operators()...) {
		switch f.Kind {
		case analysis.ScalarFunction:
			if rules()[f.Name] == nil {
				t.Errorf("the function %s has no rule", f.Name)
			}
		case analysis.TableFunction:
			if !tableFunctions[f.Name] {
				t.Errorf("the table function %s has no rule", f.Name)
			}
		}
	}
}

// Every rule is of a function or an operator.
func TestEveryRuleHasAFunction(t *testing.T) {
	known := map[string]bool{}
	for _, f := range append(analysis.Functions(), analysis.Operators()...) {
		known[f.Name] = true
	}
	for name := range rules() {
		if !known[name] {
			t.Errorf("the rule %s is of no function", name)
		}
	}
}

func TestTranslateRegexp(t *testing.T) {
	for _, c := range []struct{ java, re2 string }{
		{`a.b*`, `a[^\n\r\x{85}\x{2028}\x{2029}]b*`}, {`(?s)a.`, `(?s)a.`}, {`[.]$\Z`, `[.]$\z`}, {`(?m)a`, ""}, {`\Qa.$\E.`, `\Qa.$\E[^\n\r\x{85}\x{2028}\x{2029}]`}, {`\Q.`, `\Q.`}, {`\d+\s`, `\d+[ \t\n\x0B\f\r]`}, {`[\s,]`, `[ \t\n\x0B\f\r,]`}, {`\p{Alnum}x`, `[a-zA-Z0-9]x`},
		{`[\p{Alpha}_]`, `[a-zA-Z_]`}, {`(?<name>x)`, `(?P<name>x)`}, {`(?i)x(?:y)`, `(?i)x(?:y)`}, {`a\-b`, `a\-b`},
		{`[a[]`, ""}, {`\p{L}`, `\p{L}`}, {"\\u00e9", `\x{00e9}`}, {`x{2}+`, ""}, {`a\/b`, `a/b`}, {`[^]a]`, `[^]a]`},
		{`a++`, ""}, {`(?=x)`, ""}, {`(?<!x)y`, ""}, {`(a)\1`, ""}, {`[a-z&&[^b]]`, ""}, {`(?>a)`, ""}, {`\`, ""}, {`\p{`, ""},
	} {
		got, err := translateRegexp(c.java)
		if (err != nil) != (c.re2 == "") || got.text != c.re2 {
			t.Errorf("translateRegexp(%q) = %q, %v; want %q", c.java, got.text, err, c.re2)
		}
	}
}

func FuzzTranslateRegexp(f *testing.F) {
	for _, s := range []string{`a\d[b-c]`, `(?<n>x)\p{Alnum}`, `[[:alpha:]]`, `\`, `[`, `\p{`, `a++`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if out, err := translateRegexp(s); err == nil && len(out.text) > 40*len(s)+8 {
			t.Errorf("%q grew to %q", s, out.text)
		}
	})
}

func TestParseKey(t *testing.T) {
	for _, c := range []struct{ key, want string }{{"1:a-", "[a __HIVE_DEFAULT_PARTITION__]"}, {"3:a:b0:", "[a:b ]"}} {
		got, err := parseKey(c.key, 2)
		if err != nil || got[0]+" "+got[1] != c.want[1:len(c.want)-1] {
			t.Errorf("parseKey(%q) = %v, %v; want %s", c.key, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "5:ab", "x"} {
		if got, err := parseKey(bad, 2); err == nil {
			t.Errorf("parseKey(%q) = %v, want an error", bad, got)
		}
	}
	for key, want := range map[string]string{"": "__HIVE_DEFAULT_PARTITION__", "5:ab": "5:ab", "-": "-"} {
		if got, err := parseKey(key, 1); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("parseKey(%q) of one key = %v, %v; want %s", key, got, err, want)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("1:a-", 2)
	f.Add("3:a:b", 1)
	f.Fuzz(func(t *testing.T, key string, count int) {
		if count < 0 || count > 100 {
			return
		}
		if values, err := parseKey(key, count); err == nil && len(values) != count {
			t.Errorf("parseKey(%q, %d) = %v", key, count, values)
		}
	})
}

func TestSplitCommand(t *testing.T) {
	for _, c := range []struct {
		command string
		want    []string
	}{
		{"cat", []string{"cat"}}, {"  tr  \t _ ", []string{"tr", "\t", "_"}}, {`python 'a b.py' "x'y"`, []string{"python", "a b.py", "x'y"}},
		{`sed s/' '/-/`, []string{"sed", "s/ /-/"}}, {`echo ''`, []string{"echo", ""}}, {"", nil},
	} {
		if got := splitCommand(c.command); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.command, got, c.want)
		}
	}
}
