package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/skepdata/skep/storage"
)

// RetryClass is a kind of trouble that may pass.
type RetryClass string

// The classes of what may pass.
const (
	RetryThrottled  RetryClass = "throttled"  // the service wants fewer requests: 503, 429
	RetryServer     RetryClass = "server"     // the service is in trouble: 500, 502, 504
	RetryConnection RetryClass = "connection" // no answer, or half of one: refused, reset, timed out, cut off
	RetryChecksum   RetryClass = "checksum"   // bytes have arrived damaged
)

// RetryBudgets are how many retries a job has for each class to begin with. Each output, and each
// part of one, that is done gives one back to each class that has spent some, so that a job of
// which less than half fails never runs out; one that cannot get on does.
func RetryBudgets() map[RetryClass]int {
	return map[RetryClass]int{RetryThrottled: 1000, RetryServer: 300, RetryConnection: 300, RetryChecksum: 100}
}

// retryClassOf is the class of an error that may pass.
func retryClassOf(err error) RetryClass {
	var network net.Error
	switch {
	case errors.Is(err, storage.ErrChecksum):
		return RetryChecksum
	case storage.IsThrottled(err):
		return RetryThrottled
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded):
		return RetryConnection
	}
	return RetryServer
}

// retryBudget is what a job may still try again.
type retryBudget struct {
	most map[RetryClass]int // never changed

	mu    sync.Mutex
	spent map[RetryClass]int // and not given back
	ended map[RetryClass]bool
}

func newRetryBudget(opts Options) *retryBudget {
	most := RetryBudgets()
	maps.Copy(most, opts.RetryBudget)
	return &retryBudget{most: most, spent: map[RetryClass]int{}, ended: map[RetryClass]bool{}}
}

// take takes a retry of a class. news is true for the first that is not to be had.
func (b *retryBudget) take(class RetryClass) (ok, news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent[class] < b.most[class] {
		b.spent[class]++
		return true, false
	}
	news = !b.ended[class]
	b.ended[class] = true
	return false, news
}

// earn gives one retry back to each class.
func (b *retryBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for class, n := range b.spent {
		if b.spent[class] = n - 1; n <= 1 {
			delete(b.spent, class)
		}
	}
}

// checkRetries reports what makes no sense of how a job is tried again.
func (o Options) checkRetries() error {
	classes := RetryBudgets()
	for class, n := range o.RetryBudget {
		if _, ok := classes[class]; !ok {
			names := slices.Sorted(maps.Keys(classes))
			return &OptionError{"RetryBudget", fmt.Errorf("%q is not one of %s", string(class), joinClasses(names))}
		}
		if n < 0 {
			return &OptionError{"RetryBudget", fmt.Errorf("%s is negative", class)}
		}
	}
	switch {
	case o.JobRetries < 0:
		return &OptionError{"JobRetries", errors.New("is negative")}
	case o.JobBackoff < 0:
		return &OptionError{"JobBackoff", errors.New("is negative")}
	}
	return nil
}

func joinClasses(names []RetryClass) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(name))
	}
	return b.String()
}
