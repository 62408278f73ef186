package blockstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/skepdata/skep/storage"
)

// chunkSize is how many bytes share a checksum. It is part of the format.
const chunkSize = 64 << 10

// path is the file of the block of that number: blocks/c5/00000000000012c5.
func (d *disk) path(block int64) string {
	return filepath.Join(d.root, blocksDir, fmt.Sprintf("%02x", block&0xff), fmt.Sprintf("%016x", block))
}

// blockRef is one replica of a block.
type blockRef struct{ id, disk int64 }

// block is a whole block as the namespace knows it.
type block struct {
	id     int64
	disks  []int64 // that have it, those to read from first
	size   int64
	sum    storage.Checksum
	chunks chunkSums
	copies int    // on how many disks it is to be; 0 stands for 1
	hash   []byte // of the content, if it may be shared by that
}

// at is the replica of the block on a disk.
func (b block) at(disk int64) blockRef { return blockRef{b.id, disk} }

// first is the replica that is read first.
func (b block) first() blockRef {
	if len(b.disks) == 0 {
		return blockRef{b.id, 0}
	}
	return b.at(b.disks[0])
}

// replicaList is the SQL of a column that lists the disks of block b.id, and parseReplicas reads it:
// those that are not known to be damaged come first.
const replicaList = "(SELECT group_concat(r.disk) FROM (SELECT disk FROM replicas WHERE block = b.id ORDER BY state, disk) r)"

func parseReplicas(list string) (disks []int64, err error) {
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		disk, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("disks %q of a block: %w", list, err)
		}
		disks = append(disks, disk)
	}
	return disks, nil
}

// chunkSums are the CRC32C of each chunk of a block, 4 bytes each, big endian.
type chunkSums []byte

func (c chunkSums) at(i int64) uint32 { return binary.BigEndian.Uint32(c[4*i:]) }

func (c chunkSums) set(i int64, sum uint32) { binary.BigEndian.PutUint32(c[4*i:], sum) }

// chunksIn is how many chunks a block of size bytes has.
func chunksIn(size int64) int64 { return (size + chunkSize - 1) / chunkSize }

// combiner combines the checksums of whole chunks.
type combiner struct{ chunk *storage.Combiner }

func newCombiner() combiner { return combiner{storage.NewCombiner(chunkSize)} }

// block is the checksum of a block of size bytes, from those of its chunks.
func (c combiner) block(chunks chunkSums, size int64) storage.Checksum {
	sum := storage.CRC32C(nil)
	for i := range chunksIn(size) {
		piece := storage.Checksum{Sum: chunks.at(i), Known: true}
		if length := size - i*chunkSize; length < chunkSize {
			sum = storage.CombineCRC32C(sum, piece, length)
		} else {
			sum = c.chunk.Combine(sum, piece)
		}
	}
	return sum
}

// file is the checksum of the bytes of all blocks.
func (c combiner) file(blocks []block) storage.Checksum {
	if len(blocks) == 1 {
		return blocks[0].sum
	}
	sum := storage.CRC32C(nil)
	for _, b := range blocks {
		sum = storage.CombineCRC32C(sum, b.sum, b.size)
	}
	return sum
}

// removeBlocks removes the files of blocks that nothing refers to, and remembers those that are
// gone. The others stay on the list of garbage.
func (s *store) removeBlocks(ctx context.Context, blocks []blockRef) {
	for _, b := range blocks {
		d, err := s.disk(ctx, b.disk)
		if err != nil {
			continue
		}
		if err := s.files.remove(d.path(b.id)); err == nil || errors.Is(err, fs.ErrNotExist) {
			s.gone.add(b)
		}
	}
}

// name is the block as errors call it.
func (b blockRef) name() string {
	return "block " + strconv.FormatInt(b.id, 16) + " on disk " + strconv.FormatInt(b.disk, 10)
}
