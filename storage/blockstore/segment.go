package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/skepdata/skep/storage"
)

// segment is what a reader reads of one block.
type segment struct {
	block
	pos, end int64 // offsets in the block: what is still to read

	f      file  // of a replica; nil until prepared
	on     *disk // that has it
	failed int   // so many of the replicas, from the first, could not be read
}

func (s *segment) close() {
	if s.f != nil {
		_ = s.f.Close() // nothing was written
		s.f = nil
	}
}

// prepare opens the file of a replica and gets the checksums.
func (s *segment) prepare(r *reader) error {
	if s.f != nil {
		return nil
	}
	if err := s.getChunks(r); err != nil {
		return err
	}
	if s.failed >= len(s.disks) {
		return fmt.Errorf("%w: the namespace has no replica of block %x", storage.ErrChecksum, s.id)
	}
	return s.openNext(r, nil)
}

// getChunks looks up the checksums, which only the first block of an object comes with.
func (s *segment) getChunks(r *reader) error {
	if s.chunks == nil {
		sums, err := column[[]byte](r.ctx, r.v.ns.reads, "SELECT chunks FROM blocks WHERE id = ?", s.id)
		if err != nil {
			return err
		}
		if len(sums) == 0 {
			return &missingBlockError{s.first(), r.row.version, errors.New("the namespace does not have it any more")}
		}
		s.chunks = sums[0]
	}
	if int64(len(s.chunks)) != 4*chunksIn(s.size) {
		return fmt.Errorf("%w: block %x has %d bytes of checksums, want %d",
			storage.ErrChecksum, s.id, len(s.chunks), 4*chunksIn(s.size))
	}
	return nil
}

// openNext opens the first replica that can be opened of those that have not failed. first is the
// error of an earlier one, or nil. A block of which no replica is left is reported by the first error.
func (s *segment) openNext(r *reader, first error) error {
	s.close()
	for s.failed < len(s.disks) {
		replica := s.at(s.disks[s.failed])
		d, err := r.v.disk(r.ctx, replica.disk)
		if err == nil {
			if s.f, err = r.v.files.open(d.path(s.id), os.O_RDONLY); err == nil {
				s.on = d
				return nil
			}
			if errors.Is(err, fs.ErrNotExist) {
				err = &missingBlockError{replica, r.row.version, err}
			} else {
				err = fmt.Errorf("%s: %w", replica.name(), err)
			}
			if len(s.disks) > 1 { // else it may just have gone with its object
				r.v.reportDamage(r.ctx, replica, err)
			}
		}
		if first == nil {
			first = err
		}
		s.failed++
	}
	return first
}

// readElsewhere reads p, which begins with a chunk and ends at the end of one, when reading it has failed: from the
// replicas that are left. good is how many of its first bytes could be read; err is of the first replica.
func (s *segment) readElsewhere(r *reader, chunk int64, p []byte, good int, first error) (int, error) {
	for err := first; r.ctx.Err() == nil; {
		r.v.reportDamage(r.ctx, s.at(s.on.id), err)
		s.failed++
		if s.openNext(r, first) != nil {
			break
		}
		var n int
		if n, err = s.start(r.b.opts.VerifyReads, chunk, p, 0).finish(); err == nil {
			return n, nil
		}
		good = max(good, n) // they are the same from any replica
	}
	return good, first
}

// readPiece reads p and compares the checksum of every chunk in it that is to be compared.
func (s *segment) readPiece(verify Verification, chunk int64, p []byte) error {
	offset := chunk * chunkSize
	replica := s.at(s.on.id)
	if n, err := s.f.ReadAt(p, offset); err != nil && !(errors.Is(err, io.EOF) && n == len(p)) {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %s (%s) ends after %d of %d bytes",
				storage.ErrChecksum, replica.name(), s.f.Name(), offset+int64(n), s.size)
		}
		return fmt.Errorf("%s, offset %d: %w", replica.name(), offset, err)
	}
	for len(p) > 0 {
		piece := p[:min(len(p), chunkSize)]
		if verify.wants(s.id, chunk) {
			if got := storage.CRC32C(piece); got.Sum != s.chunks.at(chunk) {
				want := storage.Checksum{Sum: s.chunks.at(chunk), Known: true}
				return fmt.Errorf("%w: %s (%s), bytes %d to %d: have %s, want %s", storage.ErrChecksum,
					replica.name(), s.f.Name(), offset, offset+int64(len(piece)), got, want)
			}
		}
		p = p[len(piece):]
		chunk++
		offset += int64(len(piece))
	}
	return nil
}

// Verification says which chunks are compared with their checksums when they are read.
type Verification int

// How much is compared. What is not may be handed out damaged.
const (
	VerifyAlways  Verification = iota // every chunk
	VerifySampled                     // the first chunk of each block, and one of sixteen others
	VerifyNever                       // none: damage is handed out unseen
)

func (v Verification) wants(block, chunk int64) bool {
	switch v {
	case VerifyNever:
		return false
	case VerifySampled:
		// Which ones changes from block to block and from second to second, so that in time all are.
		return chunk == 0 || (block+chunk+time.Now().Unix())%16 == 0
	}
	return true
}

// ParseVerification reads "always", "sampled" or "never".
func ParseVerification(text string) (Verification, error) {
	for v, name := range []string{"always", "sampled", "never"} {
		if text == name {
			return Verification(v), nil
		}
	}
	return 0, fmt.Errorf("%q: want always, sampled or never", text)
}

// reportTimeout bounds how long a reader waits until damage it has seen is written down.
const reportTimeout = 5 * time.Second

// reportDamage marks a replica as damaged and queues its block for repair. Whoever may not write to
// the namespace reads on without.
func (s *store) reportDamage(ctx context.Context, replica blockRef, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTimeout)
	defer cancel()
	_ = s.update(ctx, func(tx *sql.Tx) error {
		t := &transaction{Tx: tx, s: s, now: time.Now()}
		result, err := t.ExecContext(ctx, "UPDATE replicas SET state = 1 WHERE block = ? AND disk = ?",
			replica.id, replica.disk)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err // the block went meanwhile
		}
		return t.wantRepair(ctx, replica.id, cause.Error())
	})
}
