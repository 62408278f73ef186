package main

import (
	"bufio"
	"bytes"
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
	log    *os.File // nil if none is wanted
	out    *bufio.Writer
	lists  map[byte]string // names of the files of what failed, by what ends a name; empty if none is wanted
	failed bytes.Buffer    // their names, each ended by a NUL
	err    error           // the first
}

// logLine is an event in the log.
type logLine struct {
	Time string `json:"time"`
	eventLine
}

func openRecords(o operations) (*records, error) {
	r := &records{lists: map[byte]string{'\n': o.failures, 0: o.failures0}}
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
	r.out = bufio.NewWriter(r.log)
	return r, nil
}

// report takes one event. Trouble with the files is told at the end: the copy goes on.
func (r *records) report(e copier.Event) {
	switch e.Kind {
	case copier.Begun, copier.Started, copier.Progress, copier.Listed:
		return
	case copier.Failed:
		r.fail(e)
	}
	if r.out == nil || r.err != nil {
		return
	}
	text, err := json.Marshal(logLine{time.Now().UTC().Format(time.RFC3339Nano), newEventLine(e)})
	if err == nil {
		_, err = r.out.Write(append(text, '\n'))
	}
	r.err = err
}

// fail notes a file that can be copied by itself. Those of a group go together, and the same
// command makes the group again.
func (r *records) fail(e copier.Event) {
	if r.lists['\n'] == "" && r.lists[0] == "" || e.Sources != 1 {
		return
	}
	if strings.Contains(e.Source, "\n") && r.lists[0] == "" {
		r.err = errors.Join(r.err, fmt.Errorf("--failures: a list cannot hold %q, for its line break; --failures0 can", e.Source))
	}
	r.failed.WriteString(e.Source + "\x00")
}

// failures are what a list with that end of names can hold of the names of what failed.
func (r *records) failures(end byte) []byte {
	var list []byte
	for name := range bytes.SplitAfterSeq(r.failed.Bytes(), []byte{0}) {
		if len(name) == 0 || bytes.IndexByte(name[:len(name)-1], end) >= 0 {
			continue
		}
		list = append(append(list, name[:len(name)-1]...), end)
	}
	return list
}

// close completes the files.
func (r *records) close() error {
	err := r.err
	if r.log != nil {
		err = errors.Join(err, r.out.Flush(), r.log.Close())
	}
	for end, path := range r.lists {
		if path != "" {
			err = errors.Join(err, replaceFile(path, r.failures(end)))
		}
	}
	if err != nil {
		return fmt.Errorf("records of the copy: %w", err)
	}
	return nil
}
