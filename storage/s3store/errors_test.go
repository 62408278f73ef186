package s3store_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// TestMistakes makes the classic mistakes and reads what the user is told.
func TestMistakes(t *testing.T) {
	s := testenv.MinIO(t)
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<!DOCTYPE HTML>\n<html><body>no</body></html>") // the client tells of what it lacks
	}))
	t.Cleanup(pages.Close)
	for _, c := range []struct {
		name      string
		change    func(*s3store.Config)
		bucket    string
		is        error
		temporary bool
		want      []string
	}{
		{"wrong secret key", func(c *s3store.Config) { c.SecretKey = "HIDDEN-secret" }, s.Bucket,
			storage.ErrPermission, false, []string{"SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"}},
		{"unknown access key", func(c *s3store.Config) { c.AccessKey = "nobody" }, s.Bucket,
			storage.ErrPermission, false, []string{"InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"}},
		{"no credentials", func(c *s3store.Config) { c.Anonymous = true }, s.Bucket,
			storage.ErrPermission, false, []string{"AccessDenied", "AWS_PROFILE"}},
		{"bad session", func(c *s3store.Config) { c.SessionToken = "HIDDEN-token" }, s.Bucket,
			storage.ErrPermission, false, []string{"AWS_SESSION_TOKEN"}},
		{"missing bucket", nil, "no-such-bucket",
			storage.ErrNotExist, false, []string{"the bucket does not exist", "AWS_ENDPOINT_URL_S3"}},
		{"impossible bucket", nil, "No_Such_Bucket",
			nil, false, []string{"InvalidBucketName", "3 to 63"}},
		{"nobody listens", func(c *s3store.Config) { c.Endpoint = "http://" + unusedAddress(t) }, s.Bucket,
			nil, true, []string{"connection refused", "AWS_ENDPOINT_URL_S3"}},
		{"no such host", func(c *s3store.Config) { c.Endpoint = "http://no-such-host.invalid" }, s.Bucket,
			nil, false, []string{"no-such-host.invalid", "AWS_ENDPOINT_URL_S3"}},
		{"https to an http server", func(c *s3store.Config) { c.Endpoint = strings.Replace(c.Endpoint, "http:", "https:", 1) }, s.Bucket,
			nil, false, []string{"http://host:port"}},
		{"http to an https server", func(c *s3store.Config) { c.Endpoint = strings.Replace(tls.URL, "https:", "http:", 1) }, s.Bucket,
			nil, false, []string{"https://host:port"}},
		{"pages for people", func(c *s3store.Config) { c.Endpoint = pages.URL }, s.Bucket,
			nil, false, []string{"the server answered 400 and a page for people, as no S3 service does; check the endpoint"}},
		{"a certificate nobody knows", func(c *s3store.Config) { c.Endpoint = tls.URL }, s.Bucket,
			nil, false, []string{"certificate", "AWS_CA_BUNDLE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := s.Config()
			cfg.Attempts = 2
			if c.change != nil {
				c.change(&cfg)
			}
			client, err := s3store.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			b := client.Bucket(c.bucket)
			for _, err := range b.List(t.Context(), "flights/") {
				checkError(t, err, "list "+b.URL()+"flights/: ", c.is, c.temporary)
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("list: %v\nwant it to say %q", err, want)
					}
				}
			}
			if _, err := put(t, b, "a", []byte("x")); err == nil {
				t.Error("put: no error")
			} else {
				checkError(t, err, "commit "+b.URL()+"a: ", c.is, c.temporary)
			}
			if err := b.Delete(t.Context(), "a", "b"); err == nil {
				t.Error("delete: no error")
			}
		})
	}
}

// checkError checks what every error must be: one line, of the right kind, without secrets.
func checkError(t *testing.T, err error, prefix string, is error, temporary bool) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	var e *storage.Error
	if !errors.As(err, &e) || !strings.HasPrefix(text, prefix) {
		t.Errorf("%v\nwant a *storage.Error that begins with %q", err, prefix)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("%v\nis not %v", err, is)
	}
	if storage.IsTemporary(err) != temporary {
		t.Errorf("%v\nis temporary: %v", err, !temporary)
	}
	for _, bad := range []string{"\n", "HIDDEN", "Signature=", "X-Amz-", "AWS4-HMAC", "please report", "minio-go"} {
		if strings.Contains(text, bad) {
			t.Errorf("%v\nsays %q", err, bad)
		}
	}
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestNewRefuses(t *testing.T) {
	keys := s3store.Config{AccessKey: "id", SecretKey: "HIDDEN"}
	with := func(change func(*s3store.Config)) s3store.Config {
		c := keys
		change(&c)
		return c
	}
	for _, c := range []struct {
		cfg  s3store.Config
		want string
	}{
		{with(func(c *s3store.Config) { c.Endpoint = "ftp://host" }), "must be http or https"},
		{with(func(c *s3store.Config) { c.Endpoint = "http://host/path" }), "host and port alone"},
		{with(func(c *s3store.Config) { c.Endpoint = "http://" }), "host and port alone"},
		{with(func(c *s3store.Config) { c.Endpoint = "http://id:HIDDEN@host" }), "do not belong into the URL"},
		{with(func(c *s3store.Config) { c.Endpoint = "http://id:HIDDEN%zz@host" }), "not a URL"},
		{with(func(c *s3store.Config) { c.SecretKey = "" }), "belong together"},
		{s3store.Config{Endpoint: "http://host:9000"}, "no credentials for the S3 endpoint http://host:9000"},
		{with(func(c *s3store.Config) { c.Addressing = "sideways" }), "path or virtual"},
		{with(func(c *s3store.Config) { c.PartSize = 1 }), "5 MiB to 5 GiB"},
		{with(func(c *s3store.Config) { c.Workers = -1 }), "negative"},
		{with(func(c *s3store.Config) { c.CAFile = "/no/such/file" }), "/no/such/file"},
		{with(func(c *s3store.Config) { c.CAFile = "/dev/null" }), "no PEM certificate"},
	} {
		_, err := s3store.New(c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "HIDDEN") {
			t.Errorf("%v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

// TestCAFile trusts the authority that the configuration names.
func TestCAFile(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := s3store.New(s3store.Config{Endpoint: server.URL, AccessKey: "id", SecretKey: "secret", CAFile: path})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Bucket("lake").Stat(t.Context(), "a"); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("stat: %v, want the server's 404", err)
	}
}

func TestConfigPrintsNoSecret(t *testing.T) {
	for _, cfg := range []s3store.Config{
		{Endpoint: "http://host:9000", AccessKey: "AKIAEXAMPLE", SecretKey: "HIDDEN1", SessionToken: "HIDDEN2"},
		{Endpoint: "http://id:HIDDEN@host:9000", AccessKey: "AKIAEXAMPLE", SecretKey: "HIDDEN1"},
	} {
		for _, v := range []any{cfg, &cfg, []s3store.Config{cfg}, struct{ C s3store.Config }{cfg}} {
			for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
				if text := fmt.Sprintf(format, v); strings.Contains(text, "HIDDEN") || strings.Contains(text, "EXAMPLE") {
					t.Errorf("%s of %T prints %s", format, v, text)
				}
			}
		}
	}
}
