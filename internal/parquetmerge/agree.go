package parquetmerge

import (
	"crypto/sha256"
	"encoding/binary"
)

// Schema reads the footer of a file and returns a text that is the same for all files whose schemas
// Merge takes for equal, and for no others.
func Schema(in Input) (string, error) {
	b, _, err := readFooter(in)
	if err != nil {
		return "", nameInput(in, err)
	}
	footer, err := decodeFooter(b)
	if err != nil {
		return "", nameInput(in, err)
	}
	all, err := columns(footer.field(fileSchema))
	if err != nil {
		return "", nameInput(in, err)
	}
	sum := sha256.New()
	for _, c := range all {
		text := appendText(appendText(nil, []byte(c.path)), c.encoded)
		_, _ = sum.Write(text) // a hash takes everything
	}
	return string(sum.Sum(nil)), nil
}

func appendText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
