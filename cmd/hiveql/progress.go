package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/skepdata/skep/hiveql"
)

const (
	progressAfter = time.Second // shorter statements show nothing
	progressEvery = 200 * time.Millisecond
)

// progress shows on a terminal what the running statement has done so far, on one line that goes
// when there is something else to print.
type progress struct {
	out  io.Writer
	stop chan struct{}
	done sync.WaitGroup
}

// startProgress watches a statement until end is called.
func startProgress(out io.Writer, r *hiveql.Result) *progress {
	p := &progress{out: out, stop: make(chan struct{})}
	p.done.Go(func() { p.watch(r) })
	return p
}

func (p *progress) watch(r *hiveql.Result) {
	wait := time.NewTimer(progressAfter)
	defer wait.Stop()
	shown := false
	for {
		select {
		case <-p.stop:
			if shown {
				_, _ = io.WriteString(p.out, "\r\x1b[K")
			}
			return
		case <-wait.C:
			_, _ = io.WriteString(p.out, "\r\x1b[K"+progressLine(r.Stats()))
			shown = true
			wait.Reset(progressEvery)
		}
	}
}

// end clears the line. It may be called again, and of none.
func (p *progress) end() {
	if p == nil || p.stop == nil {
		return
	}
	close(p.stop)
	p.done.Wait()
	p.stop = nil
}

func progressLine(st hiveql.Stats) string {
	s := fmt.Sprintf("%.1f s", st.Elapsed.Seconds())
	if st.Files > 0 {
		s += fmt.Sprintf(", %d file(s), %s", st.Files, bytesText(st.BytesRead))
	}
	if st.BytesFetched > 0 {
		s += fmt.Sprintf(" (%s fetched)", bytesText(st.BytesFetched))
	}
	if st.Rows > 0 {
		s += fmt.Sprintf(", %d row(s)", st.Rows)
	}
	return s + " ... Ctrl-C cancels"
}
