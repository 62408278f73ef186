package orc

import (
	"context"
	"fmt"

	"github.com/skepdata/skep/internal/orcfile"
)

// ErrFormat is wrapped by errors about files that are not what the specification says.
var ErrFormat = orcfile.ErrFormat

// kinds of streams, and of encodings.
const (
	streamPresent        = 0
	streamData           = 1
	streamLength         = 2
	streamDictionary     = 3
	streamSecondary      = 5
	streamIndex          = 6
	streamBloom          = 7
	streamBloomUTF8      = 8
	encodingDirect       = 0
	encodingDictionary   = 1
	encodingDirectV2     = 2
	encodingDictionaryV2 = 3
)

// streamInfo is one stream of a stripe.
type streamInfo struct {
	kind, column uint64
	offset       int64 // in the file
	length       int64
}

// encoding is how a column of a stripe is encoded.
type encoding struct {
	kind       uint64
	dictionary uint64 // entries of it
}

// stripeFooter is what a stripe says of itself.
type stripeFooter struct {
	streams   []streamInfo
	encodings []encoding
	zone      string
}

// stream is the one of a kind and a column, nil if there is none.
func (f *stripeFooter) stream(kind uint64, id uint32) *streamInfo {
	for i := range f.streams {
		if f.streams[i].kind == kind && f.streams[i].column == uint64(id) {
			return &f.streams[i]
		}
	}
	return nil
}

// stripeFooter reads the footer of a stripe.
func (f *File) stripeFooter(ctx context.Context, s *orcfile.Stripe) (*stripeFooter, error) {
	packed := make([]byte, s.Footer)
	if err := f.read(ctx, packed, s.Offset+s.Index+s.Data); err != nil {
		return nil, err
	}
	plain, err := f.plain(packed)
	if err != nil {
		return nil, fmt.Errorf("its footer: %w", err)
	}
	footer, err := parseStripeFooter(plain, s)
	if err != nil {
		return nil, fmt.Errorf("its footer: %w", err)
	}
	return footer, nil
}

// parseStripeFooter reads the footer of s, whose streams lie one behind the other.
func parseStripeFooter(b []byte, s *orcfile.Stripe) (*stripeFooter, error) {
	footer := &stripeFooter{}
	at := s.Offset
	err := orcfile.Fields(b, func(f orcfile.Field) error {
		switch f.Number {
		case 1:
			stream := streamInfo{offset: at}
			err := orcfile.Fields(f.Bytes, func(f orcfile.Field) error {
				switch f.Number {
				case 1:
					stream.kind = f.N
				case 2:
					stream.column = f.N
				case 3:
					if f.N > uint64(s.Index+s.Data) {
						return orcfile.Malformed("a stream of %d bytes in a stripe of %d", f.N, s.Index+s.Data)
					}
					stream.length = int64(f.N)
				}
				return nil
			})
			at += stream.length
			footer.streams = append(footer.streams, stream)
			return err
		case 2:
			var e encoding
			err := orcfile.Fields(f.Bytes, func(f orcfile.Field) error {
				switch f.Number {
				case 1:
					e.kind = f.N
				case 2:
					e.dictionary = f.N
				}
				return nil
			})
			footer.encodings = append(footer.encodings, e)
			return err
		case 3:
			footer.zone = string(f.Bytes)
		}
		return nil
	})
	if err == nil && at > s.Offset+s.Index+s.Data {
		err = orcfile.Malformed("streams are longer than their stripe")
	}
	return footer, err
}
