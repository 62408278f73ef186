// Package heapfloor lets a program whose own heap is small run Go's garbage collector seldom.
//
// The collector runs when the heap has doubled, and at 4 MB at the least. A program that keeps a
// megabyte or two of its own, and makes another with each query that it hands to an engine in C++,
// is thus collected all the time: while the engine computes, on its processors.
//
//	defer heapfloor.Raise(os.LookupEnv)()
//
// in main adds memory that is never touched to what the collector counts, so that it waits for
// 32 MB of garbage at the least. The system gives no pages for what is not touched: the program is
// resident in up to 32 MB more, however large its heap is otherwise, and of a heap that is large
// already it is little. GOGC and GOMEMLIMIT say by themselves when to collect: where one of them is
// set, nothing is done.
//
// It is for programs, and must not be called by packages: there is one heap. It knows nothing of
// what the program does.
package heapfloor

import "runtime"

// Bytes is how much garbage there is at least before it is collected.
const Bytes = 32 << 20

// LittleBytes is what RaiseLittle adds.
const LittleBytes = 6 << 20

// Raise raises the floor until the function that it returns is called.
func Raise(lookup func(string) (string, bool)) (lower func()) {
	if isSet(lookup) {
		return func() {}
	}
	counted := make([]byte, Bytes)
	return func() { runtime.KeepAlive(counted) }
}

// RaiseLittle is Raise by LittleBytes, for a program that promises to take little memory.
func RaiseLittle(lookup func(string) (string, bool)) (lower func()) {
	if isSet(lookup) {
		return func() {}
	}
	counted := make([]byte, LittleBytes)
	return func() { runtime.KeepAlive(counted) }
}

// isSet reports whether the user says when to collect.
func isSet(lookup func(string) (string, bool)) bool {
	_, percent := lookup("GOGC")
	_, limit := lookup("GOMEMLIMIT")
	return percent || limit
}
