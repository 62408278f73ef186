package javaregex

import (
	"strings"
	"testing"
	"time"
)

// TestNesting: patterns that nest as deep as they are long end in an error, or are compiled; neither takes a stack as deep.
func TestNesting(t *testing.T) {
	const n = 1 << 22
	for _, c := range []struct{ open, shut string }{{"[", "]"}, {"(", ")"}, {"(?:", ")"}, {"(?=", ")"}, {"(?i:", ")"}, {"[a&&[^", "]]"}} {
		pattern := strings.Repeat(c.open, n) + "a" + strings.Repeat(c.shut, n)
		if _, err := CompileSearch(pattern); err == nil || !strings.Contains(err.Error(), "nested") {
			t.Errorf("%d times %s: %.200s", n, c.open, errorText(err))
		}
		if _, err := Compile(pattern); err == nil || !strings.Contains(err.Error(), "nested") {
			t.Errorf("%d times %s: %.200s", n, c.open, errorText(err))
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

// TestLongClasses: a class of many characters takes about as many times as long as it is longer.
func TestLongClasses(t *testing.T) {
	var b strings.Builder
	for r := rune(0x4e00); r < 0x4e00+20000; r += 2 {
		b.WriteRune(r)
	}
	class := b.String()
	done := make(chan error, 1)
	go func() {
		for _, pattern := range []string{"[" + class + "]", "[" + strings.Repeat(`\p{IsAlphabetic}`, 2000) + "]", `[\Q` + class + `\E]`} {
			if _, err := Compile(pattern); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it takes a minute")
	}
}

// TestManySlowMatches: many matches, of which none takes too long alone, do together.
func TestManySlowMatches(t *testing.T) {
	s, err := CompileSearch(`(?:(a+)+(?!x)b|c)`)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat(strings.Repeat("a", 17)+"c", 1000)
	start := time.Now()
	if _, err := s.Replace(text, "-"); err == nil {
		t.Fatal("no error")
	}
	if took := time.Since(start); took > 10*Limit {
		t.Errorf("it takes %v", took)
	}
}
