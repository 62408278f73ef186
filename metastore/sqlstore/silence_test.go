package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/testenv"
)

// TestSilence lets a network swallow what is sent, or what is answered, while the connections stay: each
// update takes effect once, and what waited in vain says so.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, d := range databases()[1:] {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			r := testenv.NewRelay(t, &testenv.Database{URL: d.url(t)(t)})
			s := openURL(t, withParameter(r.URL, "read_timeout=1"))
			createCounted(t, s)
			const rounds = 4
			for i := range rounds {
				r.Decide(once([]testenv.Delivery{testenv.Unheard, testenv.Swallowed}[i%2], func(sent []byte) bool {
					return i >= 2 || commit.Match(sent)
				}))
				if err := s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, fmt.Sprint(i)) }); err != nil {
					t.Fatal(err)
				}
			}
			if n := counter(t, s); n != rounds || partitionCount(t, s) != rounds*batch {
				t.Errorf("the counter is %d, want %d, of %d partitions", n, rounds, partitionCount(t, s))
			}
			var first error
			err := s.View(t.Context(), func(read metastore.Reader) error {
				if first == nil {
					r.Decide(once(testenv.Swallowed, func([]byte) bool { return true }))
				}
				_, err := read.Table(t.Context(), counted)
				first = errors.Join(first, err)
				return err
			})
			if err != nil || first == nil || !strings.Contains(first.Error(), "did not answer for 1s") {
				t.Errorf("%v, after: %v", err, first)
			}
		})
	}
}

// TestLongTransaction lets a transaction last for longer than a server may be silent: only statements are timed.
func TestLongTransaction(t *testing.T) {
	t.Parallel()
	for _, d := range databases()[1:] {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := openURL(t, withParameter(d.url(t)(t), "read_timeout=4")) // a server beside others may take a second to answer
			createCounted(t, s)
			tries := 0
			err := s.Update(t.Context(), func(tx metastore.Tx) error {
				tries++
				if err := count(t.Context(), tx, fmt.Sprint(tries)); err != nil {
					return err
				}
				<-time.After(4500 * time.Millisecond)
				return count(t.Context(), tx, fmt.Sprint(tries, "again"))
			})
			if err != nil || tries != 1 || counter(t, s) != 2 {
				t.Errorf("%v: the counter is %d after %d tries", err, counter(t, s), tries)
			}
		})
	}
}

// once makes what becomes of the first piece that is meant, and lets all others through.
func once(fate testenv.Delivery, meant func(sent []byte) bool) func([]byte) testenv.Delivery {
	var done atomic.Bool
	return func(sent []byte) testenv.Delivery {
		if meant(sent) && done.CompareAndSwap(false, true) {
			return fate
		}
		return testenv.Delivered
	}
}

func withParameter(location, parameter string) string {
	if strings.Contains(location, "?") {
		return location + "&" + parameter
	}
	return location + "?" + parameter
}
