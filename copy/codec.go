package copier

import (
	"fmt"
	"path"
	"strings"
)

// Codec is a choice of compression for the outputs.
type Codec string

// The codecs that outputs can have.
const (
	// CodecKeep leaves the bytes as they are. Grouped gzip files become one gzip file of
	// several members, which every gunzip reads as one.
	CodecKeep Codec = ""
	// CodecNone decodes gzip files.
	CodecNone Codec = "none"
	// CodecGzip compresses what is not compressed, and leaves gzip files as they are.
	CodecGzip Codec = "gzip"
)

func (c Codec) known() bool { return c == CodecKeep || c == CodecNone || c == CodecGzip }

// compressions are the file name suffixes that tell how a file is compressed. Different
// suffixes may stand for one compression.
var compressions = map[string]string{
	".gz": "gzip", ".gzip": "gzip", ".lzo": "lzo", ".lzop": "lzo", ".snappy": "snappy",
	".bz2": "bzip2", ".zst": "zstd", ".lz4": "lz4", ".xz": "xz",
}

// compression is what the suffix of a name says, and that suffix; both are empty for a file
// that is not compressed.
func compression(name string) (kind, suffix string) {
	suffix = path.Ext(name)
	if kind = compressions[strings.ToLower(suffix)]; kind == "" {
		return "", ""
	}
	return kind, suffix
}

// step is what happens to the bytes of one source on the way to its output.
type step int

const (
	stepKeep step = iota
	stepGunzip
	stepGzip
)

// stepFor is how a file of the given compression becomes part of an output of codec c.
func (c Codec) stepFor(kind string) (step, error) {
	switch {
	case c == CodecKeep, c == CodecGzip && kind == "gzip", c == CodecNone && kind == "":
		return stepKeep, nil
	case c == CodecNone && kind == "gzip":
		return stepGunzip, nil
	case c == CodecGzip && kind == "":
		return stepGzip, nil
	}
	return 0, fmt.Errorf("decoding %s is not supported yet", kind)
}

// outputSuffix is the suffix of an output made of files of the given compression, of which one
// is called name.
func (c Codec) outputSuffix(kind, name string) string {
	switch {
	case c == CodecNone, c == CodecKeep && kind == "":
		return ""
	}
	if other, suffix := compression(name); other == kind && kind != "" {
		return suffix
	}
	return ".gz" // of gzip files and others, or of others alone
}

// rename is the name of an output that has a single source, of the name given.
func (c Codec) rename(name string) string {
	if c == CodecKeep {
		return name
	}
	kind, suffix := compression(name)
	return strings.TrimSuffix(name, suffix) + c.outputSuffix(kind, name)
}
