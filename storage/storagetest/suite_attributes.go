package storagetest

import (
	"errors"
	"fmt"
	"maps"

	"github.com/skepdata/skep/storage"
)

// rich is everything that can be said of an object's content.
func rich() storage.CreateOptions {
	return storage.CreateOptions{
		ContentType: "text/csv",
		Metadata:    map[string]string{"owner": "bee", "colour": "honey yellow"},
		Headers: storage.Headers{
			CacheControl: "max-age=60", ContentDisposition: `attachment; filename="a.csv"`,
			ContentEncoding: "identity", ContentLanguage: "de", Expires: "Wed, 21 Oct 2037 07:28:00 GMT",
		},
		Tags: map[string]string{"team": "meadow", "with space": "a/b+c=d"},
	}
}

func (s *suite) attributeTests() []test {
	return []test{
		{"demands are met or refused", s.demands},
		{"a store without versions says so", func(f *fixture) {
			f.put("a", []byte("x"))
			if _, ok := storage.As[storage.VersionLister](f.b); ok {
				return
			}
			_, err := f.b.Open(f.Context(), "a", storage.ReadOptions{VersionID: "1"})
			f.wantError("open a version", err, storage.ErrUnsupported)
		}},
		{"headers and tags are kept", func(f *fixture) { s.attributes(f, []byte("x")) }},
		{"headers and tags of a large object are kept", func(f *fixture) {
			if p, ok := storage.As[storage.PartUploader](f.b); ok {
				s.attributes(f, random(1, p.PartSize(1<<20, 100_000)+1))
			}
		}},
		{"a copy takes attributes over", s.attributesCopied},
		{"a copy replaces attributes", s.attributesReplaced},
		{"a copy onto itself replaces attributes", s.attributesReplacedInPlace},
	}
}

// demands tries options that a store must not quietly leave out.
func (s *suite) demands(f *fixture) {
	_, keeps := storage.As[storage.AttributeReader](f.b)
	for _, opts := range []storage.CreateOptions{
		{StorageClass: "GLACIER"},
		{ACL: "private"},
		{Encryption: storage.Encryption{Mode: storage.EncryptS3}},
	} {
		w, err := f.b.Create(f.Context(), "a", opts)
		if keeps && err == nil { // then the store's own tests know what it makes of them
			_ = w.Abort()
			continue
		}
		f.wantError(fmt.Sprintf("create with %+v", opts), err, storage.ErrUnsupported)
	}
	f.wantAbsent("a")
}

func (s *suite) attributes(f *fixture, content []byte) {
	if _, ok := storage.As[storage.AttributeReader](f.b); !ok {
		return
	}
	w := f.create("a/b", rich())
	f.write(w, content)
	s.wantAttributes(f, f.commit(w), rich())
	o, err := f.b.Stat(f.Context(), "a/b")
	if err != nil {
		f.Fatal(err)
	}
	s.wantAttributes(f, o, rich())
	_, o, err = f.read("a/b", storage.ReadOptions{Length: 1})
	if err != nil {
		f.Fatal(err)
	}
	s.wantAttributes(f, o, rich())
}

// wantAttributes checks what o tells, and the tags that it only counts.
func (s *suite) wantAttributes(f *fixture, o storage.Object, want storage.CreateOptions) {
	f.Helper()
	if o.ContentType != want.ContentType || !maps.Equal(o.Metadata, want.Metadata) || o.Headers != want.Headers ||
		o.TagCount != len(want.Tags) {
		f.Errorf("the object is %+v, want %+v", o, want)
	}
	reader, _ := storage.As[storage.AttributeReader](f.b)
	tags, err := reader.Tags(f.Context(), o.Key, "")
	if err != nil || !maps.Equal(tags, want.Tags) {
		f.Errorf("tags of %s: %v, %v, want %v", o.Key, tags, err, want.Tags)
	}
	acl, err := reader.ACL(f.Context(), o.Key, "")
	if err != nil || !s.NoACL && acl != want.ACL {
		f.Errorf("ACL of %s: %q, %v, want %q", o.Key, acl, err, want.ACL)
	}
}

// withOptionCopier does nothing for stores that do not copy with options. Otherwise it puts
// a rich object "a".
func (s *suite) withOptionCopier(f *fixture, run func(c storage.OptionCopier, a storage.Object)) {
	c, ok := storage.As[storage.OptionCopier](f.b)
	if !ok {
		return
	}
	w := f.create("a", rich())
	f.write(w, []byte("content"))
	run(c, f.commit(w))
}

func (s *suite) attributesCopied(f *fixture) {
	s.withOptionCopier(f, func(c storage.OptionCopier, a storage.Object) {
		if _, err := c.CopyFrom(f.Context(), "b", f.b, a); err != nil {
			f.Fatal(err)
		}
		o, err := f.b.Stat(f.Context(), "b")
		if err != nil {
			f.Fatal(err)
		}
		s.wantAttributes(f, o, rich())
		f.wantContent("b", []byte("content"))
	})
}

