package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/rogpeppe/go-internal/testscript"
)

func printAttributes(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: attributes KEY")
	}
	client := minioClient(ts)
	o, err := client.StatObject(context.Background(), ts.Getenv("BUCKET"), args[0], minio.StatObjectOptions{})
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "type=%s class=%s metadata=%v encryption=%s key=%s\n", o.ContentType, o.Metadata.Get("X-Amz-Storage-Class"), map[string]string(o.UserMetadata),
		o.Metadata.Get("X-Amz-Server-Side-Encryption"), o.Metadata.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
	ts.Check(err)
}

func putRich(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: putrich KEY FILE")
	}
	_, err := minioClient(ts).FPutObject(context.Background(), ts.Getenv("BUCKET"), args[0], ts.MkAbs(args[1]), minio.PutObjectOptions{
		ContentType: "text/csv", ContentEncoding: "identity", ContentDisposition: `attachment; filename="a.csv"`,
		ContentLanguage: "de", CacheControl: "max-age=60", Expires: time.Unix(2e9, 0),
		UserMetadata: map[string]string{"owner": "bee"}, UserTags: map[string]string{"team": "meadow", "with space": "a/b+c=d"},
	})
	ts.Check(err)
}

func minioClient(ts *testscript.TestScript) *minio.Client {
	client, err := minio.New(strings.TrimPrefix(ts.Getenv("AWS_ENDPOINT_URL_S3"), "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	ts.Check(err)
	return client
}

func writeProfiles(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: profiles FILE")
	}
	text := fmt.Sprintf("[good]\naws_access_key_id = %s\naws_secret_access_key = %s\n[bad]\naws_access_key_id = nobody\naws_secret_access_key = wrong\n",
		ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
