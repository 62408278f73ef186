package duck_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/hivetype"
)

// The C++ functions read text as package hivetype does, which also reads the text of partition
// keys and of constants.
func TestReadingAgrees(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	texts := []string{
		"0", "-0", "+7", "127", "128", "-128", "-129", "32768", "2147483647", "2147483648", "-2147483648", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "1.", ".5", "-.5", ".", "-", "+", "1.9x", "1e3", "1E-3", "1e", "0x10", "1_0", "1,0",
		"1.5f", "1.5D", "NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "1e400", "-1e400", "1e-400", "00012", "1.23456789012345678901234567890",
		"12345678901234567890123456789012345678", "99999999999.995", "0.005", "-0.005", "0.0049999", "2020-01-01", "2020-1-1", "2020-13-01", "2020-02-29",
		"2019-02-29", "0001-01-01", "9999-12-31", "20-01-01", "2020-01-01 1:2:3", "2020-01-01 01:02", "2020-01-01T01:02", "2020-01-01 24:00:00",
		"2020-01-01 23:59:59.999999", "2020-01-01 00:00:00.1234567", "2020-01-01 00:00:00.123456789", "2020-01-01 00:00:00Z", "2020-01-01x",
		"2020-01-01 x", "-2020-01-01", "true", "x", "2020-01-01 00:00:00 UTC", "1970-01-01 00:00:00.5",
		"12:58:59", "12:58", "1:58:59", "24:00:00", "12:60", "12:58:59.5", "12:58:59Z", "12:58:",
	}
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = "0123456789.-+eE: T"
	for range 3000 {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteByte(alphabet[random.IntN(len(alphabet))])
		}
		if s := strings.TrimSpace(b.String()); s != "" {
			texts = append(texts, s)
		}
	}
	clock := regexp.MustCompile(`^\d\d:\d\d(:\d\d(\.\d{1,9})?)?$`)
	table := c.newTable(t, "t", textInput, lazySimple, "s:string")
	if err := os.WriteFile(filepath.Join(table.Storage.Location, "f"), []byte(strings.Join(texts, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tinyint", "smallint", "int", "bigint", "double", "decimal(10,2)", "decimal(38,0)", "date", "timestamp"} {
		typ, err := hivetype.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := c.rows(t.Context(), e, fmt.Sprintf("SELECT s, cast(s AS %s) FROM t", name))
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != len(texts) {
			t.Fatalf("%d rows, want %d", len(rows), len(texts))
		}
		for _, row := range rows {
			s, got, _ := strings.Cut(row, "\t")
			v, ok := hivetype.ParseValue(s, typ)
			if (name == "date" || name == "timestamp") && clock.MatchString(s) { // which only CAST takes, for a time of today
				at, err := time.Parse("15:04:05", (s + ":00")[:8])
				if ok = err == nil && len(s) != len(time.DateOnly); ok {
					today, fraction := time.Now().Format(time.DateOnly), ""
					if len(s) > 8 {
						fraction = s[8:]
					}
					v, ok = hivetype.ParseValue(today+" "+at.Format("15:04:05")+fraction, typ)
				}
			}
			if !ok {
				v = nil
			}
			want := string(hivetype.AppendText(nil, v, typ))
			if got != want {
				t.Errorf("cast('%s' AS %s) = %s, hivetype reads %s", s, name, got, want)
			}
		}
	}
}

// Numbers are printed as package hivetype prints them.
func TestPrintingAgrees(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	random := rand.New(rand.NewPCG(3, 4))
	numbers := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e7, 9999999.999, 1e-3, 9.999e-4, 1e21, 5e-324, math.MaxFloat64, 100, 123456.789, 2.2250738585072014e-308}
	for range 2000 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], random.Uint64())
		f := math.Float64frombits(binary.LittleEndian.Uint64(b[:]))
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			numbers = append(numbers, f, math.Round(f), random.Float64()*1e8, float64(random.IntN(1e6))/100)
		}
	}
	var b strings.Builder
	for _, f := range numbers {
		fmt.Fprintf(&b, "%v\n", f)
	}
	table := c.newTable(t, "t", textInput, lazySimple, "d:double")
	if err := os.WriteFile(filepath.Join(table.Storage.Location, "f"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, cast := range []string{"double", "float"} {
		rows, err := c.rows(t.Context(), e, fmt.Sprintf("SELECT cast(d AS %s), cast(cast(d AS %s) AS string) FROM t", cast, cast))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if number, text, _ := strings.Cut(row, "\t"); number != text {
				t.Errorf("%s %s is cast to the string %s", cast, number, text)
			}
		}
	}
}
