//go:build !linux

package blockstore

import "errors"

// evict takes files out of the page cache, which only Linux does for who asks.
func evict([]string) error { return errors.New("only Linux takes files out of its page cache") }
