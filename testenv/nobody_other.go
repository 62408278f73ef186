//go:build !linux

package testenv

import (
	"os"
	"testing"
)

// AsNobody runs do, which must have no power over other people's files. Only on Linux can a thread give it up that has it.
func AsNobody(t testing.TB, do func()) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Fatal("run this test as another user than root, who may read everything")
	}
	do()
}
