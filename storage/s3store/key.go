package s3store

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/storage"
)

const (
	maxKeyBytes  = 1024
	maxNameBytes = 255 // between slashes, where objects are kept in directories
)

// checkKey reports keys that the service cannot hold. Amazon takes any UTF-8. MinIO and its
// like keep objects in directories: they refuse some keys, and take "/a" for "a", which
// would be another object.
func (c *Client) checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: it is empty", storage.ErrInvalidKey)
	case strings.TrimSpace(key) == "": // the library reads none
		return fmt.Errorf("%w: %q is nothing but white space", storage.ErrInvalidKey, key)
	case len(key) > maxKeyBytes:
		return fmt.Errorf("%w: %d bytes, where S3 takes %d", storage.ErrInvalidKey, len(key), maxKeyBytes)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: %q is not UTF-8", storage.ErrInvalidKey, key)
	case !c.strict:
		return nil
	}
	// A slash at the end is fine: it makes an object, as consoles do for "directories".
	for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if segment == "" {
			return fmt.Errorf("%w: %q has an empty name between slashes", storage.ErrInvalidKey, key)
		}
		for name := range strings.SplitSeq(segment, `\`) { // which some systems take for a slash
			if name = strings.TrimSpace(name); name == "." || name == ".." {
				return fmt.Errorf("%w: %q has %q for a name", storage.ErrInvalidKey, key, name)
			}
		}
		if len(segment) > maxNameBytes {
			return fmt.Errorf("%w: %q has %d bytes between slashes, where the server takes %d",
				storage.ErrInvalidKey, key, len(segment), maxNameBytes)
		}
		if strings.IndexByte(segment, 0) >= 0 {
			return fmt.Errorf("%w: %q has a NUL", storage.ErrInvalidKey, key)
		}
	}
	return nil
}
