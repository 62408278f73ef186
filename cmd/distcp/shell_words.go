package main

import "strings"

// flagWords are the words that the values of some flags are chosen from, for completion.
func flagWords() map[string]string {
	const truths = "true false"
	return map[string]string{
		"outputCodec":  "keep none gzip bzip2 zstd lz4 lzo snappy deflate",
		"compare":      "time size etag checksum",
		"verify":       "none size checksum read-back",
		"progress":     "auto bar lines off",
		"preserve":     "meta tags times mode acl none",
		"contentType":  "auto none",
		"workers":      "auto",
		"precondition": "exists: newer: min-count:",
		"retry-budget": "throttled= server= connection= checksum=",
		"storageClass": strings.Join(storageClasses(), " "),
		"acl":          strings.Join(cannedACLs(), " "),

		"requirePreviousManifest": truths, "appendToLastFile": truths, "s3ServerSideEncryption": "AES256 aws:kms",
	}
}

// verbWords are the words that the first argument of some verbs is chosen from.
func verbWords(verbs []verbHelp) map[string]string {
	return map[string]string{
		"completion": "bash zsh fish", "jobs": "ls show rm", "snapshot": "create list rm", "help": verbNames(verbs),
	}
}

// jobNames is the command of a shell that prints the names of jobs.
const jobNames = "distcp jobs ls 2>/dev/null | awk '{print $3}'"
