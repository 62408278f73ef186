package copier

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func emptyJournal() *Journal {
	return &Journal{identity: "a", pending: map[string]*begun{}, byKey: map[string]string{}}
}

// What is loaded of an output is its latest line, also behind lines longer than any buffer.
func TestJournalLoads(t *testing.T) {
	long := `u {"bucket":"s3://b/","key":"` + strings.Repeat("k", 3*journalBuffer) + `","id":"x","size":9,"partSize":5,"version":"v"}`
	lines := journalMagic + "a\nd 2 1\nd 1 1\n" + long + "\nd 2 7\nsomething else\nd 3 1\ne y\nd 4 torn off"
	for name, from := range map[string]io.Reader{
		"at once":      strings.NewReader(lines),
		"in drops":     iotest.OneByteReader(strings.NewReader(lines)),
		"with the end": iotest.DataErrReader(strings.NewReader(lines)),
	} {
		j := emptyJournal()
		if err := j.replayAll(from); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := []doneEntry{{1, 1}, {2, 7}, {3, 1}}; !slices.Equal(j.done, want) {
			t.Errorf("%s: outputs %v, want %v", name, j.done, want)
		}
		if b := j.pending["x"]; b == nil || len(b.Key) != 3*journalBuffer {
			t.Errorf("%s: the upload is not known", name)
		}
	}
}

// A disk that fails is no journal that ends: it would be replaced by less than it says.
func TestJournalThatCannotBeRead(t *testing.T) {
	broken := errors.New("input/output error")
	for _, read := range []string{"", journalMagic + "a\nd 1 1\n", journalMagic + "a\nd 1"} {
		from := io.MultiReader(strings.NewReader(read), iotest.ErrReader(broken))
		if err := emptyJournal().replayAll(from); !errors.Is(err, broken) {
			t.Errorf("after %q: %v, want the error", read, err)
		}
	}
}
