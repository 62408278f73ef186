package blockstore

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/storage"
)

// journalDir has the journals of writers: what each has changed in the namespace, so that a
// namespace that is lost can be made anew.
const journalDir = "journal"

const (
	journalFormat = 1
	journalSuffix = ".log"
	imageSuffix   = ".image" // the whole namespace, as the entries that would make it
)

// entry is one change of the namespace in a journal.
type entry struct {
	N      int64  `json:"n"` // its number
	Op     string `json:"op"`
	Volume string `json:"volume,omitempty"`
	Key    []byte `json:"key,omitempty"` // of an object, or a prefix

	Size        int64        `json:"size,omitempty"`
	CRC32C      uint32       `json:"crc32c,omitempty"`
	MTime       int64        `json:"mtime,omitempty"`
	ContentType string       `json:"contentType,omitempty"`
	Metadata    string       `json:"metadata,omitempty"` // as in the namespace, and so is more
	More        string       `json:"more,omitempty"`
	Blocks      []entryBlock `json:"blocks,omitempty"`
	Died        int64        `json:"died,omitempty"`
	Copies      int          `json:"copies,omitempty"`

	Settings *entrySettings `json:"settings,omitempty"`
	To       []byte         `json:"to,omitempty"`   // the new key, or prefix
	Name     string         `json:"name,omitempty"` // of a snapshot; of the writer; of the new volume
	Store    string         `json:"store,omitempty"`
	Format   int            `json:"format,omitempty"`

	content []byte // of an object without blocks; follows the JSON
}

// The operations of entries.
const (
	opBegin          = "begin"          // the first entry: format, store, and the writer's name
	opPut            = "put"            // an object, which replaces that of its key
	opDelete         = "delete"         // an object
	opVolume         = "volume"         // the settings of a volume, which is made if there is none
	opRemoveVolume   = "removeVolume"   // a volume, with all that is in it
	opSnapshot       = "snapshot"       // of a volume, by name
	opRemoveSnapshot = "removeSnapshot" //
	opDeletePrefix   = "deletePrefix"   // all objects whose keys begin with key
	opMove           = "move"           // the object key becomes that of the key to
	opMovePrefix     = "movePrefix"     // the objects whose keys begin with key begin with to then
	opReplication    = "replication"    // what is at the path key, and what a volume gets if that is empty, has so many copies
	opOld            = "old"            // in images: an object that was visible until died
	opEnd            = "end"            // in images: the last entry; n is the greatest number in it
)

// entryBlock is a block of an object. One that an earlier entry has described comes with its
// number only.
type entryBlock struct {
	ID     int64     `json:"id"`
	Size   int64     `json:"size,omitempty"`
	CRC32C uint32    `json:"crc32c,omitempty"`
	Chunks chunkSums `json:"chunks,omitempty"`
	Copies int       `json:"copies,omitempty"`
	Hash   []byte    `json:"hash,omitempty"`
}

type entrySettings struct {
	BlockSize   int64 `json:"blockSize"`
	Replication int   `json:"replication"`
	Dedup       bool  `json:"dedup,omitempty"`
	QuotaBytes  int64 `json:"quotaBytes,omitempty"`
	QuotaFiles  int64 `json:"quotaFiles,omitempty"`
}

// frameHead is the length of what comes before an entry: the length of its JSON, the length of its
// content, and the CRC32C of both and of these two lengths, each 4 bytes, big endian.
const frameHead = 12

// appendFrame appends an entry as journals have it.
func appendFrame(to []byte, e *entry) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return to, err
	}
	at := len(to)
	to = binary.BigEndian.AppendUint32(to, uint32(len(text)))
	to = binary.BigEndian.AppendUint32(to, uint32(len(e.content)))
	sum := storage.CRC32C(to[at:])
	sum = storage.UpdateCRC32C(storage.UpdateCRC32C(sum, text), e.content)
	to = binary.BigEndian.AppendUint32(to, sum.Sum)
	return append(append(to, text...), e.content...), nil
}

// errTorn is a journal that ends in the middle of an entry, or has a damaged one.
var errTorn = errors.New("the journal ends in a damaged entry")

// maxEntry bounds what a damaged length can make a reader allocate.
const maxEntry = 1 << 30

// readFrame reads one entry. It reports io.EOF at the end, and errTorn for what is no whole entry.
func readFrame(r io.Reader) (e entry, size int64, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); errors.Is(err, io.EOF) {
		return e, 0, io.EOF
	} else if err != nil {
		return e, 0, torn(err)
	}
	textLen, contentLen := int64(binary.BigEndian.Uint32(head[:])), int64(binary.BigEndian.Uint32(head[4:]))
	if textLen+contentLen > maxEntry {
		return e, 0, errTorn
	}
	body := make([]byte, textLen+contentLen)
	if _, err := io.ReadFull(r, body); err != nil {
		return e, 0, torn(err)
	}
	sum := storage.UpdateCRC32C(storage.CRC32C(head[:8]), body)
	if sum.Sum != binary.BigEndian.Uint32(head[8:]) {
		return e, 0, errTorn
	}
	if err := json.Unmarshal(body[:textLen], &e); err != nil {
		return e, 0, fmt.Errorf("%w: %w", errTorn, err)
	}
	if contentLen > 0 {
		e.content = body[textLen:]
	}
	return e, frameHead + textLen + contentLen, nil
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

