package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	copier "github.com/skepdata/skep/copy"
)

// printer turns the events of a copy into lines and a progress bar.
type printer struct {
	stdout, stderr io.Writer
	plain          io.Writer     // stderr without a gauge
	json           *json.Encoder // nil for people
	quiet, dryRun  bool
	gauge          gauge // nil if none is wanted
	lost           error // why standard output was not written, which the copy goes on without
	failures       failureLines
}

// newPrinter shows t as it goes on, unless the copy is to be quiet or only planned.
func (c *command) newPrinter(flags *copyFlags, t *tally) *printer {
	p := &printer{stdout: c.stdout, stderr: c.stderr, plain: c.stderr, quiet: flags.quiet, dryRun: flags.opts.DryRun}
	if flags.json {
		p.json = c.jsonLines()
	}
	if p.quiet || p.dryRun {
		return p
	}
	if p.gauge = flags.startGauge(c.stderr, t); p.gauge != nil {
		p.stderr = p.gauge.above()
	}
	return p
}

// eventLine is an event in JSON.
type eventLine struct {
	Event   string `json:"event"`
	Source  string `json:"source,omitempty"`
	Sources int    `json:"sources,omitempty"`
	Dest    string `json:"dest,omitempty"`
	Bytes   int64  `json:"bytes"`
	CRC32C  string `json:"crc32c,omitempty"`
	Method  string `json:"method,omitempty"`
	Action  string `json:"action,omitempty"`
	Reason  string `json:"reason,omitempty"`
	There   int64  `json:"there,omitempty"` // bytes
	Error   string `json:"error,omitempty"`

	PartSize int64 `json:"partSize,omitempty"` // bytes

	// The URLs, in base64, that are not UTF-8, of which JSON shows signs in the place of what is not.
	SourceBytes []byte `json:"sourceBytes,omitempty"`
	DestBytes   []byte `json:"destBytes,omitempty"`
}

func newEventLine(e copier.Event) eventLine {
	line := eventLine{string(e.Kind), e.Source, e.Sources, e.Dest, e.Bytes, e.CRC32C.String(), e.Method, string(e.Action), string(e.Reason), e.There, "", e.PartSize, inexact(e.Source), inexact(e.Dest)}
	if e.Err != nil {
		line.Error = oneLine(e.Err)
	}
	return line
}

func (p *printer) report(e copier.Event) {
	switch e.Kind {
	case copier.Begun, copier.Started, copier.Progress, copier.Listed:
		return
	case copier.Failed:
		p.failures.report(p.stderr, e, "")
	case copier.Copied:
		p.failures.release(p.stderr)
	case copier.DeleteFailed:
		p.failures.report(p.stderr, e, "the source was copied but not deleted: ")
	case copier.RemoveFailed:
		p.failures.report(p.stderr, e, "not deleted: ")
	case copier.Removed:
		if p.dryRun && p.json == nil && !p.quiet {
			p.print("delete %s (%s)\n", printable(e.Dest), count(e.Bytes, "byte"))
		}
	case copier.Ignored:
		if !p.quiet {
			fmt.Fprintf(p.stderr, "distcp: %s: %s\n", printable(e.Source), oneLine(e.Err))
		}
	case copier.Planned:
		p.plan(e)
	case copier.TriedAgain:
		if e.Sources == 0 { // what has failed is planned again
			p.failures = failureLines{}
		}
		p.trouble(e)
	case copier.RetriesSpent, copier.LeftThere:
		p.trouble(e)
	}
	if p.json != nil {
		p.encode(newEventLine(e))
	}
}

// trouble tells of what is worth knowing though it may pass.
func (p *printer) trouble(e copier.Event) {
	switch {
	case p.quiet:
	case e.Kind == copier.RetriesSpent:
		fmt.Fprintf(p.stderr, "distcp: nothing is tried again any more: %s\n", oneLine(e.Err))
	case e.Kind == copier.LeftThere:
		fmt.Fprintf(p.stderr, "distcp: parts of %s that an earlier run has left stay there: %s\n", printable(e.Dest), oneLine(e.Err))
	case e.Sources > 0:
		fmt.Fprintf(p.stderr, "distcp: %s failed and may succeed now, another try: %s\n", count(int64(e.Sources), "output"), oneLine(e.Err))
	default:
		fmt.Fprintf(p.stderr, "distcp: the copy ended early, another try: %s\n", oneLine(e.Err))
	}
}

// plan prints what a dry run would do, and why, where there was a choice.
func (p *printer) plan(e copier.Event) {
	if p.json != nil || p.quiet {
		return
	}
	what := e.Source
	if e.Sources > 1 {
		what += fmt.Sprintf(" and %d more", e.Sources-1)
	}
	about := count(e.Bytes, "byte")
	if e.There > 0 {
		about += fmt.Sprintf(", %d of them there already", e.There)
	}
	if why := reasonText(e.Reason); why != "" {
		about += "; " + why
	}
	p.print("%s %s to %s (%s)\n", e.Action, printable(what), printable(e.Dest), about)
}

