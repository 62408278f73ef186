package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// derivedPrefix begins the names of jobs that were not given one.
const derivedPrefix = "auto-"

// passing are the flags that say how a job is run, and not what its outputs are.
var passing = strings.Fields(`progress progress-interval src dest job wait workers bandwidth requestRate log-dir failures failures0 metrics on-success on-failure
	verify batch dry-run json quiet version precondition precondition-timeout
	update append overwrite ignore-existing compare delete delete-excluded max-delete backup-dir outputManifest
	disableMultipartUpload multipartUploadChunkSize retries-of-job retries-of-job-delay retry-budget`)

// places are the variables of the environment that decide which services URLs mean.
var places = []string{
	"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_PROFILE", "SKEP_S3_ENDPOINT", "SKEP_BLOCK_ROOT", "SKEP_DEFAULT_FS", "XDG_DATA_HOME",
}

// identity is a hash of everything on the command line and in the environment that decides what
// the outputs of a copy are, but for the contents of the source.
func (c *command) identity(f *pflag.FlagSet, flags *copyFlags) (string, error) {
	parts := []string{whole(flags.src), destination(flags.dest)}
	ignore := map[string]bool{}
	for _, name := range passing {
		ignore[name] = true
	}
	f.Visit(func(flag *pflag.Flag) {
		if !ignore[flag.Name] {
			parts = append(parts, "--"+flag.Name, flag.Value.String())
		}
	})
	for _, rule := range flags.rules {
		glob := rule.Glob
		if rule.Exclude {
			glob = "!" + glob
		}
		parts = append(parts, glob)
	}
	for _, name := range places {
		parts = append(parts, c.getenv(name))
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// destination is whole of one, which is a directory however it is written.
func destination(url string) string {
	return strings.TrimSuffix(whole(oneScheme(url)), "/")
}

// oneScheme writes the three schemes of S3 in one way.
func oneScheme(url string) string {
	for _, alias := range []string{"s3a://", "s3n://"} {
		if rest, ok := strings.CutPrefix(url, alias); ok {
			return "s3://" + rest
		}
	}
	return url
}

// whole is a URL, or a local path from the root.
func whole(url string) string {
	if !strings.Contains(url, "://") {
		if abs, err := filepath.Abs(url); err == nil {
			return abs
		}
	}
	return url
}