func (s *suite) attributesReplaced(f *fixture) {
	s.withOptionCopier(f, func(c storage.OptionCopier, a storage.Object) {
		other := storage.CreateOptions{ContentType: "text/plain", Metadata: map[string]string{"owner": "wasp"}}
		for _, test := range []struct {
			name string
			opts storage.CopyOptions
			want storage.CreateOptions
		}{
			{"metadata", storage.CopyOptions{To: other, ReplaceMetadata: true},
				storage.CreateOptions{ContentType: "text/plain", Metadata: other.Metadata, Tags: rich().Tags}},
			{"tags", storage.CopyOptions{To: storage.CreateOptions{Tags: map[string]string{"x": "y"}}, ReplaceTags: true},
				func() storage.CreateOptions { o := rich(); o.Tags = map[string]string{"x": "y"}; return o }()},
			{"no tags", storage.CopyOptions{ReplaceTags: true},
				func() storage.CreateOptions { o := rich(); o.Tags = nil; return o }()},
		} {
			copied, err := c.CopyWith(f.Context(), test.name, f.b, a, test.opts)
			if err != nil {
				f.Errorf("replace %s: %v", test.name, err)
				continue
			}
			s.wantAttributes(f, copied, test.want)
			if o, err := f.b.Stat(f.Context(), test.name); err != nil {
				f.Error(err)
			} else {
				s.wantAttributes(f, o, test.want)
			}
			f.wantContent(test.name, []byte("content"))
		}
		a.ETag = "another"
		_, err := c.CopyWith(f.Context(), "c", f.b, a, storage.CopyOptions{To: other, ReplaceMetadata: true})
		f.wantError("copy another version", err, storage.ErrChanged)
	})
}

func (s *suite) attributesReplacedInPlace(f *fixture) {
	s.withOptionCopier(f, func(c storage.OptionCopier, a storage.Object) {
		want := storage.CreateOptions{ContentType: "text/plain", Tags: rich().Tags}
		o, err := c.CopyWith(f.Context(), "a", f.b, a, storage.CopyOptions{To: want, ReplaceMetadata: true})
		if err != nil {
			f.Fatal(err)
		}
		s.wantAttributes(f, o, want)
		f.wantContent("a", []byte("content"))
	})
}

func (s *suite) batchTests() []test {
	return []test{
		{"a batch writes every object", s.batch},
		{"a batch with a bad key writes the others", func(f *fixture) {
			b, ok := storage.As[storage.BatchWriter](f.b)
			if !ok {
				return
			}
			got, err := b.WriteBatch(f.Context(), []storage.SmallObject{
				{Key: "a", Content: []byte("1")}, {Key: "", Content: []byte("2")}, {Key: "c", Content: []byte("3")},
			})
			if errors.Is(err, storage.ErrUnsupported) {
				return
			}
			f.wantError("write a batch", err, storage.ErrInvalidKey)
			if len(got) != 3 || got[0].Key != "a" || got[1].Key != "" || got[2].Key != "c" {
				f.Errorf("the batch wrote %+v", got)
			}
			f.wantList("", "a", "c")
		}},
	}
}

// batch writes objects of many sizes and attributes, over old versions of some.
func (s *suite) batch(f *fixture) {
	b, ok := storage.As[storage.BatchWriter](f.b)
	if !ok {
		return
	}
	var objects []storage.SmallObject
	contents := map[string][]byte{}
	for i := range 60 { // up to 24 KB
		key := fmt.Sprintf("d/%d/ö k+%%&\"%02d", i%3, i)
		contents[key] = random(uint64(i), int64(i*i*7))
		objects = append(objects, storage.SmallObject{Key: key, Content: contents[key]})
	}
	objects[7].Options = rich()
	f.put(objects[3].Key, []byte("old"))
	got, err := b.WriteBatch(f.Context(), objects)
	if errors.Is(err, storage.ErrUnsupported) {
		return
	}
	if err != nil || len(got) != len(objects) {
		f.Fatalf("the batch wrote %d of %d objects: %v", len(got), len(objects), err)
	}
	for i, o := range got {
		want := objects[i]
		if o.Key != want.Key || o.Size != int64(len(want.Content)) || o.CRC32C != storage.CRC32C(want.Content) ||
			o.ETag == "" || !recent(o.ModTime) {
			f.Errorf("object %d is described as %+v", i, o)
		}
		stat, err := f.b.Stat(f.Context(), o.Key)
		if err != nil || stat.ETag != o.ETag {
			f.Errorf("stat: %+v, %v, want ETag %q", stat, err, o.ETag)
		}
		f.wantContent(o.Key, want.Content)
	}
	if _, ok := storage.As[storage.AttributeReader](f.b); ok {
		s.wantAttributes(f, got[7], rich())
		if o, err := f.b.Stat(f.Context(), objects[7].Key); err != nil {
			f.Error(err)
		} else {
			s.wantAttributes(f, o, rich())
		}
	}
	if n := len(f.list("")); n != len(objects) {
		f.Errorf("%d objects are listed, want %d", n, len(objects))
	}
}
