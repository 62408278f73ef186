package thrift

import (
	"encoding/json"
	"testing"
)

// TestJSON: what is written as JSON is read back as it was, types and all.
func TestJSON(t *testing.T) {
	want := Fields{
		{1, String, []byte("x<ü>")}, {2, I32, int32(-5)}, {-3, Bool, true}, {4, Double, 1.5}, {5, String, []byte{0, 0xff}},
		{6, List, Items{String, []Value{[]byte("a"), []byte{0x80}}}}, {7, Set, Items{I64, []Value{int64(1) << 60}}},
		{8, Map, Entries{String, Struct, []Entry{{[]byte("k"), Fields{{1, Byte, int8(3)}, {2, I16, int16(4)}}}}}},
		{9, List, Items{Type: Struct, Values: []Value{}}}, {10, Map, Entries{Pairs: []Entry{}}}, {11, Struct, Fields{}},
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Fields
	if err := json.Unmarshal(data, &got); err != nil || !Equal(got, want) {
		t.Fatalf("%v\n%s\ngot %v", err, data, got)
	}
	for _, bad := range []string{
		`{}`, `[1]`, `[[1,"i32"]]`, `[[1,"i99",1]]`, `[["x","i32",1]]`, `[[1,"i32",3000000000]]`, `[[1,"i32",1.5]]`, `[[1,"str",5]]`,
		`[[1,"lst",[]]]`, `[[1,"lst",["i32","x"]]]`, `[[1,"map",["str","i32",["k"]]]]`, `[[1,"b64","?"]]`, `[[1,"bool",1]]`,
	} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s was read as %v", bad, got)
		}
	}
}
