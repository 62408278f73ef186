package s3store

import (
	"fmt"
	"net/url"
	"strings"
)

// Addressing says how a bucket's name gets into a request.
type Addressing string

// The ways of addressing.
const (
	AddressAuto Addressing = ""        // host names at Amazon, paths elsewhere
	AddressPath Addressing = "path"    // https://endpoint/bucket/key
	AddressHost Addressing = "virtual" // https://bucket.endpoint/key
)

// Limits of the protocol, and the sizes used within them.
const (
	minPartSize     = 5 << 20
	maxPartSize     = 5 << 30
	maxParts        = 10_000
	maxObjectSize   = 5 << 40
	defaultPartSize = 16 << 20
	// generousCopyLimit is what MinIO may copy by one request. It would take more, but not
	// before time-outs on the way end the request.
	generousCopyLimit = 64 << 30
	defaultWorkers    = 512
	defaultAttempts   = 5
	defaultRegion     = "us-east-1"
)

// Config says where the service is and who asks. The zero value is Amazon S3 with the
// credentials of the machine's instance role. It prints without its secrets.
type Config struct {
	// Endpoint is the service's URL; its scheme decides on TLS. A bare host:port means
	// https. Empty means Amazon S3.
	Endpoint string
	// Region signs requests. Empty means us-east-1, or at Amazon the bucket's own.
	Region string

	AccessKey    string
	SecretKey    string
	SessionToken string
	// Process, if there is no AccessKey, is a command line of the shell that prints credentials, as the
	// credential_process of a profile does. It runs again when they expire.
	Process string
	// Anonymous sends unsigned requests; keys are then ignored.
	Anonymous bool

	Addressing Addressing

	// CAFile names a PEM file of the authorities that may have signed the endpoint's
	// certificate. Empty means those that the machine trusts.
	CAFile string

	// Workers is how many requests will be in flight at once; so many connections are
	// kept open between requests. 0 means 512.
	Workers int
	// PartSize is the size in bytes of the parts of large objects, and of those of objects of
	// unknown length at first. 0 means 16 MiB, and 8 MiB for the latter; S3 wants at least 5 MiB.
	// An open writer holds at most two parts in memory.
	PartSize int64
	// StorageClass is that of objects written, as S3 spells it. Empty means the bucket's.
	StorageClass string
	// CustomerKey, if set, encrypts what is written (SSE-C) and reads what was encrypted with
	// it. Services take it over TLS alone. Objects that are not encrypted with a customer's
	// key can be read too, at the price of a second request each.
	CustomerKey CustomerKey
	// RequesterPays says that the credentials' owner agrees to pay for requests to buckets
	// that want it so.
	RequesterPays bool
	// Attempts bounds how often one request is sent, 0 meaning 5. Waits between attempts
	// are random and grow to a second.
	Attempts int
}

// String describes the configuration without its secrets.
func (c Config) String() string {
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = "Amazon S3"
	} else if u, err := url.Parse(endpoint); err == nil {
		endpoint = u.Redacted()
	}
	return fmt.Sprintf("%s as %s", endpoint, c.who())
}

// GoString is String, so that %#v prints no secret either.
func (c Config) GoString() string { return "s3store.Config{" + c.String() + "}" }

// who names the credentials. Access key ids are not secret, but only their beginning is
// needed to recognise them.
func (c Config) who() string {
	switch {
	case c.Anonymous:
		return "anonymous"
	case c.AccessKey == "" && c.Process != "":
		return "credential_process"
	case c.AccessKey == "":
		return "instance role"
	}
	id := c.AccessKey
	if len(id) > 4 {
		id = id[:4] + "..."
	}
	return "access key " + id
}

// endpoint is where requests go: host[:port], and whether by TLS.
func (c Config) endpoint() (host string, secure bool, err error) {
	if c.Endpoint == "" {
		return "s3.amazonaws.com", true, nil
	}
	raw := c.Endpoint
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error repeats the whole text, which may hold a password.
		return "", false, fmt.Errorf("S3 endpoint is not a URL: want http://host:port or https://host")
	}
	if u.User != nil {
		return "", false, fmt.Errorf("S3 endpoint %s: keys do not belong into the URL; "+
			"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", u.Redacted())
	}
	if u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false, fmt.Errorf("S3 endpoint %q: want scheme, host and port alone, as http://127.0.0.1:9000",
			c.Endpoint)
	}
	switch u.Scheme {
	case "http":
		return u.Host, false, nil
	case "https":
		return u.Host, true, nil
	}
	return "", false, fmt.Errorf("S3 endpoint %q: the scheme must be http or https", c.Endpoint)
}

// check reports what is wrong with c, apart from the endpoint.
func (c Config) check() error {
	if !c.Anonymous && (c.AccessKey == "") != (c.SecretKey == "") {
		return fmt.Errorf("S3 credentials are incomplete: an access key and a secret key belong together")
	}
	if c.AccessKey == "" && c.Process == "" && !c.Anonymous && c.Endpoint != "" {
		return fmt.Errorf("no credentials for the S3 endpoint %s: "+
			"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; SKEP_S3_ANONYMOUS=true goes without, to public buckets", c.Endpoint)
	}
	switch c.Addressing {
	case AddressAuto, AddressPath, AddressHost:
	default:
		return fmt.Errorf("S3 addressing %q: want auto, path or virtual", string(c.Addressing))
	}
	if c.CustomerKey.set && strings.HasPrefix(c.Endpoint, "http:") {
		return fmt.Errorf("S3 endpoint %s: a customer's encryption key must not travel over plain http; use https",
			c.Endpoint)
	}
	if c.PartSize != 0 && (c.PartSize < minPartSize || c.PartSize > maxPartSize) {
		return fmt.Errorf("S3 part size %d: want 5 MiB to 5 GiB", c.PartSize)
	}
	if c.Workers < 0 || c.Attempts < 0 {
		return fmt.Errorf("S3 workers and attempts cannot be negative")
	}
	return nil
}
