package copier

import (
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/copy/internal/codec"
)

// transcoder writes an output whose sources change their compression on the way.
type transcoder struct {
	j    *job
	out  io.Writer
	enc  io.WriteCloser // of the sources in a row that are to be encoded, or nil
	with Codec
}

// transcode copies the sources one by one. Those that are encoded and follow each other share an
// encoder; those that stay as they are lie between as members of their own.
func (j *job) transcode(out io.Writer, t Task, from *span) error {
	tr := &transcoder{j: j, out: out}
	for i, s := range t.Sources.All() {
		from.until = i + 1
		if err := tr.add(s, from); err != nil {
			var damage *codec.Error
			if errors.As(err, &damage) {
				err = tr.whose(damage, err, from)
			}
			_ = tr.end() // the output is given up; what could not be written is in err, if that is why
			return fmt.Errorf("%s: %w", j.urlOf(s), err)
		}
	}
	return tr.end()
}

// codecMemory is about how many bytes decoding and encoding a task takes, besides what the crew has.
func (t Task) codecMemory() int64 {
	var decoder, encoder int64
	for _, way := range t.Sources.ways() {
		if way.decode != "" {
			decoder = max(decoder, way.decode.format().Reading)
		}
		if way.encode != "" {
			encoder = max(encoder, way.encode.format().Writing)
		}
	}
	return decoder + encoder
}

// whose finds out whether bytes that cannot be decoded are those that the store keeps, which are compared at the end.
// Trying it again is of use only if they are not.
func (tr *transcoder) whose(damage *codec.Error, err error, from *span) error {
	if err := tr.j.pump(io.Discard, from); err != nil {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("decode " + damage.Error()) // not one that passes
	}
	return err
}

func (tr *transcoder) add(s Source, from io.Reader) error {
	to, err := tr.encoder(s.step.encode)
	if err != nil {
		return err
	}
	if s.step.decode == "" {
		return tr.j.pump(to, from)
	}
	dec, err := s.step.decode.format().NewReader(from)
	if err == nil {
		err = tr.j.pump(to, dec)
		err = errors.Join(err, dec.Close())
	}
	if err != nil {
		return fmt.Errorf("decode %w", err) // the decoder says what, and where
	}
	return tr.j.pump(io.Discard, from)
}

// encoder is where a source is to be written that is to have the compression c.
func (tr *transcoder) encoder(c Codec) (io.Writer, error) {
	if c == "" {
		return tr.out, tr.end()
	}
	if tr.enc == nil || tr.with != c {
		if err := tr.end(); err != nil {
			return nil, err
		}
		enc, err := c.format().NewWriter(tr.out, codec.Options{Crew: tr.j.crew})
		if err != nil {
			return nil, err
		}
		tr.enc, tr.with = enc, c
	}
	return tr.enc, nil
}

// end completes what the encoder writes.
func (tr *transcoder) end() error {
	if tr.enc == nil {
		return nil
	}
	err := tr.enc.Close()
	tr.enc = nil
	return err
}
