package testenv_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

func TestMinIO(t *testing.T) {
	var s *testenv.S3
	t.Run("own bucket", func(t *testing.T) {
		s = testenv.MinIO(t)
		other := testenv.MinIO(t)
		if s.Endpoint != other.Endpoint {
			t.Errorf("two servers, %s and %s, in one process", s.Endpoint, other.Endpoint)
		}
		if s.Bucket == other.Bucket {
			t.Errorf("both got bucket %s", s.Bucket)
		}
		if got := buckets(t, s); !slices.Contains(got, s.Bucket) || !slices.Contains(got, other.Bucket) {
			t.Errorf("buckets are %v", got)
		}
	})
	if got := buckets(t, s); slices.Contains(got, s.Bucket) {
		t.Errorf("bucket %s outlived its test", s.Bucket)
	}
}

func buckets(t *testing.T, s *testenv.S3) []string {
	t.Helper()
	c, err := s3store.New(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	names, err := c.Buckets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestS3Env(t *testing.T) {
	s := testenv.S3{Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "s", Region: "us-east-1"}
	want := "AWS_ENDPOINT_URL_S3=http://127.0.0.1:1 AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=s AWS_REGION=us-east-1"
	if got := strings.Join(s.Env(), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
