package s3store

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// listingOf is an answer with so many objects, as MinIO writes it.
func listingOf(objects int) []byte {
	var b strings.Builder
	b.WriteString(xml.Header + `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>p%2F</Prefix>` +
		`<NextContinuationToken>a&amp;b[minio_cache:v2,return:]</NextContinuationToken><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys>` +
		`<IsTruncated>true</IsTruncated>`)
	for i := range objects {
		fmt.Fprintf(&b, `<Contents><Key>p%%2Fd+%02d/f%05d</Key><LastModified>2026-11-28T12:13:22.484Z</LastModified>`+
			`<ETag>&#34;0123456789abcdef0123456789abcdef&#34;</ETag><Size>8192</Size>`+
			`<Owner><ID>x</ID><DisplayName></DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>`, i%100, i)
	}
	b.WriteString(`<EncodingType>url</EncodingType></ListBucketResult>`)
	return []byte(b.String())
}

// byLibrary reads a listing as the library does.
func byLibrary(b []byte) (page listPage, err error) {
	var r minio.ListBucketV2Result
	if err := xml.Unmarshal(b, &r); err != nil {
		return page, err
	}
	if r.IsTruncated {
		page.next = r.NextContinuationToken
	}
	for _, info := range r.Contents {
		if r.EncodingType == "url" {
			if info.Key, err = url.QueryUnescape(info.Key); err != nil {
				return page, err
			}
		}
		o := listed(info)
		o.ETag, o.ModTime = strings.Trim(o.ETag, `"`), o.ModTime.Truncate(time.Millisecond)
		page.objects = append(page.objects, o)
	}
	return page, nil
}

func TestParseListing(t *testing.T) {
	for _, b := range [][]byte{
		listingOf(3), listingOf(0),
		[]byte(`<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a&lt;&gt;&apos;&quot;&#x20ac;</Key><Size>0</Size>` +
			"\n <LastModified>2026-01-02T03:04:05Z</LastModified><ETag/><StorageClass>GLACIER</StorageClass></Contents>" +
			`<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes></ListBucketResult>`),
	} {
		got, err := parseListing(b)
		want, wantErr := byLibrary(b)
		if err != nil || wantErr != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n%+v, %v\nwant %+v, %v", b, got, err, want, wantErr)
		}
	}
}

// TestParseListingRefuses leaves to others what is not as usual.
func TestParseListingRefuses(t *testing.T) {
	const object = `<Contents><Key>a</Key><LastModified>2026-01-02T03:04:05Z</LastModified><Size>1</Size></Contents>`
	for _, b := range []string{
		"", "<", "<a>", "<Error><Code>x</Code></Error>", "<ListBucketResult>", "<ListBucketResult></Other>",
		"<ListBucketResult><!-- x --></ListBucketResult>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"<ListBucketResult>" + object, "<ListBucketResult>" + object + "</ListBucketResult",
		"<ListBucketResult><Contents><Key><![CDATA[a]]></Key></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>&other;</Key></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a</Key><Size>many</Size></Contents></ListBucketResult>",
		`<?xml version="1.0" encoding="latin1"?><ListBucketResult></ListBucketResult>`,
	} {
		if page, err := parseListing([]byte(b)); err == nil {
			t.Errorf("%s: %+v", b, page)
		}
	}
	if _, err := parseListing([]byte("<ListBucketResult><x:y/></ListBucketResult>")); !errors.Is(err, errUnfamiliar) {
		t.Errorf("a prefix of a name: %v", err)
	}
}

// FuzzParseListing compares what is understood with what encoding/xml makes of it.
func FuzzParseListing(f *testing.F) {
	f.Add(listingOf(2))
	f.Add([]byte(`<ListBucketResult a="&gt;>"><Contents><Key>a</Key><LastModified>2026-01-02T03:04:05Z</LastModified><x/></Contents></ListBucketResult>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseListing(b)
		if err != nil {
			return
		}
		want, err := byLibrary(b)
		if err != nil {
			return // more is taken than the library takes, as attributes without values
		}
		for i := range max(len(got.objects), len(want.objects)) {
			var a, b storage.Object
			if i < len(got.objects) {
				a = got.objects[i]
			}
			if i < len(want.objects) {
				b = want.objects[i]
			}
			if a.Key != b.Key || a.Size != b.Size || a.ETag != b.ETag || a.StorageClass != b.StorageClass || !a.ModTime.Equal(b.ModTime) {
				t.Errorf("object %d is %+v, want %+v", i, a, b)
			}
		}
		if got.next != want.next {
			t.Errorf("goes on with %q, want %q", got.next, want.next)
		}
	})
}

func BenchmarkParseListing(b *testing.B) {
	answer := listingOf(1000)
	for name, parse := range map[string]func([]byte) (listPage, error){"scan": parseListing, "library": byLibrary} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if page, err := parse(answer); err != nil || len(page.objects) != 1000 {
					b.Fatal(len(page.objects), err)
				}
			}
		})
	}
}
