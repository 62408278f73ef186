package s3store

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/storage"
)

const maxKeyBytes = 1024

// checkKey reports keys that the service cannot hold. Amazon takes any UTF-8. MinIO and its
// like keep objects in directories: they refuse some keys, and take "/a" for "a", which
// would be another object.
func (c *Client) checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: it is empty", storage.ErrInvalidKey)
	case len(key) > maxKeyBytes:
		return fmt.Errorf("%w: %d bytes, where S3 takes %d", storage.ErrInvalidKey, len(key), maxKeyBytes)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: %q is not UTF-8", storage.ErrInvalidKey, key)
	case !c.strict:
		return nil
	}
	// A slash at the end is fine: it makes an object, as consoles do for "directories".
	for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		switch segment {
		case "":
			return fmt.Errorf("%w: %q has an empty name between slashes", storage.ErrInvalidKey, key)
		case ".", "..":
			return fmt.Errorf("%w: %q has %q for a name", storage.ErrInvalidKey, key, segment)
		}
	}
	return nil
}
