package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/skepdata/skep/copy/internal/steal"
	"github.com/skepdata/skep/storage"
)

// Difference is one object that two places do not have alike.
type Difference struct {
	Key    string // relative to both places
	Reason string // "missing", "unexpected", "size" or "checksum"
	Detail string // the two sizes or checksums; of the first two empty, but where a copy would fail, too
}

// Comparison is the result of Compare.
type Comparison struct {
	Same      int64 // objects both places have with the same size and checksum
	Bytes     int64 // of those
	Different int64
	Read      int64 // bytes read because a store does not keep checksums
}

// Compare compares the objects of two places by their names, sizes and checksums: a is what a copy
// takes for its source (see Plan), b a directory or one object. An object whose store keeps no checksum
// is read. It reports each difference to found, which is called by one goroutine at a time, in no
// particular order, and returns when all is compared.
//
// The listings are merged as they come: memory does not grow with the number of objects. Of
// Options only Workers, PatternURL and SrcPattern, which selects among the names of a, count.
func Compare(
	ctx context.Context, a, b storage.Location, opts Options, found func(Difference),
) (Comparison, error) {
	c := &comparison{a: a, b: b, found: found}
	return c.run(ctx, opts, c.pairs(ctx, opts))
}

// run compares what pairs yields.
func (c *comparison) run(ctx context.Context, opts Options, pairs iter.Seq2[pair, error]) (Comparison, error) {
	buffers := sync.Pool{New: func() any { p := make([]byte, bufferSize); return &p }}
	err := steal.Run(ctx, opts.workers(), pairs, func(ctx context.Context, p pair, _ func(pair)) error {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		return c.compare(ctx, p, *buf)
	})
	return c.result, err
}

type comparison struct {
	a, b  storage.Location // without a bucket if it is a manifest that is compared
	found func(Difference)

	mu     sync.Mutex
	result Comparison
}

// pair is an object of each side, of which one may be missing.
type pair struct{ a, b *Source }

// pairs merges the listings, both in the order of their names.
func (c *comparison) pairs(ctx context.Context, opts Options) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		dest, err := listedBelow(ctx, c.b, "", Options{})
		if err != nil {
			yield(pair{}, err)
			return
		}
		mergeSource(ctx, c.a, opts, func(files iter.Seq2[Source, error]) iter.Seq2[Source, error] { return files }, dest, yield)
	}
}

// mergeSource merges the files of a source, after what else is done with them, with what another
// place has, and yields what SrcPattern selects. What the other place alone has it sees as if that
// were below the source.
func mergeSource(
	ctx context.Context, src storage.Location, opts Options, with func(iter.Seq2[Source, error]) iter.Seq2[Source, error],
	other iter.Seq2[Source, error], yield func(pair, error) bool,
) {
	all, err := newPlanner(src, Options{})
	if err != nil {
		yield(pair{}, err)
		return
	}
	here, err := newPlanner(src, Options{SrcPattern: opts.SrcPattern, PatternURL: opts.PatternURL})
	if err != nil {
		yield(pair{}, err)
		return
	}
	there := *here
	there.below = directory(here.patternURL)
	merge(with(all.files(ctx)), other, func(p pair, err error) bool {
		selected := true
		switch {
		case err != nil:
		case p.a != nil:
			selected, err = here.selects(*p.a)
		default:
			selected, err = there.selects(*p.b)
		}
		return !selected && err == nil || yield(p, err)
	})
}

// listedBelow are the files of a directory, or one object, that SrcPattern selects, as if they were
// below a URL.
func listedBelow(
	ctx context.Context, at storage.Location, below string, opts Options,
) (iter.Seq2[Source, error], error) {
	p, err := newPlanner(at, Options{SrcPattern: opts.SrcPattern})
	if err != nil {
		return nil, err
	}
	p.below = directory(below)
	if p.below == "" {
		p.below = "/" // nothing sees it
	}
	return p.files(ctx), nil
}

