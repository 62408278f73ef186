package hiveqltest

import (
	"strings"
	"testing"
)

func TestParseErrors(t *testing.T) {
	for src, want := range map[string]string{
		"nonsense\nx":                     "x.slt:1: unknown block",
		"\n\nstatement maybe\nx":          "x.slt:3: want statement ok or statement error",
		"query\nSELECT 1":                 "want query KINDS",
		"query I anysort\nSELECT 1":       "want query KINDS",
		"statement ok\nSELECT 1\n----\n1": "expects nothing",
		"statement error\nSELECT 1":       "needs the expected text",
		"file\nx":                         "want file URL",
		"foreach x\n":                     "want foreach NAME",
	} {
		if _, err := parse("x.slt", src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
}

// FuzzParse prints what it parsed and parses that again: the same must come out.
func FuzzParse(f *testing.F) {
	f.Add("# c\nquery IT rowsort\nSELECT 1, 2\n----\n1\t2\n\nstatement ok\nSET x=1")
	f.Add("foreach a b c\n\nfile ${x}/y\n1\n2\n\nendloop")
	f.Add("statement error\nSELECT\n----\nFAILED\nHINT")
	f.Fuzz(func(t *testing.T, src string) {
		blocks, err := parse("f", src)
		if err != nil {
			return
		}
		once := format(blocks)
		again, err := parse("f", once)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", src, once, err)
		}
		if twice := format(again); twice != once {
			t.Errorf("%q prints as %q, and that as %q", src, once, twice)
		}
	})
}
