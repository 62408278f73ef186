package filestore

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

// A file with an upload that is to outlive its process has a hidden name with the upload's ID. It is
// the content, as long as it will be, and behind it the record, which Commit cuts off:
//
//	size, part size, time of the beginning in ns    8 bytes each
//	length of the key                               8 bytes
//	key
//	a slot for each part                            8 bytes: CRC32C, and 1 when the part is there
//	offset of the record                            8 bytes
//	magic                                           8 bytes
//
// Numbers are little-endian. A slot is filled once the part is written, and nothing is synced: who
// goes on with an upload reads its parts, and believes the checksums alone.
const (
	uploadPrefix = hiddenPrefix + "upload-"
	uploadMagic  = "skepup1\n"
	recordFixed  = 4 * 8
	slotSize     = 8
	footerSize   = 16
	maxRecordKey = 64 << 10 // bytes of a key, far above what a path can be
)

// uploadRecord is what is known of an upload, but for its slots.
type uploadRecord struct {
	key            string
	size, partSize int64
	started        time.Time
}

func (r uploadRecord) parts() int64 { return (r.size + r.partSize - 1) / r.partSize }

// slot is the offset of that of part n.
func (r uploadRecord) slot(n int64) int64 {
	return r.size + recordFixed + int64(len(r.key)) + n*slotSize
}

// end is the length of the file.
func (r uploadRecord) end() int64 { return r.slot(r.parts()) + footerSize }

func (r uploadRecord) write(f *os.File) error {
	var head []byte
	for _, n := range []int64{r.size, r.partSize, r.started.UnixNano(), int64(len(r.key))} {
		head = binary.LittleEndian.AppendUint64(head, uint64(n))
	}
	if _, err := f.WriteAt(append(head, r.key...), r.size); err != nil {
		return err
	}
	foot := append(binary.LittleEndian.AppendUint64(nil, uint64(r.size)), uploadMagic...)
	_, err := f.WriteAt(foot, r.end()-footerSize) // the slots between are a hole: zeros
	return err
}

// errNoRecord is a file without a record, or with one that makes no sense.
var errNoRecord = errors.New("it has no record of an upload")

func readRecord(f *os.File) (r uploadRecord, err error) {
	info, err := f.Stat()
	if err != nil {
		return r, err
	}
	foot := make([]byte, footerSize)
	if info.Size() < footerSize+recordFixed {
		return r, errNoRecord
	}
	if _, err := f.ReadAt(foot, info.Size()-footerSize); err != nil {
		return r, err
	}
	at := int64(binary.LittleEndian.Uint64(foot))
	if string(foot[8:]) != uploadMagic || at < 0 || at > info.Size()-footerSize-recordFixed {
		return r, errNoRecord
	}
	head := make([]byte, recordFixed)
	if _, err := f.ReadAt(head, at); err != nil {
		return r, err
	}
	number := func(i int) int64 { return int64(binary.LittleEndian.Uint64(head[i*8:])) }
	r = uploadRecord{size: number(0), partSize: number(1), started: time.Unix(0, number(2))}
	if r.size != at || r.partSize <= 0 || number(3) <= 0 || number(3) > min(maxRecordKey, info.Size()-at) {
		return r, errNoRecord
	}
	key := make([]byte, number(3))
	if _, err := f.ReadAt(key, at+recordFixed); err != nil {
		return r, err
	}
	if r.key = string(key); r.end() != info.Size() {
		return r, errNoRecord
	}
	return r, nil
}

// note fills the slot of a part, or empties it where the checksum is not known.
func (r uploadRecord) note(f *os.File, n int, sum storage.Checksum) error {
	slot := make([]byte, slotSize)
	if sum.Known {
		binary.LittleEndian.PutUint32(slot, sum.Sum)
		slot[4] = 1
	}
	_, err := f.WriteAt(slot, r.slot(int64(n)))
	return err
}

// readParts returns the checksums of the parts that are there and what their slots say.
func (r uploadRecord) readParts(f *os.File) (map[int]storage.Checksum, error) {
	sums := map[int]storage.Checksum{}
	buf := make([]byte, pieceSize)
	slot := make([]byte, slotSize)
	for n := range r.parts() {
		if _, err := f.ReadAt(slot, r.slot(n)); err != nil {
			return nil, err
		}
		if slot[4] != 1 {
			continue
		}
		sum, err := r.sumPart(f, n, buf)
		if err != nil {
			return nil, err
		}
		if sum.Sum == binary.LittleEndian.Uint32(slot) {
			sums[int(n)] = sum
		}
	}
	return sums, nil
}

func (r uploadRecord) sumPart(f *os.File, n int64, buf []byte) (storage.Checksum, error) {
	size := min(r.partSize, r.size-n*r.partSize)
	return storage.ReadSum(io.NewSectionReader(f, n*r.partSize, size), size, buf)
}

// uploadName is the hidden name of an upload's file.
func uploadName(id string) string { return uploadPrefix + id + hiddenSuffix }

// uploadID is the ID in a hidden name.
func uploadID(name string) (id string, ok bool) {
	id, ok = strings.CutPrefix(name, uploadPrefix)
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(id, hiddenSuffix)
	return id, ok && isUploadID(id)
}

func isUploadID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 8 && !bytes.ContainsAny([]byte(id), "ABCDEF")
}

// errInUse is an upload that a living process has.
var errInUse = errors.New("another process is writing it")

// openUploadFile opens and locks the file of an upload that nobody has.
func openUploadFile(path string) (*tempFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		f.Close() // nothing was written
		return nil, errInUse
	}
	opened, err := f.Stat()
	if err == nil {
		var there os.FileInfo
		if there, err = os.Lstat(path); err == nil && !os.SameFile(opened, there) {
			err = os.ErrNotExist // it has ended in between
		}
	}
	if err != nil {
		f.Close() // nothing was written
		return nil, err
	}
	return &tempFile{f, path}, nil
}

// keep gives a file a hidden name of an upload, under which it stays when the process dies.
func (f *tempFile) keep(dir, id string) error {
	path := filepath.Join(dir, uploadName(id))
	if f.hidden != "" {
		if err := os.Rename(f.hidden, path); err != nil {
			return err
		}
	} else {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", path, err)
		}
		if err := linkAnonymous(f.File, path); err != nil {
			return err
		}
	}
	f.hidden = path
	return nil
}
