package s3store

import (
	"net/http"
	"regexp"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
)

// payer says in each request that its sender pays for it. The library has no way to say so
// in all kinds of requests, so they are signed again.
type payer struct{ creds *credentials.Credentials }

// signedRegion finds the region in a signature of version 4.
var signedRegion = regexp.MustCompile(`Credential=[^,]*/\d{8}/([^/]+)/s3/aws4_request`)

// sign adds the header to a request of the library's, which is its own to change.
func (p *payer) sign(req *http.Request) {
	m := signedRegion.FindStringSubmatch(req.Header.Get("Authorization"))
	if m == nil {
		return // anonymous, or for the service that gives out credentials
	}
	value, err := p.creds.GetWithContext(nil)
	if err != nil {
		return // the request stays as it was
	}
	req.Header.Set("X-Amz-Request-Payer", "requester")
	req.Header.Del("Authorization")
	signed := signer.SignV4(*req, value.AccessKeyID, value.SecretAccessKey, value.SessionToken, m[1])
	req.Header = signed.Header
}
