package parquetmerge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Numbers of the fields in Parquet's footer.
const (
	fileVersion      = 1
	fileSchema       = 2
	fileRows         = 3
	fileRowGroups    = 4
	fileKeyValues    = 5
	fileCreatedBy    = 6
	fileColumnOrders = 7
	fileEncryption   = 8
	fileSigningKey   = 9

	groupColumns = 1
	groupRows    = 3
	groupOffset  = 5
	groupOrdinal = 7

	chunkFile              = 1
	chunkFileOffset        = 2
	chunkMeta              = 3
	chunkOffsetIndex       = 4
	chunkOffsetIndexLength = 5
	chunkColumnIndex       = 6
	chunkColumnIndexLength = 7
	chunkCrypto            = 8
	chunkEncryptedMeta     = 9

	metaSize           = 7 // compressed, of all pages
	metaDataPage       = 9
	metaIndexPage      = 10
	metaDictionaryPage = 11
	metaStatistics     = 12
	metaBloom          = 14
	metaBloomLength    = 15

	statisticsOldMax = 1
	statisticsOldMin = 2

	keyValueKey   = 1
	keyValueValue = 2

	bloomBytes = 1

	offsetIndexPages = 1
	pageOffset       = 1
)

const (
	magic          = "PAR1"
	magicEncrypted = "PARE"
	trailerSize    = 8 // the length of the footer, and the magic
)

// readFooter returns the encoded footer of a file, and where it starts.
func readFooter(in Input) (footer []byte, start int64, err error) {
	if in.Size < int64(len(magic)+trailerSize) {
		return nil, 0, fmt.Errorf("it has %d bytes, which is too few for a Parquet file", in.Size)
	}
	var ends [len(magic) + trailerSize]byte
	if err := readAt(in, ends[:len(magic)], 0); err != nil {
		return nil, 0, err
	}
	if err := readAt(in, ends[len(magic):], in.Size-trailerSize); err != nil {
		return nil, 0, err
	}
	head, tail := string(ends[:len(magic)]), string(ends[8:])
	switch {
	case head == magicEncrypted || tail == magicEncrypted:
		return nil, 0, errEncrypted
	case head != magic || tail != magic:
		return nil, 0, fmt.Errorf("it is not a Parquet file: it starts with %q and ends with %q, not with %q", head, tail, magic)
	}
	size := int64(binary.LittleEndian.Uint32(ends[len(magic):]))
	start = in.Size - trailerSize - size
	if start < int64(len(magic)) {
		return nil, 0, fmt.Errorf("its footer should have %d bytes, and the file has only %d", size, in.Size)
	}
	footer = make([]byte, size)
	return footer, start, readAt(in, footer, start)
}

var errEncrypted = errors.New("it is encrypted: merging encrypted Parquet files is not supported yet")

// readAt reads len(p) bytes.
func readAt(in Input, p []byte, at int64) error {
	n, err := in.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %d bytes at %d: %w", len(p), at, err)
}

// decodeFooter decodes a footer and checks that what Merge needs of it is there.
func decodeFooter(b []byte) (value, error) {
	v, n, err := decodeStruct(b)
	if err != nil {
		return v, fmt.Errorf("its footer is damaged: %w", err)
	}
	if err := checkFields(len(b)-n, func(id int16) byte { return v.field(id).kind }); err != nil {
		return v, err
	}
	for _, list := range []int16{fileSchema, fileRowGroups, fileKeyValues} {
		if l := v.field(list); v.has(list) && (l.kind != typeList || l.elem != typeStruct) && len(l.items) > 0 {
			return v, fmt.Errorf("its footer is damaged: field %d is not a list of structs", list)
		}
	}
	return v, nil
}

// checkFields checks that a footer has the fields that it must have, of which kind tells the types, or 0,
// and that no bytes follow it.
func checkFields(follow int, kind func(id int16) byte) error {
	signed := kind(fileSigningKey) != 0
	if follow != 0 && !signed {
		return fmt.Errorf("its footer is damaged: %d bytes follow it", follow)
	}
	if signed || kind(fileEncryption) != 0 {
		return errEncrypted
	}
	for _, f := range []struct {
		id   int16
		name string
		kind byte
	}{{fileVersion, "version", typeI32}, {fileSchema, "schema", typeList}, {fileRows, "num_rows", typeI64},
		{fileRowGroups, "row_groups", typeList}} {
		if kind(f.id) != f.kind {
			return fmt.Errorf("its footer is damaged: it has no %s", f.name)
		}
	}
	return nil
}
