package rangecache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/skepdata/skep/internal/castagnoli"
)

// blockSize is the size of all blocks in bytes, but for an object's last.
const blockSize = 64 << 10

// A map is a header and then 8 bytes for each block of the object, all numbers little-endian:
//
//	0   8  "skepmap1"
//	8   8  size of the object in bytes
//	16  36 the system's boot in which blocks were last compared with their sums, as text
//	52  1  1 if all blocks together have been compared with what the store says of the whole, 2 if it
//	       says nothing
//	53  11 zeros
//	64  8n for each block: its CRC32C in the low 32 bits; bit 63 is set if the block is there, bit 62
//	    if it was and has been given up, bit 61 if it is confirmed (confirm.go); bits 32 to 59 are marks
//	    (marks.go)
//	    the object's URL
const (
	mapMagic  = "skepmap1"
	mapHeader = 64
	bootEnd   = 52
	present   = uint64(1) << 63
	gone      = uint64(1) << 62
	confirmed = uint64(1) << 61
)

// blockMap knows which blocks of a file are there. Whoever uses it holds its object's lock.
type blockMap struct {
	f      *os.File
	blocks []uint64
	there  int // how many are
	known  int // of how many the sum is known
	whole  verdict
}

// verdict is what a comparison of all blocks together has come to.
type verdict byte

const (
	open verdict = iota
	right
	silent // the store says nothing of the whole
)

func blocksOf(size int64) int64 { return (size + blockSize - 1) / blockSize }

// openMap opens the map at path of the file data, which it makes if there is none that fits.
// The caller holds the shared lock of data.
func openMap(path string, data *os.File, size int64, boot, name string) (*blockMap, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	useLock(f, false, true)
	m := &blockMap{f: f, blocks: make([]uint64, blocksOf(size))}
	if err := m.begin(data, size, boot, name); err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

// begin reads the map, or starts one, while no other process does.
func (m *blockMap) begin(data *os.File, size int64, boot, name string) error {
	if err := lock(m.f); err != nil {
		return err
	}
	defer unlock(m.f)
	head := mapHead(size, boot)
	was := make([]byte, mapHeader)
	_, err := m.f.ReadAt(was, 0)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case err != nil || !bytes.Equal(was[:16], head[:16]): // new, or not what it should be
		if err := m.f.Truncate(0); err != nil {
			return err
		}
		if err := m.f.Truncate(mapHeader + 8*int64(len(m.blocks))); err != nil {
			return err
		}
		if _, err := m.f.WriteAt([]byte(name), mapHeader+8*int64(len(m.blocks))); err != nil {
			return err
		}
		_, err := m.f.WriteAt(head, 0)
		return err
	}
	if err := m.refresh(0, int64(len(m.blocks))); err != nil {
		return err
	}
	if boot != "" && string(was[16:bootEnd]) == string(head[16:bootEnd]) {
		if m.known == len(m.blocks) {
			m.whole = verdict(was[bootEnd])
		}
		return nil
	}
	if err := m.compare(data, size); err != nil {
		return err
	}
	_, err = m.f.WriteAt(head, 0)
	return err
}

func mapHead(size int64, boot string) []byte {
	head := make([]byte, mapHeader)
	copy(head, mapMagic)
	binary.LittleEndian.PutUint64(head[8:], uint64(size))
	copy(head[16:bootEnd], boot)
	return head
}

// compare forgets the blocks whose bytes are not those that they were entered with.
func (m *blockMap) compare(data *os.File, size int64) error {
	buf := make([]byte, blockSize)
	for b := range m.blocks {
		if !m.has(int64(b)) {
			continue
		}
		p := buf[:min(blockSize, size-int64(b)*blockSize)]
		_, err := data.ReadAt(p, int64(b)*blockSize)
		if err == nil && castagnoli.Update(0, p) == uint32(m.blocks[b]) {
			continue
		}
		if err := m.set(int64(b), 0); err != nil {
			return err
		}
	}
	return nil
}

func (m *blockMap) has(b int64) bool { return m.blocks[b]&present != 0 }

// confirmed reports whether a block that is there, or was, has come twice.
func (m *blockMap) confirmed(b int64) bool { return m.blocks[b]&confirmed != 0 }

// sum is that of a block which is there, or was.
func (m *blockMap) sum(b int64) (sum uint32, known bool) {
	return uint32(m.blocks[b]), m.blocks[b]&(present|gone) != 0
}

// giveUp takes a block away, and keeps its sum.
func (m *blockMap) giveUp(b int64) error { return m.set(b, m.blocks[b]&^present|gone) }

// setWhole enters what the comparison of all has come to.
func (m *blockMap) setWhole(v verdict) error {
	if m.whole == v {
		return nil
	}
	if _, err := m.f.WriteAt([]byte{byte(v)}, bootEnd); err != nil {
		return err
	}
	m.whole = v
	return nil
}

// refresh learns what other processes have entered from one block to before another.
func (m *blockMap) refresh(from, to int64) error {
	p := make([]byte, 8*(to-from))
	if n, err := m.f.ReadAt(p, mapHeader+8*from); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if n < len(p) {
		return fmt.Errorf("%s is too short", m.f.Name())
	}
	for i := range to - from {
		m.know(from+i, binary.LittleEndian.Uint64(p[8*i:]))
	}
	return nil
}

func (m *blockMap) know(b int64, v uint64) {
	was, is := m.blocks[b], v
	m.there += one(is&present) - one(was&present)
	m.known += one(is&(present|gone)) - one(was&(present|gone))
	m.blocks[b] = v
}

// one is 1 for what is not 0.
func one(bits uint64) int {
	if bits != 0 {
		return 1
	}
	return 0
}

// set enters a block; 0 forgets it.
func (m *blockMap) set(b int64, v uint64) error {
	if v == 0 {
		if err := m.setWhole(open); err != nil {
			return err
		}
	}
	var p [8]byte
	binary.LittleEndian.PutUint64(p[:], v)
	if _, err := m.f.WriteAt(p[:], mapHeader+8*b); err != nil {
		return err
	}
	m.know(b, v)
	return nil
}

// bootID names this start of the system; it is empty where the system does not tell.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
