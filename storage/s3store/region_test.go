package s3store_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// A bucket in another region than the one that is set is found by what the service answers.
func TestOtherRegion(t *testing.T) {
	s := testenv.MinIO(t)
	for name, first := range map[string]func(b *s3store.Bucket) error{
		"list": func(b *s3store.Bucket) error {
			_, _, err := b.ListPage(t.Context(), "", "", 1)
			return err
		},
		"put": func(b *s3store.Bucket) error {
			_, err := put(t, b, "x", []byte("content"))
			return err
		},
		"parts": func(b *s3store.Bucket) error {
			_, err := put(t, b, "x", bytes.Repeat([]byte("content"), mib))
			return err
		},
	} {
		b := newClient(t, s, s3store.Config{Region: "mars-1", PartSize: 5 * mib}).Bucket(s.Bucket)
		if err := first(b); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := put(t, b, "a/b", []byte("content")); err != nil {
			t.Errorf("%s, then put: %v", name, err)
		}
		if got, err := get(t, b, "a/b", storage.ReadOptions{}); err != nil || string(got) != "content" {
			t.Errorf("%s, then get: %q, %v", name, got, err)
		}
		if err := b.Delete(t.Context(), "a/b"); err != nil {
			t.Errorf("%s, then delete: %v", name, err)
		}
	}
}

func TestRegionalHost(t *testing.T) {
	for host, want := range map[string]string{
		"s3.amazonaws.com": "s3.eu-west-1.amazonaws.com", "lake.s3.amazonaws.com": "lake.s3.eu-west-1.amazonaws.com",
		"my.lake.s3.dualstack.us-east-1.amazonaws.com": "my.lake.s3.dualstack.eu-west-1.amazonaws.com",
		"s3.us-west-2.amazonaws.com":                   "s3.eu-west-1.amazonaws.com",
		"lake.s3.cn-north-1.amazonaws.com.cn":          "lake.s3.eu-west-1.amazonaws.com.cn",
		"minio.example:9000":                           "minio.example:9000", "s3.example.com": "s3.example.com",
	} {
		if got := s3store.RegionalHost(host, "eu-west-1"); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}

// A first name server that is silent costs its time-out, and no more: the second one is asked.
func TestSilentNameServer(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", silent.LocalAddr().String())
	}}
	begin := time.Now()
	_, err = s3store.Dialer(resolver)(t.Context(), "tcp", "no-such-host.example:80")
	if err == nil || time.Since(begin) < 6*time.Second {
		t.Errorf("given up after %s: %v", time.Since(begin), err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	c, err := s3store.Dialer(nil)(t.Context(), "tcp", "localhost:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
