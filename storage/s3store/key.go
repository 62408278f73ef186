package s3store

import (
	"fmt"
	"unicode/utf8"

	"github.com/skepdata/skep/storage"
)

const maxKeyBytes = 1024

// checkKey reports keys that no S3 service can hold. What only some refuse, as MinIO does
// with "..", is left to the service.
func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: it is empty", storage.ErrInvalidKey)
	case len(key) > maxKeyBytes:
		return fmt.Errorf("%w: %d bytes, where S3 takes %d", storage.ErrInvalidKey, len(key), maxKeyBytes)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: %q is not UTF-8", storage.ErrInvalidKey, key)
	}
	return nil
}
