package hiveql

import (
	"testing"

	"github.com/skepdata/skep/hiveql/analysis"
)

// TestStates: the SQLSTATEs of errors of meaning are those of HiveServer2 4.0.1.
func TestStates(t *testing.T) {
	for code, want := range map[int]string{10001: "42S02", 10002: "42000", 10004: "42000", 10015: "21000", 10016: "42000"} {
		if got := userError(&analysis.Error{Code: code}, "", queryTask).SQLState; got != want {
			t.Errorf("%d has the state %s, not %s", code, got, want)
		}
		if got := semantic(nil, code, "x").SQLState; got != want {
			t.Errorf("%d has the state %s, not %s", code, got, want)
		}
	}
}
