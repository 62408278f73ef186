package copier_test

import (
	"errors"
	"io"
	"maps"
	"path/filepath"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/storagetest"
)

// described is a bucket with one object that has everything.
func described(t *testing.T) *storagetest.Mem {
	t.Helper()
	b := storagetest.NewMem("mem://a/")
	w, err := b.Create(t.Context(), "x.csv", storage.CreateOptions{
		ContentType: "text/x", Metadata: map[string]string{"owner": "ops"}, Tags: map[string]string{"team": "data"},
		Headers: storage.Headers{CacheControl: "no-cache"}, ACL: "public-read",
	})
	if err == nil {
		_, err = io.WriteString(w, "some text")
	}
	if err == nil {
		_, err = w.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// On the server, as a stream and in parts, outputs get the same attributes.
func TestAttributes(t *testing.T) {
	type want struct {
		contentType, cache, class, acl string
		metadata, tags                 map[string]string
	}
	kept := want{contentType: "text/x", cache: "no-cache", acl: "private",
		metadata: map[string]string{"owner": "ops"}, tags: map[string]string{"team": "data"}}
	for name, test := range map[string]struct {
		a    copier.Attributes
		want func(*want)
	}{
		"kept":     {copier.Attributes{DetectType: true}, func(*want) {}},
		"class":    {copier.Attributes{StorageClass: "STANDARD_IA"}, func(w *want) { w.class = "STANDARD_IA" }},
		"metadata": {copier.Attributes{Metadata: map[string]string{"a": "b"}}, func(w *want) { w.metadata = map[string]string{"owner": "ops", "a": "b"} }},
		"type":     {copier.Attributes{ContentType: "text/y"}, func(w *want) { w.contentType = "text/y" }},
		"acl":      {copier.Attributes{PreserveACL: true}, func(w *want) { w.acl = "public-read" }},
		"no tags":  {copier.Attributes{DropTags: true}, func(w *want) { w.tags = nil }},
		"no metadata": {copier.Attributes{DropMetadata: true, DetectType: true}, func(w *want) {
			w.contentType, w.cache, w.metadata = "text/csv", "", nil
		}},
	} {
		for way, opts := range map[string]copier.Options{
			"server": {}, "stream": {DisableServerCopy: true}, "parts": {DisableServerCopy: true, PartSize: 3},
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				src, dest := described(t), storagetest.NewMem("mem://b/")
				opts.Attributes = test.a
				if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(opts)); err != nil {
					t.Fatal(err)
				}
				o, err := dest.Stat(t.Context(), "x.csv")
				if err != nil {
					t.Fatal(err)
				}
				tags, err := dest.Tags(t.Context(), "x.csv", "")
				if err != nil {
					t.Fatal(err)
				}
				acl, err := dest.ACL(t.Context(), "x.csv", "")
				if err != nil {
					t.Fatal(err)
				}
				if acl == "" {
					acl = "private"
				}
				want := kept
				test.want(&want)
				if o.ContentType != want.contentType || o.Headers.CacheControl != want.cache || o.StorageClass != want.class ||
					acl != want.acl || !maps.Equal(o.Metadata, want.metadata) || !maps.Equal(tags, want.tags) {
					t.Errorf("got %+v, tags %v, acl %s, want %+v", o, tags, acl, want)
				}
			})
		}
	}
}

// A store that cannot keep what somebody relies on says so.
func TestAttributesThatAStoreCannotKeep(t *testing.T) {
	files, err := filestore.New("/")
	if err != nil {
		t.Fatal(err)
	}
	dest := at(files, filepath.ToSlash(t.TempDir())[1:])
	for _, a := range []copier.Attributes{
		{StorageClass: "GLACIER"}, {Encryption: storage.Encryption{Mode: storage.EncryptS3}}, {ACL: "public-read"},
	} {
		if _, err := copier.Run(t.Context(), at(described(t), ""), dest, quick(copier.Options{Attributes: a})); !errors.Is(err, storage.ErrUnsupported) {
			t.Errorf("%+v: got %v", a, err)
		}
	}
}

// Two services may have buckets of one name.
func TestTwoServices(t *testing.T) {
	src, dest := lake(), storagetest.NewMem("s3://lake/")
	opts := quick(copier.Options{TwoServices: true, DisableServerCopy: true})
	if _, err := copier.Run(t.Context(), at(src, "in/"), at(dest, "in/"), opts); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, src, "in/", dest, "in/")
}
