package parquetmerge

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/skepdata/skep/internal/blocksums"
)

// About is what a footer says before a file is merged.
type About struct {
	// Schema is the same for all files whose schemas Merge takes for equal, and for no others.
	Schema string
	// Sums are those of the file's blocks (package blocksums), if it has them.
	Sums []uint32
	// Doubtful says that it has some that are not its own: they were copied from another file, or the
	// footer is not as it was written.
	Doubtful bool
}

// Look reads the footer of a file.
func Look(in Input) (About, error) {
	b, start, err := readFooter(in)
	if err != nil {
		return About{}, nameInput(in, err)
	}
	footer, err := decodeFooter(b)
	if err != nil {
		return About{}, nameInput(in, err)
	}
	all, err := columns(footer.field(fileSchema))
	if err != nil {
		return About{}, nameInput(in, err)
	}
	sum := sha256.New()
	for _, c := range all {
		text := appendText(appendText(nil, []byte(c.path)), c.encoded)
		_, _ = sum.Write(text) // a hash takes everything
	}
	about := About{Schema: string(sum.Sum(nil))}
	end := binary.LittleEndian.AppendUint32(b, uint32(in.Size-start-trailerSize))
	end = append(end, magic...)
	note := ""
	for _, e := range footer.field(fileKeyValues).items {
		if isSums(&e) {
			note = string(e.field(keyValueValue).bytes)
		}
	}
	var own bool
	if about.Sums, own = blocksums.Read(end, note, in.Size); !own {
		about.Doubtful = blocksums.Mentioned(end)
	}
	return about, nil
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
