package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/rogpeppe/go-internal/testscript"
)

// writeRole adds a profile to a file of AWS's: the session of somebody whom the server allows only what the
// other arguments name, as s3:GetObject, in $BUCKET.
func writeRole(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: role FILE PROFILE ACTION...")
	}
	bucket := "arn:aws:s3:::" + ts.Getenv("BUCKET")
	session, err := credentials.NewSTSAssumeRole(ts.Getenv("AWS_ENDPOINT_URL_S3"), credentials.STSAssumeRoleOptions{
		AccessKey: ts.Getenv("AWS_ACCESS_KEY_ID"), SecretKey: ts.Getenv("AWS_SECRET_ACCESS_KEY"),
		Location: ts.Getenv("AWS_REGION"),
		Policy: fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["%s"],"Resource":["%s","%s/*"]}]}`,
			strings.Join(args[2:], `","`), bucket, bucket),
	})
	ts.Check(err)
	v, err := session.GetWithContext(&credentials.CredContext{Client: http.DefaultClient})
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	_, err = fmt.Fprintf(f, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n",
		args[1], v.AccessKeyID, v.SecretAccessKey, v.SessionToken)
	ts.Check(err)
	ts.Check(f.Close())
}
