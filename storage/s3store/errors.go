package s3store

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/minio/minio-go/v7"
	"github.com/skepdata/skep/storage"
)

// fault is what one S3 error code means to a user.
type fault struct {
	is        error // one of storage's sentinels, or nil
	temporary bool
	throttled bool // too many requests
	useless   bool // the credentials, for any request
	hint      string
}

const (
	hintKeys    = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
	hintBucket  = "check the bucket's name and the endpoint; AWS_ENDPOINT_URL_S3 chooses another service"
	hintUpload  = "the upload was aborted meanwhile, by a lifecycle rule or another program; write again"
	hintTrust   = "nobody this machine trusts has signed the endpoint's certificate; AWS_CA_BUNDLE can name its authority"
	hintTLS     = "the endpoint speaks https; write it as https://host:port"
	hintSecret  = "the object is encrypted with a customer's key (SSE-C), which has to be given"
	hintExpired = "the session has ended; with new credentials the same command goes on"
	hintKMS     = "the service does not have this key, or it is disabled"
	hintNetwork = "check that the service is running at this endpoint, which an option or AWS_ENDPOINT_URL_S3 has named"
)

// tooMany is what services say that want fewer requests.
var tooMany = fault{temporary: true, throttled: true}

// faults are the codes of S3 and MinIO that mean something particular. Others are classed
// by their HTTP status.
var faults = map[string]fault{
	"NoSuchKey":         {is: storage.ErrNotExist},
	"NotFound":          {is: storage.ErrNotExist},
	"NoSuchBucket":      {is: storage.ErrNotExist, hint: hintBucket},
	"InvalidBucketName": {hint: "bucket names have 3 to 63 small letters, digits, dots and hyphens"},
	"NoSuchUpload":      {hint: hintUpload},

	"AccessDenied":               {is: storage.ErrPermission}, // [Client.needs] has the hint
	"AllAccessDisabled":          {is: storage.ErrPermission},
	"AccountProblem":             {is: storage.ErrPermission},
	"InvalidAccessKeyId":         {is: storage.ErrPermission, useless: true, hint: hintKeys},
	"InvalidToken":               {is: storage.ErrPermission, useless: true, hint: "check AWS_SESSION_TOKEN"},
	"InvalidTokenId":             {is: storage.ErrPermission, useless: true, hint: "check AWS_SESSION_TOKEN"},
	"SignatureDoesNotMatch":      {is: storage.ErrPermission, hint: hintKeys},
	"ExpiredToken":               {is: storage.ErrPermission, useless: true, hint: hintExpired},
	"ExpiredTokenException":      {is: storage.ErrPermission, useless: true, hint: hintExpired},
	"TokenRefreshRequired":       {is: storage.ErrPermission, useless: true, hint: hintExpired},
	"RequestTimeTooSkewed":       {is: storage.ErrPermission, hint: "set this machine's clock"},
	"InvalidObjectState":         {is: storage.ErrPermission, hint: "the object is archived; restore it first"},
	"XMinioAccessDisabled":       {is: storage.ErrPermission},
	"XMinioServerNotInitialized": {temporary: true},

	"InvalidRange":            {is: storage.ErrInvalidRange},
	"PreconditionFailed":      {is: storage.ErrChanged},
	"InvalidObjectName":       {is: storage.ErrInvalidKey},
	"KeyTooLongError":         {is: storage.ErrInvalidKey},
	"XMinioInvalidObjectName": {is: storage.ErrInvalidKey},
	"XMinioInvalidResourceName": {is: storage.ErrInvalidKey,
		hint: `this server takes no key with "." or ".." between slashes`},
	"XMinioObjectExistsAsDirectory": {is: storage.ErrInvalidKey,
		hint: "an object exists whose key is a parent of this key, or the other way round"},
	"XMinioParentIsObject": {is: storage.ErrInvalidKey,
		hint: "an object exists whose key is a parent of this key"},

	"BadDigest":                       {is: storage.ErrChecksum},
	"XAmzContentChecksumMismatch":     {is: storage.ErrChecksum},
	"XAmzContentSHA256Mismatch":       {is: storage.ErrChecksum},
	"ContentSHA256Mismatch":           {is: storage.ErrChecksum},
	"InvalidStorageClass":             {is: storage.ErrRefused, hint: "the service does not have this storage class"},
	"InvalidEncryptionAlgorithmError": {is: storage.ErrRefused},
	"AccessControlListNotSupported":   {is: storage.ErrRefused, hint: "the bucket has no ACLs"},
	"KMSNotConfigured":                {is: storage.ErrRefused, hint: "the service cannot encrypt"},
	"kms:KeyNotFound":                 {is: storage.ErrRefused, hint: hintKMS},
	"KMS.NotFoundException":           {is: storage.ErrRefused, hint: hintKMS},
	"KMS.DisabledException":           {is: storage.ErrRefused, hint: hintKMS},
	"KMS.KMSInvalidStateException":    {is: storage.ErrRefused, hint: hintKMS},

	"NotImplemented":                     {is: storage.ErrUnsupported},
	"APINotSupported":                    {is: storage.ErrUnsupported},
	"AuthorizationHeaderMalformed":       {hint: "set AWS_REGION to the bucket's region"},
	"PermanentRedirect":                  {hint: "the bucket is in another region; set AWS_REGION to it"},
	"IllegalLocationConstraintException": {hint: "the bucket is in another region; set AWS_REGION to it"},
	"InvalidRegion":                      {hint: "set AWS_REGION to the bucket's region"},
	"XMinioStorageFull":                  {hint: "the server's disks are full"},

	"SlowDown": tooMany, "SlowDownRead": tooMany, "SlowDownWrite": tooMany,
	"InternalError": {temporary: true}, "ServiceUnavailable": tooMany,
	"RequestTimeout": {temporary: true}, "RequestTimeTooShort": {temporary: true},
	"OperationAborted": {temporary: true}, "IncompleteBody": {temporary: true},
	"Throttling": tooMany, "ThrottlingException": tooMany, "RequestLimitExceeded": tooMany, "XMinioServerBusy": tooMany,
}

