package parquetmerge

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/skepdata/skep/internal/blocksums"
)

// AddSums adds the sums of its blocks to the footer of a file on the local disk, and returns the
// file's new size in bytes. All else in the footer stays as it is, byte for byte; an entry of that name
// that is there is replaced. After an error the file may be no Parquet file any more. The file is read
// into buf, of any length but 0, so that who has many files needs no more memory than for one.
func AddSums(path string, buf []byte) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	footer, start, err := readFooter(Input{Name: path, Size: info.Size(), ReaderAt: f})
	if err != nil {
		return 0, fmt.Errorf("sum %s: %w", path, err)
	}
	var sums blocksums.Writer
	if _, err := io.CopyBuffer(&sums, io.NewSectionReader(f, 0, start), buf); err != nil {
		return 0, err
	}
	end, err := addEntry(footer, sums.Note())
	if err != nil {
		return 0, fmt.Errorf("sum %s: %w", path, err)
	}
	if _, err := f.WriteAt(end, start); err != nil {
		return 0, err
	}
	size = start + int64(len(end))
	return size, f.Truncate(size)
}

// addEntry is a footer with its trailer, and with a note of sums.
func addEntry(footer []byte, note string) ([]byte, error) {
	places, end, err := fieldPlaces(footer)
	if err != nil {
		return nil, fmt.Errorf("its footer is damaged: %w", err)
	}
	if err := checkFields(len(footer)-end, func(id int16) byte {
		if i := slices.IndexFunc(places, func(p fieldPlace) bool { return p.id == id }); i >= 0 {
			return places[i].kind
		}
		return 0
	}); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(places, func(p fieldPlace) bool { return p.id >= fileKeyValues })
	if at < 0 {
		at = len(places) - 1
	}
	next := places[at]
	var entries [][]byte
	if next.id == fileKeyValues {
		next = places[at+1]
		if places[at].kind != typeList {
			return nil, fmt.Errorf("its footer is damaged: field %d is not a list", fileKeyValues)
		}
		if entries, err = otherEntries(footer[places[at].body:next.head]); err != nil {
			return nil, fmt.Errorf("its footer is damaged: %w", err)
		}
	}
	last := int16(0)
	if at > 0 {
		last = places[at-1].id
	}
	b := appendFieldHead(slices.Clone(footer[:places[at].head]), last, fileKeyValues, typeList)
	entry := sumsEntry(note)
	entries = append(entries, appendValue(nil, &entry))
	b = appendListHead(b, len(entries), typeStruct)
	for _, e := range entries {
		b = append(b, e...)
	}
	if next.head < end-1 {
		b = appendFieldHead(b, fileKeyValues, next.id, next.kind)
	}
	return withTrailer(append(b, footer[next.body:end]...), note)
}

// fieldPlace is where a field of an encoded struct is.
type fieldPlace struct {
	id         int16
	kind       byte
	head, body int
}

// fieldPlaces are those of all fields in a struct, and that of the byte that ends it, and where it ends.
func fieldPlaces(b []byte) (places []fieldPlace, end int, err error) {
	d := treeDecoder{in: b, depth: 1}
	p := fieldPlace{}
	for {
		p.head = len(b) - len(d.in)
		if p.id, p.kind, err = d.fieldHead(p.id); err != nil {
			return nil, 0, err
		}
		if p.kind == 0 {
			return append(places, fieldPlace{id: math.MaxInt16, head: p.head, body: p.head}), p.head + 1, nil
		}
		if slices.ContainsFunc(places, func(other fieldPlace) bool { return other.id == p.id }) {
			return nil, 0, fmt.Errorf("field %d is there twice", p.id)
		}
		p.body = len(b) - len(d.in)
		places = append(places, p)
		if p.kind != typeTrue && p.kind != typeFalse {
			if err := d.pass(p.kind); err != nil {
				return nil, 0, err
			}
		}
	}
}

// skip returns the encoding of the next value.
func (d *treeDecoder) skip(kind byte) ([]byte, error) {
	from := d.in
	if err := d.pass(kind); err != nil {
		return nil, err
	}
	return from[:len(from)-len(d.in)], nil
}

// otherEntries are the encoded entries of a list of them, but for sums.
func otherEntries(list []byte) ([][]byte, error) {
	if len(list) == 0 {
		return nil, errShort
	}
	if list[0]&15 != typeStruct && list[0]>>4 != 0 {
		return nil, fmt.Errorf("field %d is not a list of structs", fileKeyValues)
	}
	d := treeDecoder{in: list}
	all, err := d.value(typeList)
	if err != nil {
		return nil, err
	}
	d = treeDecoder{in: list[1:]}
	if list[0]>>4 == 15 { // their number follows
		if _, err := d.uvarint(); err != nil {
			return nil, err
		}
	}
	var entries [][]byte
	for i := range all.items {
		e, err := d.skip(typeStruct)
		if err != nil {
			return nil, err
		}
		if !isSums(&all.items[i]) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func isSums(entry *value) bool { return string(entry.field(keyValueKey).bytes) == blocksums.Key }

// dropSums removes the sums of one file from its entries.
func dropSums(entries *value) {
	entries.items = slices.DeleteFunc(entries.items, func(e value) bool { return isSums(&e) })
}

func sumsEntry(note string) value {
	return value{kind: typeStruct, ids: []int16{keyValueKey, keyValueValue}, items: []value{text(blocksums.Key), text(note)}}
}

// withTrailer appends the trailer to an encoded footer, and binds the note in it to both.
func withTrailer(b []byte, note string) ([]byte, error) {
	if len(b) > math.MaxInt32 {
		return nil, fmt.Errorf("the footer has %d bytes, more than the format allows", len(b))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
	b = append(b, magic...)
	return b, blocksums.Bind(b, note)
}