// printable is a name as it can stand in a line: what would break it, or move a terminal's cursor, is
// escaped.
func printable(name string) string {
	if !strings.ContainsFunc(name, unicode.IsControl) {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		switch {
		case unicode.IsControl(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		case r == utf8.RuneError:
			_, size := utf8.DecodeRuneInString(name[i:])
			b.WriteString(name[i : i+size])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// reasonText says why something is to be copied.
func reasonText(r copier.Reason) string {
	switch r {
	case copier.ReasonMissing:
		return "missing"
	case copier.ReasonSize, copier.ReasonTime, copier.ReasonETag, copier.ReasonChecksum:
		return "another " + string(r)
	case copier.ReasonChanged:
		return "changed since it was copied"
	}
	return ""
}

// print writes a line of a plan.
func (p *printer) print(format string, args ...any) {
	if p.lost == nil {
		_, p.lost = fmt.Fprintf(p.stdout, format, args...)
	}
}

// encode writes a line of JSON.
func (p *printer) encode(v any) {
	if p.lost == nil {
		p.lost = p.json.Encode(v)
	}
}

// summaryLine is the last JSON line of a copy.
type summaryLine struct {
	Event          string `json:"event"`
	OK             bool   `json:"ok"`
	DryRun         bool   `json:"dryRun,omitempty"`
	Objects        int64  `json:"objects"`
	Outputs        int64  `json:"outputs"`
	Bytes          int64  `json:"bytes"`
	Found          int64  `json:"found"` // before the filters
	Skipped        int64  `json:"skipped"`
	Ignored        int64  `json:"ignored,omitempty"`
	Failed         int64  `json:"failed"`
	Deleted        int64  `json:"deleted"`
	DeleteFailures int64  `json:"deleteFailures"`
	Removed        int64  `json:"removed"`
	RemoveFailures int64  `json:"removeFailures"`
	Retries        int64  `json:"retries"`

	RetriesOf map[copier.RetryClass]int64 `json:"retriesOf,omitempty"`
	Tries     int                         `json:"tries,omitempty"` // of the job

	ServerCopied int64   `json:"serverCopied"`
	Resumed      int64   `json:"resumed,omitempty"` // bytes
	Seconds      float64 `json:"seconds"`
	RoundTrip    float64 `json:"roundTripMilliseconds,omitempty"`
	Error        string  `json:"error,omitempty"`
}

func newSummaryLine(s copier.Summary, err error, dryRun bool) summaryLine {
	line := summaryLine{
		"summary", err == nil, dryRun, s.Objects, s.Outputs, s.Bytes, s.Found, s.Skipped, s.Ignored, s.Failed, s.Deleted, s.DeleteFailures,
		s.Removed, s.RemoveFailures, s.Retries, s.RetriesOf, s.Tries, s.ServerCopied, s.Resumed, s.Elapsed.Seconds(),
		float64(s.RoundTrip.Microseconds()) / 1000, "",
	}
	if err != nil {
		line.Error = oneLine(err)
	}
	return line
}

// end prints the summary of a copy that has begun. It returns err, or why standard output lacks some
// of what was to be told there.
func (p *printer) end(s copier.Summary, err error) error {
	if p.gauge != nil {
		p.gauge.end()
		p.stderr = p.plain
	}
	if p.json != nil {
		p.encode(newSummaryLine(s, err, p.dryRun))
	}
	p.failures.end(p.stderr, err)
	var failed *copier.FailedError
	early := err != nil && !errors.As(err, &failed)
	if !p.quiet && !(early && s.Outputs == 0) { // where the error says it all
		fmt.Fprintln(p.stderr, summaryText(s, p.dryRun))
	}
	if err == nil && p.lost != nil {
		return fmt.Errorf("standard output lacks some of the events: %w", pathless(p.lost))
	}
	return err
}

// pathless is an error of a file without its name.
func pathless(err error) error {
	var named *os.PathError
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

// summaryText is the summary in one line.
func summaryText(s copier.Summary, dryRun bool) string {
	verb := "copied"
	if dryRun {
		verb = "would copy"
	}
	text := fmt.Sprintf("%s %s", verb, count(s.Objects, "object"))
	if s.Outputs != s.Objects {
		text += fmt.Sprintf(" into %d", s.Outputs)
	}
	deleted, removed := "deleted", "deleted at the destination"
	if dryRun {
		deleted, removed = "to delete at the source", "to delete at the destination"
	}
	text += ", " + bytesText(s.Bytes)
	if seconds := s.Elapsed.Seconds(); !dryRun {
		text += fmt.Sprintf(", in %v", s.Elapsed.Round(time.Millisecond))
		if s.Bytes > 1<<20 && seconds > 0.05 {
			text += fmt.Sprintf(" (%s/s)", bytesText(int64(float64(s.Bytes)/seconds)))
		}
	}
	if s.Resumed > 0 {
		text += fmt.Sprintf(", %s of it there already", bytesText(s.Resumed))
	}
	for _, extra := range []struct {
		n    int64
		what string
	}{
		{s.Skipped, "skipped"}, {s.Ignored, "that are no files"}, {s.Deleted, deleted}, {s.Removed, removed}, {s.Retries, "retried"}, {s.DeleteFailures + s.RemoveFailures, "not deleted"}, {s.Failed, "failed"},
	} {
		if extra.n > 0 {
			text += fmt.Sprintf(", %d %s", extra.n, extra.what)
		}
	}
	if s.Tries > 1 {
		text += fmt.Sprintf(", in %d tries", s.Tries)
	}
	return text
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// bytesText is a number of bytes as people read it.
func bytesText(n int64) string {
	if n < 1<<10 {
		return count(n, "byte")
	}
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	f := float64(n) / 1024
	i := 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
