package s3store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// signerV4 signs requests by AWS Signature Version 4, whose payload is not part of the signature,
// as "Authenticating Requests (AWS Signature Version 4)" in Amazon's S3 API reference has it.
// The key of a day is computed once. It is safe for concurrent use.
type signerV4 struct {
	region string
	today  atomic.Pointer[dayKey]
}

// dayKey is the key that signs the requests of a day.
type dayKey struct {
	day, secret string
	key         []byte
}

const (
	amzTime         = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// sign completes the headers of a request whose query, if it has one, is written as query does. It
// signs all there are but the User-Agent, which proxies may change.
func (s *signerV4) sign(req *http.Request, creds credentials.Value) {
	now := time.Now().UTC().Format(amzTime)
	h := req.Header
	h["X-Amz-Date"] = []string{now}
	h["X-Amz-Content-Sha256"] = []string{unsignedPayload}
	if creds.SessionToken != "" {
		h["X-Amz-Security-Token"] = []string{creds.SessionToken}
	}
	names := make([]string, 0, len(h)+1)
	names = append(names, "host")
	for name := range h {
		if name != "User-Agent" {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	signed := strings.Join(names, ";")

	b := make([]byte, 0, 1024)
	b = append(append(append(b, req.Method...), '\n'), req.URL.EscapedPath()...)
	b = append(append(append(b, '\n'), req.URL.RawQuery...), '\n')
	for _, name := range names {
		b = append(append(b, name...), ':')
		if name == "host" {
			b = append(b, req.Host...)
		} else {
			b = appendTrimmed(b, h[http.CanonicalHeaderKey(name)])
		}
		b = append(b, '\n')
	}
	b = append(append(append(append(b, '\n'), signed...), '\n'), unsignedPayload...)
	digest := sha256.Sum256(b)

	scope := now[:8] + "/" + s.region + "/s3/aws4_request"
	b = append(append(append(append(b[:0], "AWS4-HMAC-SHA256\n"...), now...), '\n'), scope...)
	b = append(b, '\n')
	b = hex.AppendEncode(b, digest[:])
	signature := hmacSHA256(s.key(now[:8], creds.SecretAccessKey), b)

	b = append(append(append(b[:0], "AWS4-HMAC-SHA256 Credential="...), creds.AccessKeyID...), '/')
	b = append(append(append(append(b, scope...), ", SignedHeaders="...), signed...), ", Signature="...)
	h["Authorization"] = []string{string(hex.AppendEncode(b, signature))}
}

// key is the key for a day, given as "20060102".
func (s *signerV4) key(day, secret string) []byte {
	if k := s.today.Load(); k != nil && k.day == day && k.secret == secret {
		return k.key
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, s.region, "s3", "aws4_request"} {
		key = hmacSHA256(key, []byte(part))
	}
	s.today.Store(&dayKey{day: day, secret: secret, key: key})
	return key
}

func hmacSHA256(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text) // a hash never fails
	return h.Sum(nil)
}

// appendTrimmed appends the values of a header, with single spaces between and within them.
func appendTrimmed(b []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		for j, word := range strings.Fields(v) {
			if j > 0 {
				b = append(b, ' ')
			}
			b = append(b, word...)
		}
	}
	return b
}

// query writes pairs of names and values, which are in order, as signatures have them.
func query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pairs[i])
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(escapePath(pairs[i+1]), "/", "%2F"))
	}
	return b.String()
}

// escapePath writes a path as signatures have it: every byte but the unreserved ones of RFC 3986
// and slashes as %XX.
func escapePath(path string) string {
	const hexDigits = "0123456789ABCDEF"
	plain := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~/", c) >= 0
	}
	n := 0
	for n < len(path) && plain(path[n]) {
		n++
	}
	if n == len(path) {
		return path
	}
	b := append(make([]byte, 0, 3*len(path)), path[:n]...)
	for i := n; i < len(path); i++ {
		if c := path[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(b)
}
