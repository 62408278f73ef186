package copier

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/skepdata/skep/storage"
)

// manifestLine is one source of a job in a manifest. The first four fields, in this order, are
// S3DistCp's: path and srcDir are of the destination, so that the manifest of one job can be the
// list of files for the next hop, and do not know of grouping. The rest is ours.
type manifestLine struct {
	Path     string `json:"path"`
	BaseName string `json:"baseName"`
	SrcDir   string `json:"srcDir"`
	Size     int64  `json:"size"`

	CRC32C string `json:"crc32c,omitempty"` // of the source's bytes, as S3 writes it
	ETag   string `json:"etag,omitempty"`   // of the source
	MTime  string `json:"mtime,omitempty"`  // of the source, RFC 3339
	Output string `json:"output,omitempty"` // the object that holds the source, if not path

	Bytes *manifestBytes `json:"bytes,omitempty"`
}

// manifestWriter writes a manifest into the destination while a job runs. It is visible once
// committed. Its methods are safe for concurrent use, except commit and abort.
type manifestWriter struct {
	out  storage.Writer
	dest string // URL of the destination, without a slash at its end

	mu  sync.Mutex
	gz  *gzip.Writer
	enc *json.Encoder
	err error
}

func createManifest(ctx context.Context, dest storage.Location, name string, a Attributes) (*manifestWriter, error) {
	dir := directory(dest.Prefix)
	out, err := dest.Bucket.Create(ctx, dir+name, a.private("application/gzip", false))
	if err != nil {
		return nil, err
	}
	m := &manifestWriter{out: out, dest: strings.TrimSuffix(dest.Bucket.URL()+dir, "/"), gz: gzip.NewWriter(out)}
	m.enc = json.NewEncoder(m.gz)
	m.enc.SetEscapeHTML(false)
	return m, nil
}

// add writes the lines of a task. sums are those of its sources, as far as they are known.
func (m *manifestWriter) add(t Task, sums []storage.Checksum) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, s := range t.Sources.All() {
		if s.kept {
			continue
		}
		if s.Key == "" && m.err == nil {
			m.err = s.lost
		}
		line := manifestLine{
			Path: m.dest + "/" + s.Base, BaseName: s.Base, SrcDir: m.dest, Size: s.Size, ETag: s.ETag,
			CRC32C: s.CRC32C.String(),
		}
		if i < len(sums) && sums[i].Known {
			line.CRC32C = sums[i].String()
		}
		if !s.ModTime.IsZero() {
			line.MTime = s.ModTime.UTC().Format(time.RFC3339Nano)
		}
		switch {
		case t.output != "":
			line.Output = t.output
		case t.Key != s.Base:
			line.Output = m.dest + "/" + t.Key
		}
		if m.err == nil {
			line.keepBytes()
			m.err = m.enc.Encode(line)
		}
	}
	return m.err
}

func (m *manifestWriter) commit() error {
	err := m.err
	if err == nil {
		err = m.gz.Close()
	}
	if err == nil {
		_, err = m.out.Commit()
	}
	if err != nil {
		return fmt.Errorf("write the manifest: %w", errors.Join(err, m.out.Abort()))
	}
	return nil
}

func (m *manifestWriter) abort() error { return m.out.Abort() }

// ManifestError is a manifest that is none, or not one of what is to be copied.
type ManifestError struct {
	URL string
	Err error // what is wrong, and in which line
}

func (e *ManifestError) Error() string { return fmt.Sprintf("manifest %s: %v", e.URL, e.Err) }

func (e *ManifestError) Unwrap() error { return e.Err }

