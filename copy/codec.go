package copier

import (
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/skepdata/skep/copy/internal/codec"
)

// Codec is a choice of compression for the outputs: one of the constants, or the name of a
// format that [ParseCodec] knows.
type Codec string

// Codecs that outputs can have. The others have their own names, such as "zstd".
const (
	// CodecKeep leaves the bytes as they are. Grouped gzip files become one gzip file of
	// several members, which every gunzip reads as one; so do the other formats that may be
	// joined. Grouped files of a format that may not are decoded and encoded as one.
	CodecKeep Codec = ""
	// CodecNone decodes compressed files.
	CodecNone Codec = "none"
	// CodecGzip compresses what is not compressed, leaves gzip files as they are, and decodes
	// files of other formats to compress them again. So do the other formats.
	CodecGzip Codec = "gzip"
)

// ParseCodec is the codec that --outputCodec calls by that name, whatever its case: keep, none,
// or one of gzip (gz), bzip2 (bz2), zstd (zst), lz4, lzo (lzop), snappy and deflate.
func ParseCodec(name string) (Codec, error) {
	if strings.EqualFold(name, "keep") {
		return CodecKeep, nil
	}
	format, err := codec.ByName(name)
	if err != nil {
		return "", fmt.Errorf("%q is not a codec; use keep, or one of %s", name, strings.Join(codec.Names(), ", "))
	}
	return Codec(format.Name), nil
}

func (c Codec) known() bool {
	format, err := codec.ByName(string(c))
	return c == CodecKeep || err == nil && format.Name == string(c)
}

// Heavy reports whether compressing takes several times the memory, and the time, that it takes with other
// codecs.
func (c Codec) Heavy() bool { return c.format().Heavy }

// format is the implementation of a codec other than keep, which has been found to be known.
func (c Codec) format() codec.Codec {
	format, _ := codec.ByName(string(c))
	return format
}

// xz is a compression that is known by its suffix alone.
const xz = "xz"

// compression is what the suffix of a name says of how a file is compressed, and that suffix;
// both are empty for a file that is not.
func compression(name string) (kind, suffix string) {
	if suffix = path.Ext(name); strings.EqualFold(suffix, "."+xz) {
		return xz, suffix
	}
	format, base, ok := codec.BySuffix(name)
	if !ok {
		return "", ""
	}
	return format.Name, name[len(base):]
}

// step is what happens to the bytes of one source on the way to its output: decoding, encoding,
// both, or, for the zero value, nothing.
type step struct {
	decode, encode Codec
}

// stepFor is how a file of the given compression becomes part of an output of codec c. alone
// says that it is all of the output.
func (c Codec) stepFor(kind string, alone bool) (step, error) {
	target := c
	if c == CodecKeep {
		target = Codec(kind)
	}
	if target == CodecNone {
		target = ""
	}
	same := string(target) == kind
	joins := kind == "" || kind == xz || Codec(kind).format().Concatenates
	switch {
	case same && (alone || joins):
		return step{}, nil
	case kind == xz:
		return step{}, fmt.Errorf("decoding %s is not supported yet", kind)
	}
	return step{decode: Codec(kind), encode: target}, nil
}

// outputSuffix is the suffix of an output made of files of the given compression, of which one
// is called name.
func (c Codec) outputSuffix(kind, name string) string {
	target := string(c)
	if c == CodecKeep {
		target = kind
	}
	if c == CodecNone || target == "" {
		return ""
	}
	if other, suffix := compression(name); other == target {
		return suffix
	}
	return Codec(target).format().Suffix
}

// rename is the name of an output that has a single source, of the name given.
func (c Codec) rename(name string) string {
	if c == CodecKeep {
		return name
	}
	kind, suffix := compression(name)
	return strings.TrimSuffix(name, suffix) + c.outputSuffix(kind, name)
}

// mostEncoders bounds how many blocks are compressed at once.
const mostEncoders = 8

// newCrew compresses for all outputs of a job.
func newCrew() *codec.Crew { return codec.NewCrew(min(runtime.GOMAXPROCS(0), mostEncoders)) }
