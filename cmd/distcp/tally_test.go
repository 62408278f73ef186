package main

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	copier "github.com/skepdata/skep/copy"
)

// TestProgressLines prints what a copy looks like every ten seconds.
func TestProgressLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		tally := newTally()
		lines := startLines(&out, tally, 10*time.Second)
		event := func(kind copier.EventKind, name string, bytes int64) {
			tally.report(copier.Event{Kind: kind, Dest: "s3://out/dir/" + name, Sources: 1, Bytes: bytes})
		}
		event(copier.Begun, "a", 100<<20)
		event(copier.Begun, "b", 500<<20)
		event(copier.Progress, "a", 50<<20)
		<-time.After(9 * time.Second)
		event(copier.Progress, "b", 150<<20)
		event(copier.Progress, "a", 50<<20)
		event(copier.Copied, "a", 100<<20)
		<-time.After(2 * time.Second)
		event(copier.Begun, "c", 50<<20)
		event(copier.Listed, "", 0)
		<-time.After(10 * time.Second)
		event(copier.Progress, "b", -150<<20)
		tally.report(copier.Event{Kind: copier.Failed, Dest: "s3://out/dir/b", Sources: 1, Bytes: 500 << 20, Err: errors.New("gone")})
		event(copier.Progress, "c", 30<<20)
		<-time.After(30 * time.Second)
		event(copier.Copied, "c", 50<<20)
		event(copier.Begun, "d", 10<<20)
		event(copier.Started, "d", 0)
		<-time.After(12 * time.Second)
		event(copier.Postponed, "d", 10<<20)
		<-time.After(10 * time.Second)
		event(copier.Started, "d", 0)
		<-time.After(10 * time.Second)
		lines.end()
		const want = `distcp: 250.0 MiB of 600.0 MiB, 1 of 2 objects so far, 25.0 MiB/s
distcp: 250.0 MiB of 650.0 MiB, 1 of 3 objects, 12.5 MiB/s, 32s left; b takes 11s
distcp: 130.0 MiB of 150.0 MiB, 1 of 2 objects, 0 bytes/s, 1 failed; c takes 9s
distcp: 130.0 MiB of 150.0 MiB, 1 of 2 objects, 1.6 MiB/s, 13s left, 1 failed; c takes 19s
distcp: 130.0 MiB of 150.0 MiB, 1 of 2 objects, 0 bytes/s, 1 failed; c takes 29s
distcp: 130.0 MiB of 160.0 MiB, 2 of 3 objects, 0 bytes/s, 1 failed; d takes 9s
distcp: 130.0 MiB of 160.0 MiB, 2 of 3 objects, 0 bytes/s, 1 failed
distcp: 130.0 MiB of 160.0 MiB, 2 of 3 objects, 0 bytes/s, 1 failed; d takes 7s
`
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}

func TestShortName(t *testing.T) {
	for url, want := range map[string]string{
		"s3://b/a/x.gz": "x.gz",
		"s3://b/01234567890123456789012345678901234567.parquet": "...90123456789012345678901234567.parquet",
	} {
		if got := shortName(url); got != want {
			t.Errorf("%s is %s, want %s", url, got, want)
		}
	}
}
