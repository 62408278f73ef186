package codec

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
)

// TestHadoopBlocks reads block streams spelled out by hand: a chunk is its length, its length
// before compression, and here a literal.
func TestHadoopBlocks(t *testing.T) {
	c, err := ByName("snappy")
	if err != nil {
		t.Fatal(err)
	}
	abc, de := "00000005"+"03"+"08"+"616263", "00000004"+"02"+"04"+"6465"
	for _, tc := range []struct{ name, stream, want, err string }{
		{"one", "00000003" + abc, "abc", ""},
		{"two chunks in a block", "00000005" + abc + de, "abcde", ""},
		{"two blocks", "00000003" + abc + "00000002" + de, "abcde", ""},
		{"nothing", "00000000", "", ""},
		{"an empty block between", "00000003" + abc + "00000000" + "00000002" + de, "abcde", ""},
		{"a block too small", "00000002" + abc, "", "claims to hold 3, its block 2"},
		{"a block not filled", "00000005" + abc, "", "snappy: at byte 13: the file ends in the middle"},
		{"an empty chunk", "00000003" + "00000000" + abc, "", "length of a chunk is 0"},
		{"a huge chunk", "00000003" + "7fffffff", "", "length of a chunk is 2147483647"},
		{"raw snappy", "ffffffff" + abc, "", "not in Hadoop's block format"},
	} {
		stream, err := hex.DecodeString(tc.stream)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(c, stream)
		switch {
		case tc.err == "" && (err != nil || string(got) != tc.want):
			t.Errorf("%s: %q, %v", tc.name, got, err)
		case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%s: error %v, want %q", tc.name, err, tc.err)
		}
	}
}

// TestFramedSnappy reads the other format that has the suffix.
func TestFramedSnappy(t *testing.T) {
	data := logs(300_000)
	var framed bytes.Buffer
	w := s2.NewWriter(&framed, s2.WriterSnappyCompat())
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := ByName("snappy")
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(c, framed.Bytes())
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := decode(c, framed.Bytes()[:framed.Len()-3]); err == nil {
		t.Error("a truncated file has no error")
	}
	damaged := framed.Bytes()
	damaged[1000] ^= 4
	if _, err := decode(c, damaged); err == nil {
		t.Error("a damaged file has no error")
	}
}