// readManifest yields the lines of a manifest. It reads ones that are not compressed, too.
func readManifest(ctx context.Context, at storage.Location) iter.Seq2[manifestLine, error] {
	return func(yield func(manifestLine, error) bool) {
		fail := func(n int, err error) {
			if err = fmt.Errorf("line %d: %w", n, err); storage.IsTemporary(err) {
				yield(manifestLine{}, fmt.Errorf("manifest %s: %w", at.URL(), err)) // it is not to blame
				return
			}
			yield(manifestLine{}, &ManifestError{at.URL(), err})
		}
		r, err := at.Bucket.Open(ctx, at.Prefix, storage.ReadOptions{})
		if err != nil {
			yield(manifestLine{}, fmt.Errorf("manifest: %w", err))
			return
		}
		defer r.Close()
		in := bufio.NewReader(r)
		switch magic, err := in.Peek(2); {
		case len(magic) == 0 && err == io.EOF:
			yield(manifestLine{}, &ManifestError{at.URL(), errEmptyManifest})
			return
		case string(magic) == "\x1f\x8b":
			gz, err := gzip.NewReader(in)
			if err != nil {
				fail(1, err)
				return
			}
			in = bufio.NewReader(gz)
		}
		for n := 1; ; n++ {
			text, err := in.ReadBytes('\n')
			if text = bytes.TrimSpace(text); len(text) > 0 && (err == nil || err == io.EOF) {
				line, err := parseManifestLine(text)
				if err != nil {
					fail(n, err)
					return
				}
				if !yield(line, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				fail(n, err)
				return
			}
		}
	}
}

// errEmptyManifest is a file that was cut off before its first byte, or never written.
var errEmptyManifest = errors.New("it has no bytes; the manifest of a copy of nothing is a gzip file, of no lines")

func parseManifestLine(text []byte) (line manifestLine, err error) {
	if err = json.Unmarshal(text, &line); err != nil {
		return line, fmt.Errorf("not a JSON object of a manifest: %w", err)
	}
	line.restoreBytes()
	if line.Path == "" || line.BaseName == "" || line.Size < 0 {
		return line, errors.New("path, baseName or size is missing")
	}
	if _, err = storage.ParseChecksum(line.CRC32C); err != nil {
		return line, err
	}
	return line, nil
}

// previousEntry is what a job remembers of a line of the previous manifest.
type previousEntry struct {
	size   int64
	etag   string
	output string
	dir    string
}

// after is what counts of a line and one before it with the same name. The later one does. Two of
// different directories count if they say the same, and otherwise as nothing, so that the file is
// copied: nobody knows which of them it was.
func (e previousEntry) after(before previousEntry) previousEntry {
	if before.size == unknownSize || e.dir != before.dir && (e.size != before.size || e.etag != before.etag) {
		e.size, e.etag = unknownSize, ""
	}
	return e
}

// readPrevious reads the previous manifest, by base name. It holds all of it.
func readPrevious(ctx context.Context, opts Options) (map[string]previousEntry, error) {
	entries := map[string]previousEntry{}
	dirs := map[string]string{} // each once in memory
	for line, err := range readManifest(ctx, opts.PreviousManifest) {
		if err != nil && opts.PreviousOptional && errors.Is(err, storage.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		dir, known := dirs[line.SrcDir]
		if !known {
			dir = line.SrcDir
			dirs[dir] = dir
		}
		e := previousEntry{line.Size, line.ETag, line.Output, dir}
		if before, ok := entries[line.BaseName]; ok {
			e = e.after(before)
		}
		entries[line.BaseName] = e
	}
	return entries, nil
}

// unchanged reports whether the previous manifest has the file as it is now.
func (p *planner) unchanged(s Source) bool {
	e, ok := p.previous[s.Base]
	return ok && e.size == s.Size && (e.etag == "" || s.ETag == "" || e.etag == s.ETag)
}

// skipUnchanged skips a file that the previous manifest has.
func (p *planner) skipUnchanged(t *Task) {
	switch t.Skip = p.unchanged(t.Sources.First()); {
	case t.Skip:
		t.Reason = ReasonManifest
	case p.previous != nil:
		t.Reason = ReasonNew
	}
}

// fromManifest yields the files that the previous manifest names. What it says of their
// versions was true of other objects, those they were copied from, except their checksums. Of
// files that went into an output of another name it yields that, once: it is what there is.
func (p *planner) fromManifest(ctx context.Context) iter.Seq2[Source, error] {
	return p.lookUpAhead(ctx, func(ctx context.Context, yield func(promise) bool) {
		outputs := map[string]bool{}
		for line, err := range readManifest(ctx, p.opts.PreviousManifest) {
			if err != nil {
				yield(promise{err: err})
				return
			}
			at := line.Path
			if line.Output != "" {
				if at = line.Output; outputs[at] {
					continue
				}
				outputs[at] = true
			}
			key, ok := strings.CutPrefix(sameScheme(at), p.src.Bucket.URL())
			if !ok || key == "" {
				yield(promise{err: &ManifestError{p.opts.PreviousManifest.URL(), fmt.Errorf("%s is not in %s, where the source is", at, p.src.Bucket.URL())}})
				return
			}
			l := promise{Source: line.sourceEntry(), unknown: line.Output != ""}
			l.Key = key
			if l.unknown {
				l.Base = line.outputEntry().Base
			}
			if !yield(l) {
				return
			}
		}
	})
}

// described is what the source tells of a key that is on a list, or why it does not.
func (p *planner) described(ctx context.Context, key string) (storage.Object, error) {
	o, err := p.stat(ctx, key)
	if err != nil {
		o = storage.Object{Key: key}
	}
	return o, err
}

// sameScheme writes the other names of S3's scheme in the one way we do, and paths as URLs.
func sameScheme(url string) string {
	for _, alias := range []string{"s3a://", "s3n://"} {
		if rest, ok := strings.CutPrefix(url, alias); ok {
			return "s3://" + rest
		}
	}
	if strings.HasPrefix(url, "/") {
		return "file://" + url
	}
	if rest, ok := strings.CutPrefix(url, "file:/"); ok && !strings.HasPrefix(rest, "/") {
		return "file:///" + rest
	}
	return url
}
