package hms_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/testenv/interop/trace"
)

// TestMethods calls every method that is served, as the versions of Hive that have it do, and compares the answers, the
// exceptions and their texts. What Hive has and is not served is unknown, which is an answer that clients fall back on.
func TestMethods(t *testing.T) {
	versions := hiveMethods(t)
	config := hms.Config{Store: openStore(t), Files: directories{}, Warehouse: "file://" + t.TempDir()}
	client, err := thrift.Dialer{Address: serve(t, config)}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	asker := trace.NewAsker(client, config.Warehouse)
	ask := func(t *testing.T, line string) string {
		t.Helper()
		answer, err := asker.Ask(t.Context(), line)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	called := map[string]bool{}
	datadriven.RunTest(t, "testdata/methods", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			method, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			called[method] = true
			if versions[method] == "" {
				t.Errorf("no version of Hive has %s", method)
			}
			fmt.Fprintf(&out, "%s (%s): %s\n", method, versions[method], ask(t, strings.TrimSpace(line)))
		}
		return out.String()
	})
	served := hms.New(config).Thrift().Methods()
	for method := range versions {
		if slices.Contains(served, method) != called[method] {
			t.Errorf("%s: is it served? %v. Is it in the test? %v", method, slices.Contains(served, method), called[method])
		}
		if called[method] {
			continue
		}
		if got, want := ask(t, method), fmt.Sprintf("TApplicationException 1: Invalid method name: '%s'", method); got != want {
			t.Errorf("%s: %s", method, got)
		}
	}
	for _, method := range served {
		if versions[method] == "" && !strings.HasPrefix(method, "skep_") {
			t.Errorf("%s is served, and no Hive has it", method)
		}
	}
}

// hiveMethods says which versions of Hive have a method.
func hiveMethods(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/hive_methods.txt")
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if method, of, ok := strings.Cut(strings.TrimSpace(line), " "); ok && method != "#" {
			versions[method] = of
		}
	}
	return versions
}

// TestMethodsOfHive compares with what Hive's own metastore 2.3.9 answered to the same calls: whether it is a result, or which
// exception. The calls for which that differs, and is meant to, are in the golden file.
func TestMethodsOfHive(t *testing.T) {
	client, err := thrift.Dialer{Address: serve(t, hms.Config{Store: openStore(t), Files: directories{}, Warehouse: "file://" + t.TempDir()})}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	text, err := os.ReadFile("testdata/methods_of_hive_2.3.9")
	if err != nil {
		t.Fatal(err)
	}
	asker := trace.NewAsker(client, "file:///w")
	var different strings.Builder
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	for pair := range slices.Chunk(lines, 2) {
		call, theirs := pair[0], strings.TrimSpace(pair[1])
		ours, err := asker.Ask(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		method, _, _ := strings.Cut(call, " ")
		if roleMethods.MatchString(method) && withoutAuthorizer(ours) != theirs || !roleMethods.MatchString(method) && kindOf(ours) != kindOf(theirs) {
			if len(call) > 100 {
				call = call[:100] + "..."
			}
			fmt.Fprintf(&different, "%s\n  Hive: %.100s\n  here: %.100s\n", call, theirs, ours)
		}
	}
	datadriven.RunTest(t, "testdata/methods_that_differ", func(*testing.T, *datadriven.TestData) string { return different.String() })
}

// roleMethods are those whose answers, and the texts of whose exceptions, must be those of Hive.
var roleMethods = regexp.MustCompile("role|privilege")

// withoutAuthorizer is a privilege, or several, as Hive 2.3 gives them.
func withoutAuthorizer(answer string) string {
	return strings.NewReplacer(` 5="SQL"`, "", ` 5="RANGER"`, "").Replace(answer)
}

// kindOf is an answer without its text.
func kindOf(answer string) string {
	kind, _, _ := strings.Cut(answer, ": ")
	switch {
	case strings.HasPrefix(kind, `"`):
		return "a value"
	case strings.Contains(kind, " in a "):
		return kind[strings.Index(kind, " in a "):]
	}
	return kind
}
