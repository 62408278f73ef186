package storage

import (
	"errors"
	"fmt"
)

// Sentinels, tested with errors.Is.
var (
	ErrNotExist     = errors.New("does not exist")
	ErrExist        = errors.New("exists already")
	ErrPermission   = errors.New("permission denied")
	ErrInvalidKey   = errors.New("invalid key")
	ErrInvalidRange = errors.New("range begins beyond the end of the object")
	ErrChanged      = errors.New("the object was replaced while it was being read")
	ErrChecksum     = errors.New("checksum mismatch")
	ErrQuota        = errors.New("quota exceeded")
	ErrUnsupported  = errors.New("not supported by this store")
	ErrEnded        = errors.New("the writer has been committed or aborted already")
	// ErrRefused is what no object gets: what was asked for besides the content, as a storage class, a key
	// to encrypt with or an ACL; or a place in a store that cannot be made.
	ErrRefused = errors.New("refused by the store")
	// ErrCredentials is, besides ErrPermission, that there are no such credentials, or no longer: no request will
	// succeed with them.
	ErrCredentials = errors.New("the credentials are not valid")
)

// BelowFileError is a key that lies below another one where stores have files and directories.
type BelowFileError struct {
	File string // the path of the file
}

func (e *BelowFileError) Error() string {
	return e.File + " is a file, so nothing can lie below it"
}

// Error says which operation on which URL failed, and why. Its text never holds a secret.
type Error struct {
	Op        string // "list", "stat", "open", "read", "create", "write", "commit", "delete", "copy", "rename", "read the tags of"
	URL       string // of the object, prefix or bucket
	Err       error  // the cause; wraps one of the sentinels where one fits
	Temporary bool   // the same call may succeed later: time-outs, 503, reset connections
	Throttled bool   // the service asks for fewer requests: 503 SlowDown, 429; also Temporary
	Hint      string // what the user can do about it; may be empty
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %v", e.Op, e.URL, e.Err)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// IsTemporary reports whether err, or an error it wraps, is an *Error marked Temporary.
func IsTemporary(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Temporary
}

// IsThrottled reports whether err, or an error it wraps, is an *Error marked Throttled: who
// gets it should send less, not only send again.
func IsThrottled(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Throttled
}