// fail turns what minio-go reports into a *storage.Error. An error that is one already, of
// an inner step, keeps its meaning under the outer operation's name.
func (c *Client) fail(ctx context.Context, op, objectURL string, err error) error {
	var inner *storage.Error
	if errors.As(err, &inner) {
		return &storage.Error{Op: op, URL: objectURL, Err: inner.Err, Temporary: inner.Temporary,
			Throttled: inner.Throttled, Hint: inner.Hint}
	}
	if ctx.Err() != nil {
		return &storage.Error{Op: op, URL: objectURL, Err: context.Cause(ctx)}
	}
	var r minio.ErrorResponse
	if errors.As(err, &r) {
		f := classify(r)
		err := response(f, r)
		if f.useless {
			err = credentialsError{err}
		}
		hint := f.hint
		if r.Code == "AccessDenied" {
			hint = c.needs(op, objectURL)
		}
		return &storage.Error{Op: op, URL: objectURL, Err: err, Temporary: f.temporary, Throttled: f.throttled, Hint: hint}
	}
	e := &storage.Error{Op: op, URL: objectURL, Err: scrub(err)}
	e.Temporary, e.Hint = c.network(err)
	return e
}

// absent is what one needs who looks for an object that may not be there.
const absent = "s3:GetObject; who lacks s3:ListBucket hears the same of an object that is not there"

// actions are what policies call the operations.
var actions = map[string]string{
	"list": "s3:ListBucket", "stat": absent, "open": absent, "read": "s3:GetObject",
	"create": "s3:PutObject", "write": "s3:PutObject", "commit": "s3:PutObject", "delete": "s3:DeleteObject",
	"copy":  "s3:GetObject of the source and s3:PutObject; to copy tags, s3:GetObjectTagging and s3:PutObjectTagging",
	"abort": "s3:AbortMultipartUpload",
	opTags:  "s3:GetObjectTagging; copies that keep no tags do without",
	opACL:   "s3:GetObjectAcl",
}

// needs says what the credentials were not allowed: their keys are good.
func (c *Client) needs(op, url string) string {
	action := actions[op]
	if url == "s3://" {
		action = "s3:ListAllMyBuckets"
	}
	switch {
	case c.cfg.Anonymous:
		return "the bucket does not allow it to who has no credentials; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_PROFILE give some"
	case action == "":
		return "the policies of " + c.cfg.who() + ", or of the bucket, do not allow it"
	}
	action, besides, _ := strings.Cut(action, "; ")
	if besides != "" {
		besides = "; " + besides
	}
	return fmt.Sprintf("%s needs %s, by its own policies or the bucket's%s", c.cfg.who(), action, besides)
}

