package copier

import (
	"fmt"

	"github.com/skepdata/skep/storage"
)

// Verify is what is compared of an output with what the destination says it has stored. What is
// read is compared with the checksum that the source's store keeps in any case.
type Verify string

// What may be compared, from much to little.
const (
	// VerifyReadBack reads each output again once it is visible and compares its bytes with what
	// was written. One that differs is deleted, and has failed. An output of a server that copied
	// alone and told no checksum is compared with its source, which is then read as well.
	VerifyReadBack Verify = "read-back"
	VerifyChecksum Verify = ""     // the size, and the checksum where the destination tells one
	VerifySize     Verify = "size" // the size alone
	VerifyNone     Verify = "none" // nothing
)

func (v Verify) check() error {
	switch v {
	case VerifyReadBack, VerifyChecksum, VerifySize, VerifyNone:
		return nil
	}
	return &OptionError{"Verify", fmt.Errorf("%q is not one of none, size and read-back", string(v))}
}

// differs reports whether what the destination tells of an output, or of a part of one, is not
// what was written, as far as that is to be found out.
func (v Verify) differs(size int64, sum storage.Checksum, stored storage.Object) bool {
	switch v {
	case VerifyNone:
		return false
	case VerifySize:
		return stored.Size != size
	}
	return stored.Size != size || sum.Differs(stored.CRC32C)
}

// mismatch is the error of an output that differs from what the destination has answered, or nil.
func (v Verify) mismatch(size int64, sum storage.Checksum, stored storage.Object) error {
	if !v.differs(size, sum, stored) {
		return nil
	}
	return fmt.Errorf("the destination has stored %d bytes with crc32c %s instead of %d with %s: %w",
		stored.Size, stored.CRC32C, size, sum, storage.ErrChecksum)
}
