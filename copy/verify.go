package copier

import (
	"fmt"

	"github.com/skepdata/skep/storage"
)

// Verify is what is compared of an output with what the destination says it has stored. What is
// read is compared with the CRC32C that the source's store keeps in any case.
type Verify string

// What may be compared, from much to little.
const (
	// VerifyReadBack reads each output again once it is visible and compares its bytes with what
	// was written. One that differs is deleted, and has failed. An output of a server that copied
	// alone and told no checksum is compared with its source, which is then read as well.
	// Where the source's store has another digest than the CRC32C, and bytes may come changed from it, as over plain
	// HTTP, the output of a single source is compared with that.
	VerifyReadBack Verify = "read-back"
	// VerifyChecksum compares the size, and the checksum where the destination tells one; and what is read
	// with such a digest of the source's store, if that can be put together from those of its parts.
	VerifyChecksum Verify = ""
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

// digests reports whether what is read is compared with other digests than the CRC32C, too.
func (v Verify) digests() bool { return v == VerifyChecksum || v == VerifyReadBack }

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
