package main

import (
	"context"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/rogpeppe/go-internal/testscript"
)

// keepVersions makes the bucket of a script keep versions, which go with the script.
func keepVersions(ts *testscript.TestScript, _ bool, _ []string) {
	client, bucket := minioClient(ts), ts.Getenv("BUCKET")
	ts.Check(client.EnableVersioning(context.Background(), bucket))
	ts.Defer(func() {
		ctx := context.Background()
		for o := range client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
			ts.Check(o.Err)
			ts.Check(client.RemoveObject(ctx, bucket, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID}))
		}
	})
}

func setVersionID(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: versionid KEY VAR")
	}
	o, err := minioClient(ts).StatObject(context.Background(), ts.Getenv("BUCKET"), args[0], minio.StatObjectOptions{})
	ts.Check(err)
	ts.Setenv(args[1], o.VersionID)
}

func setNow(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: now VAR")
	}
	ts.Setenv(args[0], time.Now().UTC().Format(time.RFC3339Nano))
}
