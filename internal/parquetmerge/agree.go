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

// Parts divides a file into parts of about so many bytes, at its row groups. Merge of a part alone
// makes a file of it.
func Parts(in Input, size int64) ([]Input, error) {
	b, _, err := readFooter(in)
	if err != nil {
		return nil, nameInput(in, err)
	}
	footer, err := decodeFooter(b)
	if err != nil {
		return nil, nameInput(in, err)
	}
	groups := footer.field(fileRowGroups).items
	var parts []Input
	part, sum := in, int64(0)
	part.From = 0
	for i := range groups {
		own := int64(0)
		for k := range groups[i].field(groupColumns).items {
			own += groups[i].field(groupColumns).items[k].field(chunkMeta).field(metaSize).number
		}
		if i > part.From && sum+own/2 > size {
			part.To = i
			parts = append(parts, part)
			part.From, sum = i, 0
		}
		sum += own
	}
	part.To = len(groups)
	return append(parts, part), nil
}
