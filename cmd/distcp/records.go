package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	copier "github.com/skepdata/skep/copy"
)

// records are the files in which a copy leaves what has happened to each object.
type records struct {
	log    *os.File       // nil if none is wanted; each line is written at once, for those who follow it
	logErr error          // the first
	lists  []*failureList // of what failed
	unfit  error          // names that no list can hold, the first of them
}

// logLine is an event in the log.
type logLine struct {
	Time string `json:"time"`
	eventLine
}

func openRecords(o operations) (*records, error) {
	r := &records{}
	if o.failures != "" {
		r.lists = append(r.lists, &failureList{path: o.failures, end: '\n'})
	}
	if o.failures0 != "" {
		r.lists = append(r.lists, &failureList{path: o.failures0, end: 0})
	}
	if o.logDir == "" {
		return r, nil
	}
	err := os.MkdirAll(o.logDir, 0o755)
	if err == nil {
		name := fmt.Sprintf("distcp-%s-%d.log", time.Now().UTC().Format("20060102T150405Z"), os.Getpid())
		r.log, err = os.OpenFile(filepath.Join(o.logDir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	}
	if err != nil {
		return nil, usagef("--log-dir: %s: %v", o.logDir, localCause(err))
	}
	return r, nil
}

// report takes one event. Trouble with the files is told at the end: the copy goes on.
func (r *records) report(e copier.Event) {
	switch e.Kind {
	case copier.Begun, copier.Started, copier.Progress, copier.Listed:
		return
	case copier.Failed:
		r.fail(e)
	case copier.TriedAgain:
		if e.Sources == 0 { // what has failed is planned again
			r.forgetFailures()
		}
	}
	if r.log == nil || r.logErr != nil {
		return
	}
	text, err := json.Marshal(logLine{time.Now().UTC().Format(time.RFC3339Nano), newEventLine(e)})
	if err == nil {
		_, err = r.log.Write(append(text, '\n'))
	}
	r.logErr = err
}

// fail notes a file that can be copied by itself. Those of a group go together, and the same
// command makes the group again.
func (r *records) fail(e copier.Event) {
	if len(r.lists) == 0 || e.Sources != 1 {
		return
	}
	listed := false
	for _, l := range r.lists {
		listed = l.add(e.Source) || listed
	}
	if !listed && r.unfit == nil {
		r.unfit = fmt.Errorf("--failures: a list cannot hold %q, for its line break; --failures0 can", e.Source)
	}
}

func (r *records) forgetFailures() {
	r.unfit = nil
	for _, l := range r.lists {
		if l.file != nil {
			l.file.abort()
		}
		*l = failureList{path: l.path, end: l.end}
	}
}

// close completes the files.
func (r *records) close() error {
	err := errors.Join(r.unfit, r.logErr)
	if r.log != nil {
		err = errors.Join(err, r.log.Close())
	}
	for _, l := range r.lists {
		err = errors.Join(err, l.close())
	}
	if err != nil {
		return fmt.Errorf("records of the copy: %w", err)
	}
	return nil
}

// failureList is a file of the URLs of files that failed, as --src-list reads it. It is written as they come,
// and has its name when all have.
type failureList struct {
	path string
	end  byte // of each URL

	file *replacement // nil before the first
	out  *bufio.Writer
	err  error // the first
}

// add reports whether such a list can hold the URL.
func (l *failureList) add(url string) bool {
	if strings.IndexByte(url, l.end) >= 0 {
		return false
	}
	if l.file == nil && l.err == nil {
		if l.file, l.err = beginReplacement(l.path); l.err == nil {
			l.out = bufio.NewWriter(l.file)
		}
	}
	if l.err == nil {
		_, l.err = l.out.WriteString(url + string(rune(l.end)))
	}
	return true
}

func (l *failureList) close() error {
	if l.file == nil && l.err == nil {
		return replaceFile(l.path, nil)
	}
	if l.err == nil {
		l.err = l.out.Flush()
	}
	if l.err == nil {
		return l.file.commit()
	}
	if l.file != nil {
		l.file.abort()
	}
	return l.err
}
