package duck

import (
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/hivetype"
)

// TestAnswers: what is remembered nobody can change, and it is bounded.
func TestAnswers(t *testing.T) {
	var k answers
	one, two := question{1}, question{2}
	k.put(one, []hivetype.Value{"b", nil, "a"})
	got, ok := k.get(one)
	if !ok || len(got) != 3 {
		t.Fatalf("%v, %v", got, ok)
	}
	got[0] = "c"
	if got, _ := k.get(one); !slices.Equal(got, []hivetype.Value{"b", nil, "a"}) {
		t.Errorf("%v", got)
	}
	if _, ok := k.get(two); ok {
		t.Error("there is an answer that nobody has given")
	}
	k.put(two, nil)
	if got, ok := k.get(two); !ok || len(got) != 0 {
		t.Errorf("no values: %v, %v", got, ok)
	}
	half := strings.Repeat("x", answerBytes/2)
	k.put(question{3}, []hivetype.Value{half, half})
	if _, ok := k.get(question{3}); ok {
		t.Error("an answer is remembered that is larger than all may be")
	}
	for i := range byte(5) {
		k.put(question{4, i}, []hivetype.Value{half})
		if k.size > answerBytes || k.size < len(half) {
			t.Errorf("%d bytes are remembered", k.size)
		}
	}
	if _, ok := k.get(question{4, 4}); !ok {
		t.Error("the latest answer is forgotten")
	}
}
