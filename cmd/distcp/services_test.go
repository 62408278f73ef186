package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skepdata/skep/testenv"
)

func busyServer(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: busy FRACTION")
	}
	fraction, err := strconv.ParseFloat(args[0], 64)
	ts.Check(err)
	p, err := testenv.StartProxy(&testenv.S3{Endpoint: ts.Getenv("AWS_ENDPOINT_URL_S3")})
	ts.Check(err)
	ts.Defer(func() { _ = p.Close() })
	p.SetFaults(testenv.Faults{Busy: fraction})
	ts.Setenv("AWS_ENDPOINT_URL_S3", p.Endpoint)
}

func startForwarder(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: forwarder VAR")
	}
	to, err := url.Parse(ts.Getenv("AWS_ENDPOINT_URL_S3"))
	ts.Check(err)
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", to.Host, r.In.Host // which is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			forward.ServeHTTP(w, r)
			return
		}
		tunnel(w, to.Host)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

// tunnel joins a client to a server.
func tunnel(w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(there, here) // either end may go
		_ = there.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(here, there)
		_ = here.Close()
	})
	both.Wait()
}

func lockedBucket(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: locked BUCKET")
	}
	ctx, client, bucket := context.Background(), minioClient(ts), args[0]
	ts.Check(client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{ObjectLocking: true}))
	mode, days, unit := minio.Governance, uint(1), minio.Days
	ts.Check(client.SetObjectLockConfig(ctx, bucket, &mode, &days, &unit))
	ts.Defer(func() {
		for o := range client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
			ts.Check(o.Err)
			ts.Check(client.RemoveObject(ctx, bucket, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID, GovernanceBypass: true}))
		}
		ts.Check(client.RemoveBucket(ctx, bucket))
	})
}

func publishBucket(ts *testscript.TestScript, _ bool, _ []string) {
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:GetObject","s3:ListBucket"],` +
		`"Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"]}]}`
	bucket := ts.Getenv("BUCKET")
	ts.Check(minioClient(ts).SetBucketPolicy(context.Background(), bucket, strings.ReplaceAll(policy, "BUCKET", bucket)))
}
