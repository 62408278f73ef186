package copier

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Journal is what a job remembers from run to run in a local file: which versions of sources its
// outputs were made of, and which parts of large outputs have been written. A run that finds its
// job's journal goes on where the last one ended, however that was, and copies nothing again that
// is still as it was on both sides.
//
// The file is a line for each thing that happened, the first naming the format and the job:
//
//	skep-journal 1 IDENTITY
//	d KEY VERSION    an output; both are hashes, in base 36
//	i JSON           an upload may be begun, whose name is not known yet; with a second time: it was
//	                 given up then; without a first one: nothing is left of it
//	u JSON           an upload in parts was begun
//	p JSON           a part of it is there
//	e ID             it has ended
//
// Lines are written together, about once a second, and not synced: what is lost of them is only
// copied again. It is safe for concurrent use. One process at a time may have it open.
type Journal struct {
	file           *os.File
	path, identity string
	distrusted     int64 // bytes at the beginning of the file whose outputs do not count

	mu      sync.Mutex
	buf     []byte
	err     error             // the first of writing, after which nothing more is
	done    []doneEntry       // of earlier runs, by key
	lines   int               // of outputs in the file
	pending map[string]*begun // uploads by their IDs
	byKey   map[string]string // the ID of the latest upload of an output, by bucket and key

	intentions map[string]intention // uploads that may have been begun, by bucket and key

	stop     chan struct{} // ends the goroutine that flushes
	flushing sync.WaitGroup
}

// doneEntry is one output: hashes of its URL and of the versions of its source and itself.
type doneEntry struct{ key, version uint64 }

// begun is an upload that has not ended.
type begun struct {
	Bucket   string `json:"bucket"` // its URL
	Key      string `json:"key"`
	ID       string `json:"id"`
	Size     int64  `json:"size"`
	PartSize int64  `json:"partSize"`
	Version  string `json:"version"` // of the sources, hashed

	parts   map[int][]piece
	digests map[int]string // of parts, of the kind that the source's store has
	ours    bool           // this run has begun or adopted it
}

// journalPart is a part as a line has it.
type journalPart struct {
	ID     string         `json:"id"`
	N      int            `json:"n"`
	Pieces []journalPiece `json:"pieces"`
	Digest []byte         `json:"digest,omitempty"`
}

// maxDone is how many outputs a journal knows, which take 16 bytes of memory each. Further ones are
// copied again by each run; --update, which keeps nothing in mind, is for such jobs.
const maxDone = 4_000_000

const (
	journalMagic    = "skep-journal 1 "
	journalBuffer   = 64 << 10
	journalInterval = time.Second
)

// OpenJournal opens the journal at path, or makes one. identity stands for everything but the
// contents of the source that decides what the outputs are. What a journal of another identity says
// of outputs is dropped; its uploads are still known, to be aborted.
func OpenJournal(path, identity string) (*Journal, error) {
	j := &Journal{
		path: path, identity: identity,
		pending: map[string]*begun{}, byKey: map[string]string{}, stop: make(chan struct{}),
	}
	if err := j.load(); err != nil {
		return nil, fmt.Errorf("read the journal %s: %w", path, err)
	}
	if err := j.rewrite(); err != nil {
		return nil, fmt.Errorf("write the journal %s: %w", path, err)
	}
	j.flushing.Go(j.flushOften)
	return j, nil
}

// ReadJournal reads the journal at path, if there is one, for a dry run. Nothing is written.
func ReadJournal(path, identity string) (*Journal, error) {
	j := &Journal{path: path, identity: identity, pending: map[string]*begun{}, byKey: map[string]string{}}
	if err := j.load(); err != nil {
		return nil, fmt.Errorf("read the journal %s: %w", path, err)
	}
	return j, nil
}

// load reads what is there. A line that was not written whole says nothing.
func (j *Journal) load() error {
	f, err := os.Open(j.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // it was for reading
	if info, err := f.Stat(); err == nil {
		j.done = make([]doneEntry, 0, min(info.Size()/shortestDone, maxDone))
	}
	return j.replayAll(f)
}

// reload takes in what this run has written, for another try of its job. Uploads of this run are
// then as those of an earlier one.
func (j *Journal) reload() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.flush(); j.err != nil {
		return nil //nolint:nilerr // Close tells of it; what is not written is copied again
	}
	j.done, j.pending, j.byKey, j.intentions = nil, map[string]*begun{}, map[string]string{}, nil
	if err := j.load(); err != nil {
		return fmt.Errorf("read the journal %s: %w", j.path, err)
	}
	return nil
}

// shortestDone is what the line of an output takes at least, nearly always.
const shortestDone = 24

// replayAll takes in the lines of a journal.
func (j *Journal) replayAll(from io.Reader) error {
	r := bufio.NewReaderSize(from, journalBuffer)
	first, err := r.ReadString('\n')
	if err != nil {
		return ignoreEOF(err)
	}
	same := first == journalMagic+j.identity+"\n"
	if !same && len(first) < len(journalMagic) || first[:len(journalMagic)] != journalMagic {
		return errors.New("it is not a journal")
	}
	full, at := false, int64(len(first))
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // an upload of many sources
			var rest []byte
			line = bytes.Clone(line)
			rest, err = r.ReadBytes('\n')
			line = append(line, rest...)
		case err == nil && len(j.done) == maxDone && !full:
			j.compact()
			full = len(j.done) > maxDone/4*3 // not worth doing again; what else comes is copied again
		}
		if err != nil {
			j.compact()
			return ignoreEOF(err)
		}
		at += int64(len(line))
		if at > j.distrusted || line[0] != 'd' {
			j.replay(bytes.TrimSuffix(line, []byte("\n")), same)
		}
	}
}

