package s3store

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// direct sends the three requests that a copy of many small objects consists of, GET and PUT of
// one object and the listing of a bucket, without the library: building and signing them, or reading
// a listing, there takes a third of a client's time. It knows success, and what may pass and is worth another attempt. The last attempt, and
// the next after any other failure, is the library's: it knows what errors mean.
//
// It serves endpoints with a path for each bucket and one region, as all but Amazon's have.
type direct struct {
	transport http.RoundTripper
	creds     *credentials.Credentials
	endpoint  *url.URL
	signer    signerV4
	agent     []string
	last      *minio.Core // sends a request once
}

// newDirect returns nil where the library must do everything.
func newDirect(cfg Config, once *minio.Core, opts minio.Options) *direct {
	if cfg.Addressing == AddressHost || cfg.Anonymous || cfg.RequesterPays || cfg.CustomerKey.set || cfg.Attempts < 2 {
		return nil
	}
	return &direct{
		transport: opts.Transport, creds: opts.Creds, endpoint: once.EndpointURL(),
		signer: signerV4{region: cfg.Region}, agent: []string{"skep"}, last: once,
	}
}

// request builds a signed request. ok is false where the library is to do it.
func (d *direct) request(ctx context.Context, method, bucket, key, query string, headers http.Header) (req *http.Request, ok bool) {
	value, err := d.creds.GetWithContext(nil) // as kept, or by the library's own client
	if err != nil || value.SignerType != credentials.SignatureV4 {
		return nil, false
	}
	path := "/" + bucket + "/" + key
	req = (&http.Request{
		Method: method,
		URL:    &url.URL{Scheme: d.endpoint.Scheme, Host: d.endpoint.Host, Path: path, RawPath: escapePath(path), RawQuery: query},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: headers, Host: d.endpoint.Host,
	}).WithContext(ctx)
	headers["User-Agent"] = d.agent
	d.signer.sign(req, value)
	return req, true
}

// put is a signed request that stores an object.
func (d *direct) put(ctx context.Context, bucket, key string, content content, opts minio.PutObjectOptions) (*http.Request, bool) {
	req, ok := d.request(ctx, http.MethodPut, bucket, key, "", opts.Header())
	if ok && content.size() > 0 {
		req.ContentLength = content.size()
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(content.body()), nil }
		req.Body, _ = req.GetBody()
	}
	return req, ok
}

// get is a signed request that reads an object.
func (d *direct) get(ctx context.Context, bucket, key string, opts minio.GetObjectOptions) (*http.Request, bool) {
	return d.request(ctx, http.MethodGet, bucket, key, "", opts.Header())
}

// list asks for a page of at most so many objects, by the token of the page before or, without one, behind
// a key. A page that breaks off is asked for again. ok is false where the library is to go on behind that of
// the page before.
func (d *direct) list(ctx context.Context, attempts int, bucket, prefix, after, token string, most int) (page listPage, ok bool) {
	for range attempts {
		page, err := d.listOnce(ctx, attempts, bucket, prefix, after, token, most)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return page, err == nil
		}
	}
	return listPage{}, false
}

// errNoAnswer is of requests that the library is to try once more.
var errNoAnswer = errors.New("no answer")

// listOnce is list without another try; its error is ErrUnexpectedEOF where the answer broke off.
func (d *direct) listOnce(ctx context.Context, attempts int, bucket, prefix, after, token string, most int) (listPage, error) {
	pairs := []string{"continuation-token", token, "encoding-type", "url", "list-type", "2",
		"max-keys", strconv.Itoa(most), "prefix", prefix, "start-after", after}
	if after == "" || token != "" {
		pairs = pairs[:len(pairs)-2]
	}
	if token == "" {
		pairs = pairs[2:]
	}
	resp := d.send(ctx, attempts, func() (*http.Request, bool) {
		return d.request(ctx, http.MethodGet, bucket, "", query(pairs...), http.Header{})
	})
	if resp == nil {
		return listPage{}, errNoAnswer
	}
	defer resp.Body.Close()
	size := min(max(resp.ContentLength+1, bytes.MinRead), longestListing)
	body := bytes.NewBuffer(make([]byte, 0, size))
	if _, err := body.ReadFrom(io.LimitReader(resp.Body, longestListing)); err != nil {
		return listPage{}, io.ErrUnexpectedEOF
	}
	return parseListing(body.Bytes())
}

