package parquetmerge

import (
	"context"
	"fmt"
)

// largestIndex bounds the memory for one page index.
const largestIndex = 64 << 20

// copyIndexes copies what lies outside a file's row groups and speaks of its columns: first the
// Bloom filters, then the column indexes, then the offset indexes. The last name places of
// pages, which have moved with their chunks.
func (m *merger) copyIndexes(ctx context.Context, in Input, end int64, moves []move) error {
	for _, mv := range moves {
		if err := m.copyBloom(ctx, in, end, mv.chunk.field(chunkMeta)); err != nil {
			return fmt.Errorf("copy a Bloom filter: %w", err)
		}
	}
	for _, mv := range moves {
		b, err := readIndex(in, end, mv.chunk, chunkColumnIndex, chunkColumnIndexLength)
		if err != nil {
			return fmt.Errorf("copy a column index: %w", err)
		}
		if err := m.writeIndex(b, mv.chunk, chunkColumnIndex, chunkColumnIndexLength); err != nil {
			return err
		}
	}
	for _, mv := range moves {
		b, err := readIndex(in, end, mv.chunk, chunkOffsetIndex, chunkOffsetIndexLength)
		if err == nil && b != nil {
			b, err = moveOffsets(b, mv.by)
		}
		if err != nil {
			return fmt.Errorf("copy an offset index: %w", err)
		}
		if err := m.writeIndex(b, mv.chunk, chunkOffsetIndex, chunkOffsetIndexLength); err != nil {
			return err
		}
	}
	return nil
}

// readIndex reads a page index, or nil if the column chunk has none.
func readIndex(in Input, end int64, chunk *value, offset, length int16) ([]byte, error) {
	at, size := chunk.field(offset).number, chunk.field(length).number
	if !chunk.has(offset) || size == 0 {
		return nil, nil
	}
	if at < int64(len(magic)) || size < 0 || size > end-at || size > largestIndex {
		return nil, fmt.Errorf("it should have %d bytes at %d, and the file's data end at %d", size, at, end)
	}
	b := make([]byte, size)
	return b, readAt(in, b, at)
}

// writeIndex writes a page index and says in the column chunk where, or that there is none.
func (m *merger) writeIndex(b []byte, chunk *value, offset, length int16) error {
	if b == nil {
		chunk.remove(offset)
		chunk.remove(length)
		return nil
	}
	chunk.set(offset, number(typeI64, m.at))
	chunk.set(length, number(typeI32, int64(len(b))))
	return m.write(b)
}

// moveOffsets moves the pages that an offset index names.
func moveOffsets(b []byte, by int64) ([]byte, error) {
	index, _, err := decodeStruct(b)
	if err != nil {
		return nil, err
	}
	pages := index.field(offsetIndexPages).items
	for i := range pages {
		offset := pages[i].field(pageOffset)
		if !offset.isInt() {
			return nil, fmt.Errorf("page %d has no place", i)
		}
		offset.number += by
	}
	return appendValue(nil, &index), nil
}

// bloomHeader is more than the header of a Bloom filter takes.
const bloomHeader = 256

// copyBloom copies a Bloom filter. Older writers do not say how long it is: then its header does.
func (m *merger) copyBloom(ctx context.Context, in Input, end int64, meta *value) error {
	if !meta.has(metaBloom) {
		return nil
	}
	at, size := meta.field(metaBloom).number, meta.field(metaBloomLength).number
	if at < int64(len(magic)) || at >= end {
		return fmt.Errorf("it should be at %d, and the file's data end at %d", at, end)
	}
	if !meta.has(metaBloomLength) {
		b := make([]byte, min(bloomHeader, end-at))
		if err := readAt(in, b, at); err != nil {
			return err
		}
		header, n, err := decodeStruct(b)
		if err != nil {
			return fmt.Errorf("its header: %w", err)
		}
		size = int64(n) + header.field(bloomBytes).number
	}
	if size <= 0 || size > end-at {
		return fmt.Errorf("it should have %d bytes at %d, and the file's data end at %d", size, at, end)
	}
	meta.set(metaBloom, number(typeI64, m.at))
	return m.ranges.Copy(ctx, in.ReaderAt, at, at+size)
}
