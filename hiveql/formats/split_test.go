package formats_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// texts reads the only column of a split.
func texts(t *testing.T, text string, split formats.Split) string {
	t.Helper()
	fields := []formats.Field{{Name: "s", Type: hivetype.Of(hivetype.String)}}
	from := min(int(split.Start()), len(text))
	r, err := formats.NewSplitReader(formats.Spec{Kind: formats.LazySimple}, fields, []int{0}, strings.NewReader(text[from:]), 3, split)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		writeRows(&b, rec)
		rec.Release()
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// However a file is cut, its splits have the lines of the whole, each once.
func TestSplits(t *testing.T) {
	for _, text := range []string{
		"", "\n", "a", "a\nb\n", "a\r\nb\r\n\r\nc", "\r\r\n\n\r", "one\ntwo\n\nthree\rfour\r\nfive", strings.Repeat("x\r\n", 9) + "y",
	} {
		whole := texts(t, text, formats.Split{To: math.MaxInt64})
		for a := 0; a <= len(text); a++ {
			for b := a; b <= len(text); b++ {
				got := ""
				for _, s := range []formats.Split{{To: int64(a)}, {From: int64(a), To: int64(b)}, {From: int64(b), To: math.MaxInt64}} {
					if s.From < s.To {
						got += texts(t, text, s)
					}
				}
				if got != whole {
					t.Errorf("%q cut at %d and %d: %q, want %q", text, a, b, got, whole)
				}
			}
		}
	}
}

func TestSplitsOfFile(t *testing.T) {
	for _, c := range []struct {
		name string
		size int64
		want string
	}{
		{"part-0", 100, "0-"}, {"part-0", 0, "0-"}, {"part-0", 2500, "0-1250 1250-"}, {"part-0.gz", 2500, "0-"}, {"a.csv", 3001, "0-1000 1000-2000 2000-"},
	} {
		var list []string
		for _, s := range formats.Splits(c.name, c.size, 1000) {
			to := ""
			if s.To != math.MaxInt64 {
				to = fmt.Sprint(s.To)
			}
			list = append(list, fmt.Sprintf("%d-%s", s.From, to))
		}
		if got := strings.Join(list, " "); got != c.want {
			t.Errorf("%s of %d bytes: %s, want %s", c.name, c.size, got, c.want)
		}
	}
}
