package duck

/*
#cgo linux LDFLAGS: -Wl,--wrap=open -Wl,--wrap=close -Wl,--wrap=pread -Wl,--wrap=read -Wl,--wrap=write -Wl,--wrap=pwrite
#include <stdint.h>
#include "hook_files.h"
*/
import "C"

import (
	"context"
	"errors"
	"io"
	"sync"
	"unsafe"

	"github.com/skepdata/skep/hiveql"
)

// hooks are the files that DuckDB may open and read although parts of them are not there yet, and the
// directories in which we watch it write. The C side (hook.c, hook_files.c) knows what DuckDB has open, and asks here for
// what is not there, by the file's number.
// There is one for the process, as there is one of each of the functions that it hooks into.
var hooks = registry{
	byPath: map[string]*partial{}, byID: map[C.uint64_t]*partial{},
	outputs: map[string]*output{}, written: map[C.uint64_t]*writtenFile{},
}

type registry struct {
	mu     sync.Mutex
	last   C.uint64_t
	byPath map[string]*partial
	byID   map[C.uint64_t]*partial

	outputs map[string]*output // by directory
	written map[C.uint64_t]*writtenFile
}

// partial is one such file, which several statements may read at once.
type partial struct {
	id    C.uint64_t
	path  string
	parts hiveql.Parts
	table pinnedTable
	file  *C.struct_skep_file // what C knows of it

	// Guarded by hooks.mu:
	ctx      context.Context // ends when no statement is left that would read
	cancel   context.CancelFunc
	readers  map[*reading]bool // false: its context has ended, and DuckDB may open the file for it still
	releases []func()
}

// reading is what one statement has to do with a file.
type reading struct {
	fail func(error) // told why a read failed: DuckDB gets to know no more than EIO
	// touch is told what is about to be read, by whichever statement, and says whether somebody
	// runs ahead of it.
	touch func(off, n int64) bool
}

// read lets DuckDB read the file at path, whose parts come as they are read, until the function
// it returns is called. The file is released then, or once DuckDB has closed it. When ctx ends, reads
// that nobody else waits for are cancelled, but the file stays: threads of DuckDB that do not know it
// yet may open it, and must not find what is on the disk.
func (h *registry) read(ctx context.Context, f hiveql.Local, r *reading) (end func()) {
	path, parts := f.Path, f.Parts
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.byPath[path]
	if p == nil {
		h.last++
		p = &partial{id: h.last, path: path, parts: parts, table: pinTable(parts.ReadTable()), readers: map[*reading]bool{}}
		h.byPath[path], h.byID[p.id] = p, p
		p.file = addFile(path, p.id, p.table)
	}
	if !p.wanted() {
		p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	p.readers[r] = true
	p.releases = append(p.releases, f.Release)
	stop := context.AfterFunc(ctx, func() { h.giveUp(p, r) })
	return func() {
		stop()
		h.leave(p, r)
	}
}

// wanted reports whether there is a statement that would read on. The caller holds hooks.mu.
func (p *partial) wanted() bool {
	for _, reads := range p.readers {
		if reads {
			return true
		}
	}
	return false
}

// giveUp says that a statement wants nothing more of a file, unless it has left. After the last one,
// reads that wait are cancelled.
func (h *registry) giveUp(p *partial, r *reading) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.readers[r] {
		p.readers[r] = false
		if !p.wanted() {
			p.cancel()
		}
	}
}

// leave ends a statement's reading. It may be called again.
func (h *registry) leave(p *partial, r *reading) {
	h.giveUp(p, r)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := p.readers[r]; !ok {
		return
	}
	delete(p.readers, r)
	if len(p.readers) == 0 {
		delete(h.byPath, p.path)
		if C.skep_file_left(p.file) != 0 {
			h.drop(p)
		}
	}
}

// drop gives up a file that no statement reads and DuckDB does not have open. The caller holds the lock.
func (h *registry) drop(p *partial) {
	delete(h.byID, p.id)
	C.skep_file_free(p.file)
	p.table.release()
	for _, release := range p.releases {
		release()
	}
}

// unused is told that DuckDB has closed a file which no statement reads any more.
func (h *registry) unused(id C.uint64_t) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(h.byID[id])
}

// readAt reads part of a file for DuckDB, and returns how many bytes it read, or -1.
func (h *registry) readAt(id C.uint64_t, buf []byte, off int64) C.int64_t {
	h.mu.Lock()
	p := h.byID[id]
	var told [4]*reading
	readers := told[:0]
	var ctx context.Context
	if p != nil {
		ctx = p.ctx
		for r, reads := range p.readers {
			if reads {
				readers = append(readers, r)
			}
		}
	}
	h.mu.Unlock()
	if p == nil {
		return -1
	}
	read := p.parts.ReadOn
	for _, r := range readers {
		if r.touch(off, int64(len(buf))) {
			read = p.parts.ReadAt
		}
	}
	n, err := read(ctx, buf, off)
	if err == nil || errors.Is(err, io.EOF) {
		return C.int64_t(n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range readers { // who came later does not wait for this
		if p.readers[r] {
			r.fail(&Error{Op: "read", Msg: err.Error(), Err: err})
		}
	}
	return -1
}

// skepHookUnused is told that a file has been closed which no statement reads any more, and that was open no more.
//
//export skepHookUnused
func skepHookUnused(id C.uint64_t) { hooks.unused(id) }

// skepHookRead reads n bytes into buf, and answers how many there were, or -1.
//
//export skepHookRead
func skepHookRead(id C.uint64_t, buf unsafe.Pointer, n, off C.int64_t) C.int64_t {
	return hooks.readAt(id, unsafe.Slice((*byte)(buf), int(n)), int64(off))
}