// compact sorts the outputs and leaves the latest line of each.
func (j *Journal) compact() {
	slices.SortStableFunc(j.done, func(a, b doneEntry) int { return cmp.Compare(a.key, b.key) })
	last := j.done[:0]
	for i, d := range j.done { // of several of one key the latest counts
		if i+1 == len(j.done) || j.done[i+1].key != d.key {
			last = append(last, d)
		}
	}
	j.done = last
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// replay takes in one line.
func (j *Journal) replay(line []byte, same bool) {
	if len(line) < 3 || line[1] != ' ' {
		return
	}
	rest := line[2:]
	switch line[0] {
	case 'd':
		key, version, ok := bytes.Cut(rest, []byte(" "))
		k, err := strconv.ParseUint(string(key), 36, 64)
		v, err2 := strconv.ParseUint(string(version), 36, 64)
		if same && ok && err == nil && err2 == nil && len(j.done) < maxDone {
			j.done = append(j.done, doneEntry{k, v})
		}
	case 'u':
		b := &begun{}
		if json.Unmarshal(rest, b) != nil || b.ID == "" {
			return
		}
		if !same {
			b.Version = "" // fits nothing
		}
		j.remember(b)
		delete(j.intentions, b.Bucket+b.Key)
	case 'i':
		var i intention
		if json.Unmarshal(rest, &i) == nil && i.Bucket != "" {
			j.note(i)
		}
	case 'p':
		var p journalPart
		if json.Unmarshal(rest, &p) == nil && j.pending[p.ID] != nil {
			b := j.pending[p.ID]
			b.parts[p.N], b.digests[p.N] = p.pieces(), string(p.Digest)
		}
	case 'e':
		j.forget(string(rest))
	}
}

func (j *Journal) remember(b *begun) {
	b.parts, b.digests = map[int][]piece{}, map[int]string{}
	j.pending[b.ID] = b
	j.byKey[b.Bucket+b.Key] = b.ID
}

func (j *Journal) forget(id string) {
	if b := j.pending[id]; b != nil {
		delete(j.pending, id)
		if j.byKey[b.Bucket+b.Key] == id {
			delete(j.byKey, b.Bucket+b.Key)
		}
	}
}

// rewrite replaces the file by one that says the same in as few lines, and opens it.
func (j *Journal) rewrite() (err error) {
	temp := j.path + ".tmp"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	j.file = f
	j.buf = append(append(append(j.buf, journalMagic...), j.identity...), '\n')
	for _, d := range j.done {
		j.appendDone(d)
		j.flushFull()
	}
	for _, b := range j.pending {
		j.appendJSON('u', b)
		for n, pieces := range b.parts {
			j.appendJSON('p', newJournalPart(b.ID, n, pieces, b.digests[n]))
			j.flushFull()
		}
	}
	for _, i := range j.intentions {
		j.appendJSON('i', i)
		j.flushFull()
	}
	j.flush()
	if j.err == nil {
		j.err = os.Rename(temp, j.path)
	}
	if j.err != nil {
		return errors.Join(j.err, f.Close(), os.Remove(temp))
	}
	return nil
}

func (j *Journal) appendDone(d doneEntry) {
	j.buf = append(j.buf, 'd', ' ')
	j.buf = strconv.AppendUint(j.buf, d.key, 36)
	j.buf = append(j.buf, ' ')
	j.buf = strconv.AppendUint(j.buf, d.version, 36)
	j.buf = append(j.buf, '\n')
	j.lines++
}

func (j *Journal) appendJSON(kind byte, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		j.err = cmp.Or(j.err, err)
		return
	}
	j.buf = append(append(append(j.buf, kind, ' '), text...), '\n')
}

func (j *Journal) flushFull() {
	if len(j.buf) >= journalBuffer {
		j.flush()
	}
}

// flush writes what is buffered, if the journal is not one that was only read. After an error nothing
// is written any more: the journal then knows less than it could.
func (j *Journal) flush() {
	if len(j.buf) > 0 && j.err == nil && j.file != nil {
		_, j.err = j.file.Write(j.buf)
	}
	j.buf = j.buf[:0]
}

func (j *Journal) flushOften() {
	ticker := time.NewTicker(journalInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			j.mu.Lock()
			j.flush()
			j.mu.Unlock()
		case <-j.stop:
			return
		}
	}
}

// Distrust makes the next run copy everything again. Parts of outputs that were not completed are
// still gone on with. It is called before the run.
func (j *Journal) Distrust() {
	j.done = nil
	if j.file == nil {
		return
	}
	if info, err := j.file.Stat(); err == nil {
		j.distrusted = info.Size()
	}
}

// Close writes what is left and reports the first error of all writing.
func (j *Journal) Close() error {
	close(j.stop)
	j.flushing.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flush()
	return errors.Join(j.err, j.file.Close())
}
