package codec

import "testing"

func TestXXH32(t *testing.T) {
	for text, want := range map[string]uint32{"": 0x02cc5d05, "a": 0x550d7456, "abc": 0x32d153ff,
		"Nobody inspects the spammish repetition": 0xe2293b2f} {
		if got := sumXXH32([]byte(text)); got != want {
			t.Errorf("%q: %#08x, want %#08x", text, got, want)
		}
		parts := newXXH32()
		for i := range len(text) {
			parts.add([]byte(text[i : i+1]))
		}
		if got := parts.value(); got != want {
			t.Errorf("%q in parts: %#08x, want %#08x", text, got, want)
		}
	}
}
