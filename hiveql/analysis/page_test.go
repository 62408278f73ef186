package analysis_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/analysis"
)

// docs/hiveql-functions.md is made from the catalogue: go test ./hiveql/analysis -rewrite writes it.
func TestFunctionPage(t *testing.T) {
	const file = "../../docs/hiveql-functions.md"
	page := functionPage()
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Errorf("%s is not what the catalogue says; run go test ./hiveql/analysis -rewrite", file)
	}
}

func functionPage() string {
	var b strings.Builder
	b.WriteString(`# Functions of hiveql

Made from the catalogue that ` + "`DESCRIBE FUNCTION`" + ` and ` + "`SHOW FUNCTIONS`" + ` read. Unless it says otherwise, a
function of NULL is NULL. What Hive has besides and is not here is refused by name: functions that
run Java code (` + "`reflect2`" + `), geospatial ones (` + "`st_*`" + `), and data sketches (` + "`ds_*`" + `).
`)
	for _, kind := range []struct {
		kind  analysis.FunctionKind
		title string
	}{
		{analysis.ScalarFunction, "Of values"},
		{analysis.AggregateFunction, "Of groups, and with OVER"},
		{analysis.WindowFunction, "With OVER only"},
		{analysis.TableFunction, "That make rows"},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| Name | Call | Meaning |\n|---|---|---|\n", kind.title)
		for _, f := range analysis.Functions() {
			if f.Kind != kind.kind {
				continue
			}
			call, what, _ := strings.Cut(f.Usage, " - ")
			if len(f.Aliases) > 0 {
				what += "; also `" + strings.Join(f.Aliases, "`, `") + "`"
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", f.Name, escaped(call), escaped(what))
		}
	}
	return b.String()
}

// escaped is text for a cell of a table.
func escaped(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
