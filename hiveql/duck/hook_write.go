package duck

// #include <stdint.h>
// void skep_hook_written_into(int by);
import "C"

import (
	"path/filepath"
	"strings"
	"syscall"
)

// beingWritten is set in the numbers of files that are being written, in hook.c too.
const beingWritten C.uint64_t = 1 << 63

// output is a directory in which DuckDB writes files, or in directories of it. grow is told of bytes
// before they are written, may wait, and says whether they may be. ended is told of a file that was
// closed. Both are called by DuckDB's threads.
type output struct {
	grow  func(path string, n int64) bool
	ended func(path string, err error)
}

// writtenFile is a file that is open.
type writtenFile struct {
	path string
	to   *output
}

// write watches what DuckDB writes into a directory, until the function it returns is called, when
// DuckDB has closed all files.
func (h *registry) write(dir string, o *output) (end func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outputs[dir] = o
	C.skep_hook_written_into(1)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.outputs, dir)
		C.skep_hook_written_into(-1)
	}
}

// begin gives a file that is opened in such a directory its number.
func (h *registry) begin(path string) C.uint64_t {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.outputs) == 0 || !strings.HasPrefix(path, "/") {
		return 0
	}
	dir := filepath.Dir(path)
	o := h.outputs[dir]
	if o == nil {
		o = h.outputs[filepath.Dir(dir)]
	}
	if o == nil {
		return 0
	}
	h.last++
	id := h.last | beingWritten
	h.written[id] = &writtenFile{path: path, to: o}
	return id
}

func (h *registry) growing(id C.uint64_t, n int64) bool {
	h.mu.Lock()
	f := h.written[id]
	h.mu.Unlock()
	return f == nil || f.to.grow(f.path, n)
}

func (h *registry) ended(id C.uint64_t, why C.int) {
	h.mu.Lock()
	f := h.written[id]
	delete(h.written, id)
	h.mu.Unlock()
	if f == nil {
		return
	}
	var err error
	if why != 0 {
		err = syscall.Errno(why)
	}
	f.to.ended(f.path, err)
}

// skepHookBegins is told each path that is opened, while there is such a directory, and answers the number of the file, or 0
// if it is in none.
//
//export skepHookBegins
func skepHookBegins(path *C.char) C.uint64_t { return hooks.begin(C.GoString(path)) }

// skepHookEnded is told that such a file has been closed, and the error of that.
//
//export skepHookEnded
func skepHookEnded(id C.uint64_t, why C.int) { hooks.ended(id, why) }

// skepHookWriting is told of bytes that are about to be written, and answers whether they may be.
//
//export skepHookWriting
func skepHookWriting(id C.uint64_t, n C.int64_t) bool { return hooks.growing(id, int64(n)) }
