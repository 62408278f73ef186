package storage

import "context"

// Ignored is something that a listing leaves out because it can be no object, as a named pipe among
// local files.
type Ignored struct {
	Object        // its Key, as it would be, and ModTime, if that can be known
	What   string // for people, as "a named pipe"
}

type ignoredKey struct{}

// WithIgnored returns a context for listings that tell what they leave out. tell is called by whoever
// takes what is listed, before the objects that come after it in the same directory. Only stores that
// have such things tell of them: local files.
func WithIgnored(ctx context.Context, tell func(Ignored)) context.Context {
	return context.WithValue(ctx, ignoredKey{}, tell)
}

// TellIgnored returns what WithIgnored has been given, or nil. It is for stores.
func TellIgnored(ctx context.Context) func(Ignored) {
	tell, _ := ctx.Value(ignoredKey{}).(func(Ignored))
	return tell
}
