package s3store

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/skepdata/skep/storage/s3store/internal/http1"
)

// regions learns in which region each bucket is where that is another than the one that requests are made for: a
// service then answers with the right one, and Amazon wants the request at another host as well. What was refused so is
// sent once more, and everything else for the bucket goes to its region from then on.
type regions struct {
	creds *credentials.Credentials
	host  string // of the endpoint
	some  atomic.Bool
	known sync.Map // of string: the region of a bucket, by what bucketOf makes of requests for it
}

// amazonHost finds the parts of Amazon's names of hosts: what is before s3, how, and in which country's cloud.
var amazonHost = regexp.MustCompile(`^(.+\.)?s3\.(dualstack\.|)(?:[a-z]+-[a-z0-9-]+\.)?(amazonaws\.com(?:\.cn)?)$`)

// regionalHost is where Amazon serves a region, or the host as it is.
func regionalHost(host, region string) string {
	m := amazonHost.FindStringSubmatch(host)
	if m == nil {
		return host
	}
	return m[1] + "s3." + m[2] + region + "." + m[3]
}

// bucketOf is the bucket of a request, with the host where it is named there.
func (r *regions) bucketOf(req *http.Request) string {
	if m := amazonHost.FindStringSubmatch(req.URL.Host); req.URL.Host != r.host && (m == nil || m[1] != "") {
		return req.URL.Host
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	return bucket
}

// forward is the request as the region of its bucket wants it.
func (r *regions) forward(req *http.Request) *http.Request {
	if r == nil || !r.some.Load() {
		return req
	}
	if region, ok := r.known.Load(r.bucketOf(req)); ok {
		return r.move(req, region.(string))
	}
	return req
}

// again is the request for the region that an answer names, or nil where that would change nothing. From then on all
// requests for its bucket are forwarded there.
func (r *regions) again(req *http.Request, resp *http.Response) *http.Request {
	region := resp.Header.Get("X-Amz-Bucket-Region")
	elsewhere := resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusTemporaryRedirect ||
		resp.StatusCode == http.StatusBadRequest
	if r == nil || region == "" || !elsewhere {
		return nil
	}
	bucket := r.bucketOf(req)
	if m := signedRegion.FindStringSubmatch(req.Header.Get("Authorization")); m != nil && m[1] == region && regionalHost(req.URL.Host, region) == req.URL.Host {
		return nil
	}
	r.known.Store(bucket, region)
	r.some.Store(true)
	req, ok := http1.Rewind(req)
	if !ok {
		return nil
	}
	return r.move(req, region)
}

// move is the request at the host of a region, and signed for it.
func (r *regions) move(req *http.Request, region string) *http.Request {
	moved := *req
	u := *req.URL
	moved.URL, moved.Header = &u, req.Header.Clone()
	u.Host = regionalHost(u.Host, region)
	if moved.Host != "" {
		moved.Host = regionalHost(moved.Host, region)
	}
	if signedRegion.MatchString(req.Header.Get("Authorization")) {
		value, err := r.creds.GetWithContext(nil)
		if err != nil {
			return req // it stays as it was
		}
		moved.Header.Del("Authorization")
		signed := signer.SignV4(moved, value.AccessKeyID, value.SecretAccessKey, value.SessionToken, region)
		moved.Header = signed.Header
	}
	return &moved
}
