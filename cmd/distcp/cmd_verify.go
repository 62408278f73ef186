package main

import (
	"context"
	"encoding/json"
	"fmt"

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
	var flags lookFlags
	var both sides
	var exact, quiet bool
	f := pflag.NewFlagSet("verify", pflag.ContinueOnError)
	f.BoolVar(&exact, "exact", false, "objects that only DEST has are differences, too")
	f.BoolVar(&quiet, "quiet", false, "print differences and errors only")
	flags.addFlags(f)
	both.addFlags(f, "SRC", "DEST")
	if err := c.parse(f, args, verifySynopsis, 2, 2); err != nil {
		return err
	}
	open, err := c.openSides(flags.settings, both)
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
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	var extra int64
	opts := copier.Options{SrcPattern: flags.pattern, PatternURL: patternURL(f.Arg(0)), Workers: int(flags.workers)}
	compare, err := comparing(ctx, src, dest)
	if err != nil {
		return err
	}
	result, err := compare(ctx, src, dest, opts, func(d copier.Difference) {
		if d.Reason == "unexpected" && !exact {
			extra++
			return
		}
		if flags.json {
			_ = enc.Encode(differenceLine{"difference", keyInJSON(d.Key), d.Reason, d.Detail}) // the exit code says it, too
			return
		}
		fmt.Fprintf(c.stdout, "%-10s  %s  %s\n", d.Reason, printable(d.Key), printable(d.Detail))
	})
	if err != nil {
		return absent(err)
	}
	different := result.Different - extra
	if flags.json {
		err = enc.Encode(map[string]any{
			"event": "summary", "ok": different == 0, "same": result.Same, "bytes": result.Bytes, "different": different, "extra": extra,
		})
		if err != nil {
			return err
		}
	}
	if !quiet {
		text := fmt.Sprintf("%s with %s the same, %d different", count(result.Same, "object"), bytesText(result.Bytes), different)
		if extra > 0 {
			text += fmt.Sprintf(", %d at the destination only", extra)
		}
		fmt.Fprintln(c.stderr, text)
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
