package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDemo takes the whole tour with programs built from this source.
func TestDemo(t *testing.T) {
	bin := t.TempDir()
	// What debuggers want takes half of the time.
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", bin+"/", "../../cmd/distcp", "../../cmd/hiveql")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	var out strings.Builder
	if err := run(t.Context(), bin, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if n := strings.Count(out.String(), "hiveql>"); n < 15 {
		t.Errorf("only %d statements ran:\n%s", n, out.String())
	}
}

func TestCheck(t *testing.T) {
	steps, err := parseTour("# r\nSELECT 1\nFROM t;\n= 1\n= 2\n\n$ ls\n~ x\n")
	if err != nil || len(steps) != 2 || steps[0].text != "SELECT 1\nFROM t;" || !steps[0].sql || steps[1].text != "ls" {
		t.Fatalf("%+v, %v", steps, err)
	}
	for _, c := range []struct {
		step   int
		stdout string
		ok     bool
	}{{0, "1\n2\n", true}, {0, "1\n", false}, {0, "1\n2\n3\n", false}, {1, "axb", true}, {1, "a", false}} {
		if err := steps[c.step].check(c.stdout); (err == nil) != c.ok {
			t.Errorf("check(%q) = %v", c.stdout, err)
		}
	}
}
