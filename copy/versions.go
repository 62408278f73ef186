package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/skepdata/skep/storage"
)

// ofVersions reports whether the sources are versions of objects rather than what there is now.
func (o Options) ofVersions() bool { return !o.AsOf.IsZero() || o.VersionID != "" }

// checkVersions reports what AsOf and VersionID cannot be combined with.
func (o Options) checkVersions() error {
	option := "AsOf"
	if o.VersionID != "" {
		option = "VersionID"
	}
	switch {
	case !o.ofVersions():
		return nil
	case !o.AsOf.IsZero() && o.VersionID != "":
		return &OptionError{option, errors.New("and AsOf both choose versions; choose one")}
	case o.CopyFromManifest:
		return &OptionError{option, errors.New("cannot be combined with CopyFromManifest, which does not name versions")}
	case o.DeleteOnSuccess:
		return &OptionError{option, errors.New("cannot be combined with DeleteOnSuccess: what there is now may never have been copied")}
	case o.VersionID != "" && (o.SrcList != nil || len(o.SrcPrefixes) > 0 || o.Sync.Delete):
		return &OptionError{option, errors.New("is of one object; lists, prefixes and deleting at the destination are for many")}
	case o.Sync.Existing == ExistingUpdate && o.Sync.CompareBy == CompareTime:
		return &OptionError{option, errors.New("needs CompareBy etag or checksum: an older version has an older time than its copies")}
	}
	return nil
}

// openVersions finds the source's way to versions, if they are asked for.
func (p *planner) openVersions() error {
	if !p.opts.ofVersions() {
		return nil
	}
	v, ok := storage.As[storage.VersionLister](p.src.Bucket)
	if !ok {
		option := "AsOf"
		if p.opts.VersionID != "" {
			option = "VersionID"
		}
		return &OptionError{option, fmt.Errorf("%s keeps no versions of objects; s3:// does", p.src.Bucket.URL())}
	}
	if at := p.src.Prefix; p.opts.VersionID != "" && (at == "" || strings.HasSuffix(at, "/")) {
		return &OptionError{"VersionID", fmt.Errorf("is of one object, and %s names many", p.src.URL())}
	}
	p.versions = v
	return nil
}

// list lists the source, as it is or was.
func (p *planner) list(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	if p.opts.AsOf.IsZero() {
		return listWide(ctx, p.src.Bucket, prefix)
	}
	return p.versions.ListAsOf(ctx, prefix, p.opts.AsOf)
}

// stat describes an object of the source, as it is or was.
func (p *planner) stat(ctx context.Context, key string) (storage.Object, error) {
	if p.opts.AsOf.IsZero() {
		o, err := p.src.Bucket.Stat(ctx, key)
		o.VersionID = "" // it is the newest, as those of listings are
		return o, err
	}
	for o, err := range p.versions.ListAsOf(ctx, key, p.opts.AsOf) {
		if err != nil {
			return storage.Object{}, err
		}
		if o.Key == key {
			return o, nil
		}
		break // the key itself would be the first
	}
	return storage.Object{}, &storage.Error{Op: "stat", URL: p.src.Bucket.URL() + key, Err: fmt.Errorf(
		"it did not exist at %s: %w", p.opts.AsOf.Format("2006-01-02T15:04:05Z07:00"), storage.ErrNotExist)}
}

// oneVersion yields the version that Options.VersionID names of the object that the source is.
func (p *planner) oneVersion(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		o, err := p.versions.StatVersion(ctx, p.src.Prefix, p.opts.VersionID)
		if err != nil {
			yield(Source{}, err)
			return
		}
		o.VersionID = p.opts.VersionID
		yield(Source{Object: o, Base: baseName(p.src.Prefix, o.Key)}, nil)
	}
}

// statSource describes the version of an object that is a source.
func statSource(ctx context.Context, b storage.Bucket, o storage.Object) (storage.Object, error) {
	if v, ok := storage.As[storage.VersionLister](b); ok && o.VersionID != "" {
		return v.StatVersion(ctx, o.Key, o.VersionID)
	}
	return b.Stat(ctx, o.Key)
}
