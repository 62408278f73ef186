package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/skepdata/skep/storage"
)

func TestRetryClasses(t *testing.T) {
	for _, c := range []struct {
		err  error
		want RetryClass
	}{
		{&storage.Error{Err: errors.New("503"), Temporary: true, Throttled: true}, RetryThrottled},
		{&storage.Error{Err: errors.New("500"), Temporary: true}, RetryServer},
		{&storage.Error{Err: fmt.Errorf("PUT: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), Temporary: true}, RetryConnection},
		{&storage.Error{Err: fmt.Errorf("GET: %w", context.DeadlineExceeded), Temporary: true}, RetryConnection},
		{&storage.Error{Err: io.ErrUnexpectedEOF, Temporary: true}, RetryConnection},
		{fmt.Errorf("9 bytes short: %w", io.ErrUnexpectedEOF), RetryConnection},
		{&storage.Error{Err: syscall.ECONNRESET, Temporary: true}, RetryConnection},
		{&storage.Error{Err: fmt.Errorf("damaged: %w", storage.ErrChecksum)}, RetryChecksum},
	} {
		if got := retryClassOf(c.err); got != c.want {
			t.Errorf("%v is of the class %s, want %s", c.err, got, c.want)
		}
	}
}
