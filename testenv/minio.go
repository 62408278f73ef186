package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
)

// The environment that names an S3 service to use instead of starting one. The keys are
// needed with the endpoint; the region may be left out.
const (
	EnvS3Endpoint  = "SKEP_TEST_S3_ENDPOINT"
	EnvS3AccessKey = "SKEP_TEST_S3_ACCESS_KEY"
	EnvS3SecretKey = "SKEP_TEST_S3_SECRET_KEY"
	EnvS3Region    = "SKEP_TEST_S3_REGION"
)

const defaultRegion = "us-east-1"

// Domain is below which servers serve buckets by the names of hosts, BUCKET.Domain, which no name server knows: a proxy
// has to.
const Domain = "s3.test"

// minioKMSKey lets MinIO encrypt objects when it is asked to. It is the same for all servers,
// for one started again on kept data must be able to read them.
const minioKMSKey = "skep-test:c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="

// S3 is an S3 service and, in a test, a bucket on it that is the test's own.
type S3 struct {
	Endpoint  string // a URL
	AccessKey string
	SecretKey string
	Region    string
	Bucket    string
	CAFile    string // of the authority that signed the certificate, for https
}

// Env is the environment with which a program finds the service.
func (s *S3) Env() []string {
	env := []string{
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_REGION=" + s.Region,
	}
	if s.CAFile != "" {
		env = append(env, "AWS_CA_BUNDLE="+s.CAFile)
	}
	return env
}

// Config is the configuration with which s3store reaches the service.
func (s *S3) Config() s3store.Config {
	return s3store.Config{
		Endpoint: s.Endpoint, AccessKey: s.AccessKey, SecretKey: s.SecretKey, Region: s.Region, CAFile: s.CAFile,
	}
}

// URL is the URL of a key in the bucket.
func (s *S3) URL(key string) string { return "s3://" + s.Bucket + "/" + key }

// MakeBucket creates another bucket on the service.
func (s *S3) MakeBucket(ctx context.Context, name string) error {
	c, err := s3store.New(s.Config())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return c.MakeBucket(ctx, name)
}

// MinIO gives the test a bucket of its own, which is emptied and removed when the test ends,
// on the service that the environment names or else on a server that this process starts
// once and shares among its tests. It fails the test when there is none to be had.
func MinIO(t testing.TB) *S3 {
	t.Helper()
	service, err := sharedS3()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	s := *service
	s.Bucket = uniqueName(t, "-")
	if err := s.MakeBucket(t.Context(), s.Bucket); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.removeBucket(ctx); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	return &s
}

// sharedS3 is the service of this process. A server once started ends with the process.
var sharedS3 = sync.OnceValues(func() (*S3, error) {
	if s, err := s3FromEnv(os.Getenv); s != nil || err != nil {
		return s, err
	}
	server, err := StartMinIO(context.Background(), "")
	if err != nil {
		return nil, err
	}
	return &server.S3, nil
})

// s3FromEnv is the service that the environment names, or nil.
func s3FromEnv(getenv func(string) string) (*S3, error) {
	s := &S3{
		Endpoint:  getenv(EnvS3Endpoint),
		AccessKey: getenv(EnvS3AccessKey),
		SecretKey: getenv(EnvS3SecretKey),
		Region:    getenv(EnvS3Region),
	}
	if s.Endpoint == "" {
		return nil, nil
	}
	if s.AccessKey == "" || s.SecretKey == "" {
		return nil, fmt.Errorf("%s is set, so %s and %s must be too", EnvS3Endpoint, EnvS3AccessKey, EnvS3SecretKey)
	}
	if s.Region == "" {
		s.Region = defaultRegion
	}
	return s, nil
}

// removeBucket removes the bucket with all that is in it.
func (s *S3) removeBucket(ctx context.Context) error {
	c, err := s3store.New(s.Config())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	// MinIO does not list an object below another one until that other one is gone.
	for found := 1; found > 0; {
		if found, err = storage.DeleteAll(ctx, c.Bucket(s.Bucket), "", nil); err != nil {
			return err
		}
	}
	if _, err := c.AbortUploads(ctx, s.Bucket, "", time.Now().Add(time.Hour)); err != nil {
		return err
	}
	return c.RemoveBucket(ctx, s.Bucket)
}

// S3Server is a MinIO server that this process has started.
type S3Server struct {
	S3
	instance
}

// StartMinIO starts a MinIO server, which ends with Stop, or with this process at the
// latest. Its data is in dir, or if that is empty in a temporary directory that is removed
// at the end. Bucket is empty; MakeBucket creates one.
func StartMinIO(ctx context.Context, dir string) (*S3Server, error) {
	return startMinIO(ctx, dir, "http")
}

// StartMinIOTLS is StartMinIO with a server that speaks https, under a certificate that only
// CAFile vouches for.
func StartMinIOTLS(ctx context.Context, dir string) (*S3Server, error) {
	return startMinIO(ctx, dir, "https")
}

func startMinIO(ctx context.Context, dir, scheme string) (*S3Server, error) {
	binary, err := minioBinary(ctx)
	if err != nil {
		return nil, err
	}
	run, err := openRunDir("minio", dir)
	if err != nil {
		return nil, err
	}
	s := &S3Server{S3: S3{
		AccessKey: "skep" + strings.ToLower(rand.Text()[:12]),
		SecretKey: rand.Text(),
		Region:    defaultRegion,
	}}
	if scheme == "https" {
		if s.CAFile, err = writeCertificate(run.file("certs")); err != nil {
			return nil, errors.Join(err, run.close())
		}
	}
	l := launch{
		name:    "MinIO",
		timeout: time.Minute,
		stop:    syscall.SIGTERM,
		death:   syscall.SIGKILL,
		command: func(port int) *exec.Cmd {
			cmd := exec.Command(binary, "server", "--quiet", "--anonymous",
				"--address", loopback(port), "--certs-dir", run.file("certs"), run.file("data"))
			cmd.Env = append(minimalEnv(run.path),
				"MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey,
				"MINIO_REGION="+s.Region, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=on",
				"MINIO_KMS_SECRET_KEY="+minioKMSKey, "MINIO_DOMAIN="+Domain)
			return cmd
		},
		ready: func(ctx context.Context, port int) error {
			probe := s.Config()
			probe.Endpoint, probe.Attempts = scheme+"://"+loopback(port), 1
			c, err := s3store.New(probe)
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			_, err = c.Buckets(ctx)
			return err
		},
	}
	if s.process, err = l.start(ctx, run); err != nil {
		return nil, errors.Join(err, run.close())
	}
	s.Endpoint = scheme + "://" + loopback(s.process.port)
	return s, nil
}
