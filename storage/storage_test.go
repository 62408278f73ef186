package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

// wrapper is a bucket around another that adds nothing.
type wrapper struct{ Bucket }

func (w wrapper) Unwrap() Bucket { return w.Bucket }

// opaque is a bucket around another that hides it.
type opaque struct{ Bucket }

// copies is a bucket that can copy.
type copies struct{ *named }

func (copies) CopyFrom(context.Context, string, Bucket, Object) (Object, error) { return Object{}, nil }

func TestAs(t *testing.T) {
	plain, able := &named{url: "x://a/"}, copies{&named{url: "x://b/"}}
	for _, test := range []struct {
		name string
		b    Bucket
		want bool
	}{
		{"nothing", nil, false},
		{"without", plain, false},
		{"with", able, true},
		{"wrapped", wrapper{able}, true},
		{"wrapped twice", wrapper{wrapper{able}}, true},
		{"wrapped without", wrapper{plain}, false},
		{"wrapped around nothing", wrapper{nil}, false},
		{"hidden", opaque{able}, false},
		{"wrapped and hidden", wrapper{opaque{able}}, false},
	} {
		if c, ok := As[ServerCopier](test.b); ok != test.want || ok && c != ServerCopier(able) {
			t.Errorf("%s: %v, %v, want %v", test.name, c, ok, test.want)
		}
	}
	if b, ok := As[*named](wrapper{plain}); !ok || b != plain {
		t.Errorf("a kind of bucket is found as a capability is: %v, %v", b, ok)
	}
}

func TestError(t *testing.T) {
	err := fmt.Errorf("task: %w", &Error{
		Op: "open", URL: "s3://lake/a", Err: fmt.Errorf("%w: %w", ErrPermission, fs.ErrPermission),
		Temporary: true, Hint: "look at the bucket's policy",
	})
	want := "task: open s3://lake/a: permission denied: permission denied (look at the bucket's policy)"
	if err.Error() != want {
		t.Errorf("error\n got %v\nwant %s", err, want)
	}
	if !errors.Is(err, ErrPermission) || !errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrNotExist) {
		t.Errorf("the error is not what its cause is")
	}
	lasting := &Error{Err: ErrChanged}
	if !IsTemporary(err) || IsTemporary(ErrNotExist) || IsTemporary(nil) || IsTemporary(lasting) {
		t.Errorf("an error is temporary when its *Error says so")
	}
}
