package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skepdata/skep/internal/config"
)

func printAttributes(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: attributes KEY")
	}
	cfg, err := config.Load(config.Source{Getenv: ts.Getenv})
	ts.Check(err)
	opener := cfg.Opener()
	defer opener.Close() //nolint:errcheck // nothing was written
	at, err := opener.Open(context.Background(), "s3://"+ts.Getenv("BUCKET")+"/"+args[0])
	ts.Check(err)
	o, err := at.Bucket.Stat(context.Background(), at.Prefix)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "type=%s class=%s metadata=%v\n", o.ContentType, o.StorageClass, o.Metadata)
	ts.Check(err)
}

func writeProfiles(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: profiles FILE")
	}
	text := fmt.Sprintf("[good]\naws_access_key_id = %s\naws_secret_access_key = %s\n[bad]\naws_access_key_id = nobody\naws_secret_access_key = wrong\n",
		ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