// longestListing bounds the memory of an answer; one of a thousand objects has some 400 KiB.
const longestListing = 16 << 20

// Waits between attempts are random, between the half of this and this, which doubles each time: so
// that a server that is away for half a second is never given up.
const (
	shortestWait = 100 * time.Millisecond
	longestWait  = time.Second
)

// send sends what build makes until it succeeds, or has failed for good or so often that one
// attempt is left. The caller closes the body of the answer, which is nil without success.
func (d *direct) send(ctx context.Context, attempts int, build func() (*http.Request, bool)) *http.Response {
	for wait := shortestWait; attempts > 1; attempts-- {
		req, ok := build()
		if !ok {
			return nil
		}
		resp, err := d.transport.RoundTrip(req)
		passing := err != nil
		if err == nil {
			if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
				return resp
			}
			passing = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests ||
				resp.StatusCode == http.StatusBadRequest && damaged(codeOf(resp))
			_ = resp.Body.Close() // what it says the library will hear again
		}
		if !passing || ctx.Err() != nil {
			return nil
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		wait = min(2*wait, longestWait)
	}
	return nil
}

// codeOf is the code of an answer that is an error, as far as there is one.
func codeOf(resp *http.Response) string {
	var answer struct{ Code string }
	if err := xml.NewDecoder(io.LimitReader(resp.Body, longestError)).Decode(&answer); err != nil {
		return ""
	}
	return answer.Code
}

// longestError bounds what is read of an answer that is an error.
const longestError = 64 << 10

// putContent stores an object, by direct where that can.
func (b *Bucket) putContent(ctx context.Context, key string, content content, opts minio.PutObjectOptions,
) (minio.UploadInfo, http.Header, error) {
	core := b.c.core
	if d := b.c.direct; d != nil {
		core = d.last
		resp := d.send(ctx, b.c.cfg.Attempts, func() (*http.Request, bool) { return d.put(ctx, b.name, key, content, opts) })
		if resp != nil {
			_ = resp.Body.Close() // it is empty
			h := resp.Header
			return minio.UploadInfo{
				ETag:           strings.Trim(h.Get("Etag"), `"`),
				ChecksumCRC32C: h.Get("X-Amz-Checksum-Crc32c"), ChecksumMode: h.Get("X-Amz-Checksum-Type"),
			}, h, nil
		}
		if ctx.Err() != nil {
			return minio.UploadInfo{}, nil, context.Cause(ctx)
		}
	}
	ctx, a := listen(ctx)
	info, err := core.PutObject(ctx, b.name, key, content.body(), content.size(), "", "", opts)
	return info, a.header, err
}

// getContent opens an object, by direct where that can.
func (b *Bucket) getContent(ctx context.Context, key string, opts minio.GetObjectOptions,
) (io.ReadCloser, minio.ObjectInfo, http.Header, error) {
	core := b.c.core
	if d := b.c.direct; d != nil && opts.VersionID == "" {
		core = d.last
		resp := d.send(ctx, b.c.cfg.Attempts, func() (*http.Request, bool) { return d.get(ctx, b.name, key, opts) })
		if resp != nil {
			info, err := minio.ToObjectInfo(b.name, key, resp.Header)
			if err == nil {
				return resp.Body, info, resp.Header, nil
			}
			_ = resp.Body.Close() // the library will tell what is wrong with the answer
		}
		if ctx.Err() != nil {
			return nil, minio.ObjectInfo{}, nil, context.Cause(ctx)
		}
	}
	return core.GetObject(ctx, b.name, key, opts)
}
