package s3store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
	"github.com/skepdata/skep/storage"
)

// Client talks to one S3 service with one set of credentials. Its buckets share connections
// and buffers. It is safe for concurrent use.
type Client struct {
	cfg       Config
	core      *minio.Core
	once      *minio.Core // sends each request once
	transport transport
	direct    *direct // nil where the library sends everything
	buffers   bufferPool
	firstPart int64     // the size of the first part of an object of unknown length
	tars      sync.Pool // of *[]byte, for the headers of batches
	servers   *serverName
	busy      *atomic.Int64
	nearest   *roundTrip
	unfit     sync.Map // names of buckets that take no batches
	doubted   sync.Map // of doubt: ETags that look like MD5 sums and are none
	strict    bool     // keys that MinIO cannot hold, or takes for others, are refused here
	page      int      // objects that are listed by one request
	copyLimit int64    // bytes that one CopyObject may copy
	secure    bool     // over TLS
}

// New checks cfg and returns its Client. It sends nothing yet.
func New(cfg Config) (*Client, error) {
	host, secure, err := cfg.endpoint()
	if err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	first := cmp.Or(cfg.PartSize, firstPart)
	cfg = cfg.withDefaults()
	nearest := &roundTrip{}
	transport, err := newTransport(cfg, secure, nearest.note)
	if err != nil {
		return nil, err
	}
	creds := credentialsOf(cfg)
	listening := listeningTransport{
		RoundTripper: transport, regions: &regions{creds: creds, host: host}, servers: &serverName{}, busy: &atomic.Int64{},
	}
	if cfg.RequesterPays && !cfg.Anonymous {
		listening.pays = &payer{creds}
	}
	opts := minio.Options{
		Creds:        creds,
		Secure:       secure,
		Transport:    listening,
		Region:       cfg.Region,
		BucketLookup: lookupOf(cfg.Addressing),
		MaxRetries:   cfg.Attempts,
	}
	core, err := newCore(host, &opts)
	if err != nil {
		return nil, err
	}
	opts.MaxRetries = 1
	once, err := newCore(host, &opts)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg:       cfg,
		core:      core,
		once:      once,
		transport: transport,
		firstPart: first,
		servers:   listening.servers,
		busy:      listening.busy,
		nearest:   nearest,
		strict:    !s3utils.IsAmazonEndpoint(*core.EndpointURL()),
		page:      pageSize,
		copyLimit: maxPartSize,
		secure:    secure,
	}
	if c.strict {
		c.copyLimit = generousCopyLimit
		c.direct = newDirect(cfg, once, opts)
	}
	return c, nil
}

// withDefaults fills in what is not set.
func (cfg Config) withDefaults() Config {
	cfg.Workers = cmp.Or(cfg.Workers, defaultWorkers)
	cfg.PartSize = cmp.Or(cfg.PartSize, defaultPartSize)
	cfg.Attempts = cmp.Or(cfg.Attempts, defaultAttempts)
	if cfg.Endpoint != "" {
		// Elsewhere than at Amazon regions are a formality, and asking for them a request.
		cfg.Region = cmp.Or(cfg.Region, defaultRegion)
	}
	return cfg
}

func newCore(host string, opts *minio.Options) (*minio.Core, error) {
	core, err := minio.NewCore(host, opts)
	if err != nil {
		return nil, err
	}
	core.SetAppInfo("skep", "1")
	return core, nil
}

// content is an empty content in memory.
func (c *Client) content() *chunks { return &chunks{pool: &c.buffers} }

// Config is the configuration in force, defaults filled in.
func (c *Client) Config() Config { return c.cfg }

// Close drops idle connections. Buckets of c can still be used.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

func credentialsOf(cfg Config) *credentials.Credentials {
	switch {
	case cfg.Anonymous:
		return credentials.NewStatic("", "", "", credentials.SignatureAnonymous)
	case cfg.AccessKey != "":
		return credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, cfg.SessionToken)
	case cfg.Process != "":
		return credentials.New(&process{command: cfg.Process})
	}
	return credentials.NewIAM("")
}

func lookupOf(a Addressing) minio.BucketLookupType {
	switch a {
	case AddressPath:
		return minio.BucketLookupPath
	case AddressHost:
		return minio.BucketLookupDNS
	}
	return minio.BucketLookupAuto
}

// Buckets lists the names of the buckets that the credentials own.
func (c *Client) Buckets(ctx context.Context) ([]string, error) {
	infos, err := c.core.ListBuckets(ctx)
	if err != nil {
		return nil, c.fail(ctx, "list", "s3://", err)
	}
	names := make([]string, len(infos))
	for i, b := range infos {
		names[i] = b.Name
	}
	return names, nil
}

// CheckBucketName refuses what no service calls a bucket.
func CheckBucketName(name string) error {
	if err := s3utils.CheckValidBucketName(name); err != nil {
		return fmt.Errorf("%q is no name of a bucket, which has 3 to 63 letters, digits, dots, hyphens and underscores", name)
	}
	return nil
}

// MakeBucket creates a bucket. One that the credentials own already is not an error.
func (c *Client) MakeBucket(ctx context.Context, name string) error {
	err := c.core.MakeBucket(ctx, name, minio.MakeBucketOptions{Region: c.cfg.Region})
	var e minio.ErrorResponse
	if errors.As(err, &e) && e.Code == minio.BucketAlreadyOwnedByYou {
		return nil
	}
	if err != nil {
		return c.fail(ctx, "create", "s3://"+name+"/", err)
	}
	return nil
}

// RemoveBucket removes an empty bucket. A missing one is not an error.
func (c *Client) RemoveBucket(ctx context.Context, name string) error {
	err := c.core.RemoveBucket(ctx, name)
	var e minio.ErrorResponse
	if errors.As(err, &e) && e.Code == minio.NoSuchBucket {
		return nil
	}
	if err != nil {
		return c.fail(ctx, "delete", "s3://"+name+"/", err)
	}
	return nil
}

// AbortUploads is storage.AbortUploads for a bucket of c.
func (c *Client) AbortUploads(ctx context.Context, bucket, prefix string, before time.Time) (int, error) {
	return storage.AbortUploads(ctx, c.Bucket(bucket), prefix, before)
}