// credentialsError is of credentials that are none, or no longer any.
type credentialsError struct{ error }

func (e credentialsError) Unwrap() []error { return []error{e.error, storage.ErrCredentials} }

func classify(r minio.ErrorResponse) fault {
	f, ok := faults[r.Code]
	if ok {
		return f
	}
	switch s := r.StatusCode; {
	case strings.Contains(r.Message, "HTTP request to an HTTPS server"):
		return fault{hint: hintTLS}
	case r.Code == "InvalidRequest" && strings.Contains(r.Message, "form of Server Side Encryption"):
		return fault{hint: hintSecret}
	case s == http.StatusNotFound:
		return fault{is: storage.ErrNotExist}
	case s == http.StatusForbidden || s == http.StatusUnauthorized:
		return fault{is: storage.ErrPermission, hint: hintKeys}
	case s == http.StatusPreconditionFailed:
		return fault{is: storage.ErrChanged}
	case s == http.StatusRequestedRangeNotSatisfiable:
		return fault{is: storage.ErrInvalidRange}
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		return tooMany
	case s == http.StatusRequestTimeout, s >= 500 && s != http.StatusNotImplemented:
		return fault{temporary: true}
	}
	return fault{}
}

// response words the server's answer: what it means, then what the server itself said where
// that adds something.
func response(f fault, r minio.ErrorResponse) error {
	said := strings.TrimSuffix(strings.TrimSpace(r.Error()), ".")
	byStatus := strings.HasPrefix(r.Code, fmt.Sprint(r.StatusCode)) // there was no code
	if r.Code != "" && !byStatus && !strings.Contains(said, r.Code) {
		said = r.Code + ": " + said
	}
	switch {
	case r.Code == "NoSuchKey" || r.Code == "NotFound":
		return storage.ErrNotExist
	case r.Code == "NoSuchBucket":
		return fmt.Errorf("the bucket %w", storage.ErrNotExist)
	case f.is != nil:
		return fmt.Errorf("%w: %s", f.is, said)
	case r.StatusCode != 0:
		status := fmt.Sprint(r.StatusCode)
		if said = strings.TrimSpace(strings.TrimPrefix(said, status)); strings.Contains(strings.ToLower(said), "<html") {
			said = "and a page for people, as no S3 service does; check the endpoint"
		}
		return fmt.Errorf("the server answered %s %s", status, said)
	}
	return errors.New(said)
}

// network says whether an error of the connection may pass, and what to do about it.
func (c *Client) network(err error) (temporary bool, hint string) {
	text := err.Error()
	var unknownAuthority x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	var ne net.Error
	switch {
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return false, "the endpoint speaks http; write it as http://host:port"
	case strings.Contains(text, "malformed HTTP response"),
		strings.Contains(text, "HTTP request to an HTTPS server"):
		return false, hintTLS
	case errors.As(err, &unknownAuthority):
		return false, hintTrust
	case errors.As(err, &wrongHost), errors.As(err, &invalid):
		return false, "the endpoint's certificate is not valid for it"
	case errors.As(err, &dns) && dns.IsNotFound:
		return false, "no such host; check the endpoint, which an option or AWS_ENDPOINT_URL_S3 has named"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH),
		errors.Is(err, syscall.ENETUNREACH):
		return true, hintNetwork
	case strings.Contains(text, "169.254.169.254"), strings.Contains(text, "no EC2"):
		return false, "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
	case errors.As(err, &ne) && ne.Timeout():
		return true, hintNetwork
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(text, "Connection closed by foreign host"),
		strings.Contains(text, "server closed idle connection"):
		return true, ""
	}
	return false, ""
}

// scrub takes the request's URL out of a transport error: the storage.Error around it names
// the object already, and a query may hold what nobody should see.
func scrub(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	if strings.Contains(u.Err.Error(), "Connection closed by foreign host") {
		return closedError{strings.ToUpper(u.Op)}
	}
	return fmt.Errorf("%s: %w", strings.ToUpper(u.Op), u.Err)
}

// closedError is an answer that did not come.
type closedError struct{ op string }

func (e closedError) Error() string { return e.op + ": the server closed the connection" }

func (e closedError) Unwrap() error { return io.ErrUnexpectedEOF }

// also adds what went wrong with the tidying up, if anything did.
func also(err, tidying error) error {
	if tidying == nil {
		return err
	}
	return errors.Join(err, tidying)
}