// journal is that of this writer: the same file in the home directory and, for the day when that
// disk is lost, on one other disk.
type journal struct {
	mu    sync.Mutex
	files []journalFile // the first is the one at home, which must not fail
	size  int64         // of what is committed, or may be
	last  []byte        // what write wrote at size
	tail  []byte        // what is committed and was not synced yet, which ends at size
	doubt bool          // the last sync failed
}

type journalFile struct {
	*disk
	f file
}

// journalDisks are the disks to have a journal: home, and one that is another.
func (s *store) journalDisks() []*disk {
	var disks []*disk
	for _, d := range s.disks() {
		if d.root == s.home {
			disks = slices.Insert(disks, 0, d)
		} else if len(disks) == 0 || len(disks) == 1 && disks[0].root == s.home {
			disks = append(disks, d)
		}
	}
	if len(disks) == 0 || disks[0].root != s.home {
		disks = slices.Insert(disks, 0, &disk{root: s.home})
	}
	return disks[:min(len(disks), 2)]
}

// newJournal begins the journal of a writer.
func (s *store) newJournal(writer string) (*journal, error) {
	j := &journal{}
	begin, err := appendFrame(nil, &entry{Op: opBegin, Format: journalFormat, Store: s.id, Name: writer})
	if err != nil {
		return nil, err
	}
	for i, d := range s.journalDisks() {
		f, err := s.beginJournal(filepath.Join(d.root, journalDir), writer+journalSuffix, begin)
		if err != nil && i == 0 {
			return nil, err
		}
		if err == nil {
			j.files = append(j.files, journalFile{d, f})
		}
	}
	j.size = int64(len(begin))
	return j, nil
}

func (s *store) beginJournal(dir, name string, begin []byte) (file, error) {
	if err := s.files.mkdirAll(dir); err != nil {
		return nil, err
	}
	f, err := s.files.open(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(begin, 0); err != nil {
		return nil, errors.Join(err, f.Close(), s.files.remove(f.Name()))
	}
	if err := errors.Join(s.files.syncDir(dir), s.files.syncDir(filepath.Dir(dir))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// write writes the entries of a transaction that is about to be committed. Should it not be, the next
// write goes over them, or close takes them off; should the process die, the next writer does.
func (j *journal) write(entries []*entry) (size int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var frames []byte
	for _, e := range entries {
		if frames, err = appendFrame(frames, e); err != nil {
			return j.size, err
		}
	}
	if err := j.put(frames, j.size); err != nil {
		return j.size, err
	}
	j.last = frames
	return j.size + int64(len(frames)), nil
}

// put writes to all files. One that is not at home stays as it is when it fails, shorter than the one at home.
func (j *journal) put(p []byte, at int64) error {
	for i := 0; i < len(j.files); i++ {
		_, err := j.files[i].f.WriteAt(p, at)
		if err != nil && i == 0 {
			return fmt.Errorf("journal: %w", err)
		}
		if err != nil {
			_ = j.files[i].f.Close()
			j.files = slices.Delete(j.files, i, i+1)
			i--
		}
	}
	return nil
}

// commit says that what was written up to size stays.
func (j *journal) commit(size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.size = size
	j.tail = append(j.tail, j.last...)
	j.last = nil
}

// sync makes what was written durable.
func (j *journal) sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var group errgroup.Group
	for i, f := range j.files {
		group.Go(func() error {
			if err := f.f.Sync(); err != nil && i == 0 {
				return fmt.Errorf("journal: %w", err)
			}
			return nil
		})
	}
	err := group.Wait()
	if j.doubt = err != nil; !j.doubt {
		j.tail = j.tail[:0]
	}
	return err
}

func (j *journal) isInDoubt() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.doubt
}

// again is sync after one that failed, which may have left the system in the belief that what it could not write is
// written: it is written again.
func (j *journal) again() error {
	j.mu.Lock()
	err := j.put(j.tail, j.size-int64(len(j.tail)))
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return j.sync()
}

// close ends the journal. One without changes is removed.
func (j *journal) close(empty bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var errs []error
	for i, f := range j.files {
		err := f.f.Truncate(j.size)
		err = errors.Join(err, f.f.Close())
		if empty {
			err = errors.Join(err, os.Remove(f.f.Name()))
		}
		if i == 0 {
			errs = append(errs, err)
		}
	}
	j.files = nil
	return errors.Join(errs...)
}

// trimJournal takes off the journal of a dead writer what it did not commit: the entries from the
// number on that the namespace knows.
func (s *store) trimJournal(writer string, committed int64) error {
	for _, d := range s.disks() {
		f, err := s.files.open(filepath.Join(d.root, journalDir, writer+journalSuffix), os.O_RDWR)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(trim(f, committed), f.Close()); err != nil {
			return fmt.Errorf("trim %s: %w", f.Name(), err)
		}
	}
	return nil
}

func trim(f file, committed int64) error {
	at := int64(0)
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 1<<18)
	for {
		e, size, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, errTorn) {
			return err
		}
		if err != nil || e.Op != opBegin && e.N >= committed {
			return errors.Join(f.Truncate(at), f.Sync())
		}
		at += size
	}
}
