package sqlstore

import (
	"encoding/json"
	"maps"
	"testing"
)

// TestParameters reads parameters of all texts of up to three characters that matter to JSON as
// encoding/json does.
func TestParameters(t *testing.T) {
	texts := []string{""}
	for at := 0; len(texts[at]) < 3; at++ {
		for _, c := range []string{`"`, `,`, `:`, `\`, `}`, `a`, "<", "ü"} {
			if len(texts[at]) < 3 {
				texts = append(texts, texts[at]+c)
			}
		}
	}
	plain := 0
	check := func(want map[string]string) {
		text := encodeParameters(want)
		got, err := decodeParameters(text)
		if err != nil || !maps.Equal(got, want) {
			t.Fatalf("%s: got %v, %v", text, got, err)
		}
		if _, ok := plainParameters(text); ok {
			plain++
		}
	}
	for i, a := range texts {
		for _, b := range texts {
			check(map[string]string{a: b})
			check(map[string]string{a: b, b: a, texts[len(texts)-1-i]: ""})
		}
	}
	if plain < len(texts) {
		t.Fatalf("only %d were read without encoding/json", plain)
	}
	for _, text := range []string{`{"a": "b"}`, ` {"a":"b"}`, `{"a":"b","a":"c"}`, `{"a":null}`, `{"a":"b"`, `{"a":1}`, `null`, `{"a":"b"} `} {
		want := map[string]string{}
		wantErr := json.Unmarshal([]byte(text), &want)
		got, err := decodeParameters(text)
		if (err == nil) != (wantErr == nil) || err == nil && !maps.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v, %v", text, got, err, want, wantErr)
		}
	}
}
