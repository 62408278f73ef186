package storage

import "context"

// Ignored is something that a listing leaves out because it can be no object, as a named pipe among
// local files, or a directory whose objects it may not list.
type Ignored struct {
	Object        // its Key, as it would be, and ModTime, if that can be known
	What   string // for people, as "a named pipe"
	Err    error  // of a directory, whose Key ends in a slash: why it could not be listed; nil for what is no object
}

type ignoredKey struct{}

// WithIgnored returns a context for listings that tell what they leave out, and so do not end at a
// directory below the prefix that may not be listed. tell is called by whoever
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
