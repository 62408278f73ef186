package s3store

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	libsigner "github.com/minio/minio-go/v7/pkg/signer"
)

// TestSignatureIsTheLibrarys signs requests in both ways.
func TestSignatureIsTheLibrarys(t *testing.T) {
	creds := credentials.Value{AccessKeyID: "AKID", SecretAccessKey: "secret", SignerType: credentials.SignatureV4}
	queries := []string{"", query("continuation-token", "a+b/c==", "list-type", "2", "prefix", "größe/ x&y=~")}
	for _, path := range []string{"/b/key", "/b/a b+c%d", "/b/größe/日本", "/b//x/../y", "/b/(1)*'!~$&,;=:@"} {
		for _, token := range []string{"", "session"} {
			creds.SessionToken = token
			build := func() *http.Request {
				req := &http.Request{
					Method: http.MethodPut, Host: "127.0.0.1:9000",
					URL: &url.URL{Scheme: "http", Host: "127.0.0.1:9000", Path: path, RawPath: escapePath(path), RawQuery: queries[len(token)/len("session")]},
					Header: http.Header{
						"Content-Type": {"text/plain"}, "X-Amz-Meta-A": {" two  spaces "}, "Range": {"bytes=0-1"},
						"X-Amz-Content-Sha256": {unsignedPayload}, "User-Agent": {"skep"},
					},
				}
				return req
			}
			for range 3 { // the second may have turned between the two
				ours := build()
				s := signerV4{region: "eu-west-1"}
				s.sign(ours, creds)
				theirs := libsigner.SignV4(*build(), creds.AccessKeyID, creds.SecretAccessKey, token, "eu-west-1")
				got, want := ours.Header.Get("Authorization"), theirs.Header.Get("Authorization")
				if ours.Header.Get("X-Amz-Date") != theirs.Header.Get("X-Amz-Date") {
					continue
				}
				if got != want {
					t.Errorf("%s: %s\nwant %s", path, got, want)
				}
				break
			}
		}
	}
}

// TestKeyOfTheDay makes a new key for a new day and for new credentials.
func TestKeyOfTheDay(t *testing.T) {
	s := signerV4{region: "us-east-1"}
	a := string(s.key("20240101", "x"))
	if string(s.key("20240101", "x")) != a || string(s.key("20240102", "x")) == a || string(s.key("20240101", "y")) == a {
		t.Error("the key does not follow the day and the secret")
	}
}

func BenchmarkSign(b *testing.B) {
	s := signerV4{region: "us-east-1"}
	creds := credentials.Value{AccessKeyID: "AKID", SecretAccessKey: "secret"}
	for b.Loop() {
		req := &http.Request{
			Method: http.MethodPut, Host: "127.0.0.1:9000", URL: &url.URL{Path: "/bucket/some/key"},
			Header: http.Header{"Content-Type": {"text/plain"}},
		}
		s.sign(req, creds)
	}
	b.ReportMetric(float64(time.Second)/float64(b.Elapsed())*float64(b.N), "signatures/s")
}
