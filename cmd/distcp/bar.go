package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progressFlags say how a copy shows how far it is.
type progressFlags struct {
	progress         string
	progressInterval time.Duration
}

// defaultInterval is between two lines that tell of progress.
const defaultInterval = 30 * time.Second

func (p *progressFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&p.progress, "progress", "auto", "`how` far it is: as a bar, as lines, off, or auto: a bar on a terminal and lines elsewhere")
	f.DurationVar(&p.progressInterval, "progress-interval", defaultInterval, "`time` between two lines of --progress lines")
}

func (p *progressFlags) validate() error {
	switch p.progress {
	case "auto", "bar", "lines", "off":
	default:
		return usagef("--progress: %q is not one of auto, bar, lines and off", p.progress)
	}
	if p.progressInterval < time.Second {
		return usagef("--progress-interval: %s is less than a second", p.progressInterval)
	}
	return nil
}

// gauge shows how far a copy is, until it ends.
type gauge interface {
	// above is where lines go that are not to disturb it.
	above() io.Writer
	end()
}

// startGauge shows a tally as the flags have it, or not at all, which is nil.
func (p *progressFlags) startGauge(stderr io.Writer, t *tally) gauge {
	file, _ := stderr.(*os.File)
	terminal := file != nil && term.IsTerminal(int(file.Fd()))
	switch {
	case p.progress == "off":
		return nil
	case p.progress == "bar" || p.progress == "auto" && terminal:
		return newBar(stderr, terminal, t)
	}
	return startLines(stderr, t, p.progressInterval)
}

// bar is the progress bar of a copy. Its total grows while the source is being listed.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
}

func newBar(out io.Writer, terminal bool, t *tally) *bar {
	options := []mpb.ContainerOption{mpb.WithOutput(out), mpb.WithWidth(20)}
	if !terminal {
		options = append(options, mpb.WithAutoRefresh()) // it was asked for
	}
	b := &bar{progress: mpb.New(options...)}
	b.bar = b.progress.AddBar(0, mpb.BarRemoveOnComplete(), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
		s := t.state()
		b.show(s)
		return s.text()
	})))
	return b
}

// show moves the bar. It is called while the bar is drawn, so that it must not wait for that.
func (b *bar) show(s state) {
	go func() {
		b.bar.SetTotal(max(s.bytes, 1), false)
		b.bar.SetCurrent(max(s.moved, 0))
	}()
}

func (b *bar) above() io.Writer { return b.progress }

// end removes the bar.
func (b *bar) end() {
	b.bar.Abort(true)
	b.progress.Wait()
}

// lines tell how far a copy is, from time to time.
type lines struct {
	mu      sync.Mutex
	out     io.Writer
	stop    chan struct{}
	running sync.WaitGroup
}

func startLines(out io.Writer, t *tally, every time.Duration) *lines {
	l := &lines{out: out, stop: make(chan struct{})}
	l.running.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = io.WriteString(l, "distcp: "+t.state().text()+"\n") // as good as it goes
			case <-l.stop:
				return
			}
		}
	})
	return l
}

// Write writes a line of whomever.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *lines) above() io.Writer { return l }

func (l *lines) end() {
	close(l.stop)
	l.running.Wait()
}
