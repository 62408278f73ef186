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
// It is for programs, and must not be called by packages: there is one heap.
package heapfloor

import "runtime"

// Bytes is how much garbage there is at least before it is collected.
const Bytes = 32 << 20

// Raise raises the floor until the function that it returns is called.
func Raise(lookup func(string) (string, bool)) (lower func()) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := lookup(name); set {
			return func() {}
		}
	}
	counted := make([]byte, Bytes)
	return func() { runtime.KeepAlive(counted) }
}
