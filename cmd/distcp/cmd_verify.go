package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// differenceLine is a difference in JSON.
type differenceLine struct {
	Event string `json:"event"`
	keyJSON
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

const verifySynopsis = "verify SRC DEST | verify SRC MANIFEST | verify MANIFEST DEST"

func (c *command) verify(ctx context.Context, args []string) error {
	var both sides
	v := verification{stdout: c.stdout, stderr: c.stderr, lines: c.jsonLines()}
	f := pflag.NewFlagSet("verify", pflag.ContinueOnError)
	f.BoolVar(&v.exact, "exact", false, "objects that only DEST has are differences, too")
	f.BoolVar(&v.quiet, "quiet", false, "print differences and errors only")
	v.addFlags(f)
	both.addFlags(f, "SRC", "DEST")
	if err := c.parse(f, args, verifySynopsis, 2, 2); err != nil {
		return err
	}
	open, err := c.openSides(v.settings, both)
	if err != nil {
		return err
	}
	defer open.close()
	src, err := openSource(ctx, open.src, f.Arg(0))
	if err != nil {
		return err
	}
	dest, err := open.dest.Open(ctx, f.Arg(1))
	if err != nil {
		return err
	}
	compare, err := comparing(ctx, src, dest)
	if err != nil {
		return err
	}
	opts := copier.Options{SrcPattern: v.pattern, PatternURL: patternURL(f.Arg(0)), Workers: int(v.workers)}
	result, err := compare(ctx, src, dest, opts, v.report)
	if err != nil {
		return absent(err)
	}
	if result.Same+result.Different-v.extra == 0 && v.pattern == "" {
		if err := present(ctx, src); err != nil {
			return absent(err)
		}
	}
	return v.conclude(result)
}

// present looks whether there is anything at a source that lists nothing: of all places but local directories that is all
// there is to know, and a mistyped one would pass for the same as any other.
func present(ctx context.Context, src storage.Location) error {
	if src.Bucket.URL() == "file:///" || src.Prefix == "" {
		return nil // openSource has looked, or it is a bucket, which listing would have missed
	}
	for _, err := range src.Bucket.List(ctx, src.Prefix) {
		return err
	}
	return &storage.Error{Op: "verify", URL: src.URL(), Err: storage.ErrNotExist}
}

// verification prints how two places differ.
type verification struct {
	lookFlags
	exact, quiet   bool
	stdout, stderr io.Writer
	lines          *json.Encoder
	extra          int64 // objects that only the destination has, which are no differences
}

func (v *verification) report(d copier.Difference) {
	switch {
	case d.Reason == "unexpected" && !v.exact:
		v.extra++
	case v.json:
		_ = v.lines.Encode(differenceLine{"difference", keyInJSON(d.Key), d.Reason, d.Detail}) // the exit code says it, too
	default:
		fmt.Fprintf(v.stdout, "%-10s  %s  %s\n", d.Reason, printable(d.Key), printable(d.Detail))
	}
}

func (v *verification) conclude(result copier.Comparison) error {
	different := result.Different - v.extra
	if v.json {
		err := v.lines.Encode(map[string]any{
			"event": "summary", "ok": different == 0, "same": result.Same, "bytes": result.Bytes, "different": different, "extra": v.extra,
		})
		if err != nil {
			return err
		}
	}
	if !v.quiet {
		text := fmt.Sprintf("%s with %s the same, %d different", count(result.Same, "object"), bytesText(result.Bytes), different)
		if v.extra > 0 {
			text += fmt.Sprintf(", %d at the destination only", v.extra)
		}
		fmt.Fprintln(v.stderr, text)
	}
	if different > 0 {
		return errQuiet
	}
	return nil
}

// comparing is how to compare two places, of which one may be a manifest.
func comparing(ctx context.Context, src, dest storage.Location) (
	func(context.Context, storage.Location, storage.Location, copier.Options, func(copier.Difference)) (copier.Comparison, error), error,
) {
	fromManifest, err := copier.IsManifest(ctx, src)
	if err != nil {
		return nil, err
	}
	toManifest, err := copier.IsManifest(ctx, dest)
	switch {
	case err != nil:
		return nil, err
	case fromManifest && toManifest:
		return nil, usagef("%s and %s are both manifests; one of the two must be a place", src.URL(), dest.URL())
	case fromManifest:
		return copier.CompareManifest, nil
	case toManifest:
		return copier.CompareWithManifest, nil
	}
	return copier.Compare, nil
}
