package orc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
)

// TestFilesOfOthers reads files that ORC's C++ writer has made (testdata/pyorc.py), and compares each row with what its own
// reader says: a line of JSON.
func TestFilesOfOthers(t *testing.T) {
	files, err := filepath.Glob("testdata/*.orc")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(name, ".orc") + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			f, err := Open(t.Context(), at(file), int64(len(file)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := f.Reader(Options{Columns: allColumns(f), Rows: 77})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			list := strings.Split(strings.TrimSpace(string(want)), "\n")
			if int64(len(list)) != f.Rows() {
				t.Fatalf("%d rows of %d", f.Rows(), len(list))
			}
			for at := 0; at < len(list); {
				b, err := r.Next(t.Context())
				if err != nil {
					t.Fatalf("row %d: %v", at, err)
				}
				for i := range int(b.NumRows()) {
					row := make([]any, f.Columns())
					for c := range row {
						row[c] = plain(valueAt(b.Column(c), i, f.Type(c)), f.Type(c))
					}
					compareRow(t, at, list[at], row)
					at++
				}
				b.Release()
			}
		})
	}
}

func allColumns(f *File) []int {
	list := make([]int, f.Columns())
	for i := range list {
		list[i] = i
	}
	return list
}

func compareRow(t *testing.T, at int, want string, row []any) {
	t.Helper()
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(row); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	got := strings.TrimSpace(buf.String())
	if same := numbersAlike(compact.String()); same != numbersAlike(got) {
		t.Fatalf("row %d:\ngot  %s\nwant %s", at, got, compact.String())
	}
}

// numbersAlike writes 3.0 as 3.
func numbersAlike(s string) string {
	return strings.NewReplacer(".0,", ",", ".0]", "]").Replace(s)
}

// plain is a value as the lines have it.
func plain(v hivetype.Value, t hivetype.Type) any {
	switch v := v.(type) {
	case []byte:
		return hex.EncodeToString(v)
	case hivetype.Dec:
		return v.String()
	case time.Time:
		if t.Kind == hivetype.Date {
			return v.Format("2006-01-02")
		}
		return v.Format("2006-01-02 15:04:05.999999")
	case string:
		if t.Kind == hivetype.Char {
			return v + strings.Repeat(" ", t.Length-utf8.RuneCountInString(v))
		}
		return v
	case hivetype.Variant:
		return plain(v.Value, t.Fields[v.Tag].Type)
	case []hivetype.Entry:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = []any{plain(e.Key, *t.Key), plain(e.Value, *t.Elem)}
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			of := t.Elem
			if t.Kind == hivetype.Struct {
				of = &t.Fields[i].Type
			}
			list[i] = plain(x, *of)
		}
		return list
	}
	return v
}
