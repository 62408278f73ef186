package copier

import (
	"context"
	"sync"
)

const (
	// foresightSpan is of how many groups at once a store is asked whether the names of their outputs
	// are taken.
	foresightSpan = 64
	// foresightFiles is how many files a group may have for that: others take longer to copy than to ask for.
	foresightFiles = 1000
)

// foresight asks a store whether names of outputs are taken before the plan comes to them: one after the
// other, each question would take as long as a store is far away. One goroutine uses it.
type foresight struct {
	ask   func(ctx context.Context, key string) (bool, error)
	begun map[string]func() (bool, error) // what waits for an answer
	all   sync.WaitGroup
}

func newForesight(ask func(ctx context.Context, key string) (bool, error)) *foresight {
	return &foresight{ask: ask, begun: map[string]func() (bool, error){}}
}

// begin asks for a name.
func (f *foresight) begin(ctx context.Context, key string) {
	if f.begun[key] != nil {
		return
	}
	var there bool
	var err error
	done := make(chan struct{})
	f.all.Go(func() {
		defer close(done)
		there, err = f.ask(ctx, key)
	})
	f.begun[key] = func() (bool, error) {
		<-done
		return there, err
	}
}

// occupied reports whether a name is taken.
func (f *foresight) occupied(ctx context.Context, key string) (bool, error) {
	if answer := f.begun[key]; answer != nil {
		delete(f.begun, key)
		return answer()
	}
	return f.ask(ctx, key)
}

// end waits for the answers to come, or for their context to end them.
func (f *foresight) end() { f.all.Wait() }

// groupsAhead is of how many groups at once all files are read.
func (p *planner) groupsAhead() int {
	if p.farNames && p.occupied != nil {
		return foresightSpan
	}
	return 1
}

// foresee asks for the name that the first output of a cluster will most likely have. The plan finds out by
// itself what this does not.
func (p *planner) foresee(ctx context.Context, c *cluster, taken *takenNames) {
	if p.groupsAhead() == 1 {
		return
	}
	fresh := &cluster{key: c.key, name: c.name}
	for i, s := range c.files {
		if c.held.find(s.Object) == nil && !p.unchanged(s) {
			fresh.files, fresh.numbers = append(fresh.files, s), append(fresh.numbers, c.numbers[i])
		}
	}
	if len(fresh.files) == 0 || p.appends(fresh, c.base) {
		return
	}
	to, _ := fresh.cut(0, p.opts.TargetSize, p.opts.TargetSize > 0)
	sources := SourcesOf(fresh.files[:to]...)
	kind, err := p.codecSteps(&sources, to == 1)
	if err != nil {
		return
	}
	columns, err := p.columnarFiles(sources)
	if err != nil {
		return
	}
	name := p.naming(fresh, sources, kind, columns, fresh.numbers[0])
	for index := 0; ; index++ {
		if key := name.with(index); !taken.has(key) {
			p.foreseen.begin(ctx, key)
			return
		}
	}
}