func merge(seqA, seqB iter.Seq2[Source, error], yield func(pair, error) bool) {
	nextA, stopA := iter.Pull2(seqA)
	defer stopA()
	nextB, stopB := iter.Pull2(seqB)
	defer stopB()
	a, errA, okA := nextA()
	b, errB, okB := nextB()
	for okA || okB {
		if err := errors.Join(errA, errB); err != nil {
			yield(pair{}, err)
			return
		}
		var p pair
		if okA && (!okB || a.Base <= b.Base) {
			p.a = &Source{Object: a.Object, Base: a.Base, lost: a.lost}
		}
		if okB && (!okA || b.Base <= a.Base) {
			p.b = &Source{Object: b.Object, Base: b.Base}
		}
		if !yield(p, nil) {
			return
		}
		if p.a != nil {
			a, errA, okA = nextA()
		}
		if p.b != nil {
			b, errB, okB = nextB()
		}
	}
}

func (c *comparison) compare(ctx context.Context, p pair, buf []byte) error {
	switch {
	case p.b == nil && p.a.lost != nil: // another one of its name has been compared
		c.differ(Difference{Key: p.a.Base, Reason: "missing", Detail: p.a.lost.Error()})
	case p.b == nil:
		c.differ(Difference{Key: p.a.Base, Reason: "missing"})
	case p.a == nil:
		c.differ(Difference{Key: p.b.Base, Reason: "unexpected"})
	case p.a.Size == unknownSize:
		c.agree(p.b.Size)
	case p.a.Size != p.b.Size:
		c.differ(Difference{p.a.Base, "size", fmt.Sprintf("%d bytes and %d bytes", p.a.Size, p.b.Size)})
	case c.a.Bucket == nil && !p.a.CRC32C.Known || c.b.Bucket == nil && !p.b.CRC32C.Known:
		c.agree(p.a.Size)
	case c.sameMD5(p):
		c.agree(p.a.Size)
	default:
		sumA, err := c.checksum(ctx, c.a.Bucket, p.a.Object, buf)
		if err != nil {
			return err
		}
		sumB, err := c.checksum(ctx, c.b.Bucket, p.b.Object, buf)
		if err != nil {
			return err
		}
		if sumA != sumB {
			c.differ(Difference{p.a.Base, "checksum", fmt.Sprintf("crc32c %s and %s", sumA, sumB)})
			return nil
		}
		c.agree(p.a.Size)
	}
	return nil
}

// sameMD5 reports whether the listings of two services of S3 have one MD5 for the contents: nothing more has to be
// asked then.
func (c *comparison) sameMD5(p pair) bool {
	return c.a.Bucket != nil && c.b.Bucket != nil && isFlat(c.a.Bucket) && isFlat(c.b.Bucket) &&
		isMD5(p.a.ETag) && p.a.ETag == p.b.ETag
}

func (c *comparison) agree(size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result.Same++
	c.result.Bytes += size
}

func (c *comparison) differ(d Difference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result.Different++
	c.found(d)
}

// checksum is that of an object; bytes it has to read for it are counted.
func (c *comparison) checksum(
	ctx context.Context, b storage.Bucket, o storage.Object, buf []byte,
) (storage.Checksum, error) {
	return checksum(ctx, b, o, buf, func(n int) {
		c.mu.Lock()
		c.result.Read += int64(n)
		c.mu.Unlock()
	})
}

// checksum is the one that the description of an object or its store has, or else that of its
// bytes, which it reads with buf and tells to read.
func checksum(
	ctx context.Context, b storage.Bucket, o storage.Object, buf []byte, read func(n int),
) (sum storage.Checksum, err error) {
	if o.CRC32C.Known {
		return o.CRC32C, nil
	}
	if described, err := statSource(ctx, b, o); err != nil {
		return sum, err
	} else if described.CRC32C.Known {
		return described.CRC32C, nil
	}
	return contentCRC32C(ctx, b, o, buf, read)
}

// contentCRC32C is the checksum of an object's bytes, of the version that o names if it does.
func contentCRC32C(
	ctx context.Context, b storage.Bucket, o storage.Object, buf []byte, read func(n int),
) (sum storage.Checksum, err error) {
	r, err := b.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag, VersionID: o.VersionID})
	if err != nil {
		return sum, err
	}
	defer r.Close()
	sum = storage.CRC32C(nil)
	for {
		n, err := r.Read(buf)
		sum = storage.UpdateCRC32C(sum, buf[:n])
		read(n)
		if err == io.EOF { //nolint:errorlint // the io.Reader contract: EOF is never wrapped
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}
