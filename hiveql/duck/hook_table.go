package duck

/*
#include <stdlib.h>
#include "hook_files.h"
*/
import "C"

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/internal/castagnoli"
)

// pinnedTable is a ReadTable that C reads by, until it is released.
type pinnedTable struct {
	of  *C.struct_skep_table // nil for none
	pin *runtime.Pinner
}

// pinTable makes one, of none where this processor has no instruction for sums.
func pinTable(t *hiveql.PartTable) pinnedTable {
	if t == nil || len(t.Words) == 0 || !crcWorks() {
		return pinnedTable{}
	}
	p := pinnedTable{pin: &runtime.Pinner{}}
	words, used := unsafe.SliceData(t.Words), unsafe.SliceData(t.Used)
	p.pin.Pin(words)
	p.pin.Pin(used)
	p.pin.Pin(t.Turns)
	p.of = (*C.struct_skep_table)(C.malloc(C.sizeof_struct_skep_table))
	*p.of = C.struct_skep_table{
		size: C.int64_t(t.Size), words: cWords(words), used: cWords(used), turn: cWords(&t.Turn),
		readers: (*C.int64_t)(unsafe.Pointer(&t.Readers)),
	}
	return p
}

// cWords are Go's atomic words as C sees them.
func cWords(w *atomic.Uint64) *C.uint64_t { return (*C.uint64_t)(unsafe.Pointer(w)) }

func (p pinnedTable) release() {
	if p.of != nil {
		C.free(unsafe.Pointer(p.of))
		p.pin.Unpin()
	}
}

// addFile tells C of a file of which DuckDB may find only parts there.
func addFile(path string, id C.uint64_t, t pinnedTable) *C.struct_skep_file {
	c := C.CString(path)
	defer C.free(unsafe.Pointer(c))
	return C.skep_file_add(c, id, t.of)
}

// crcWorks reports whether C can compute CRC32C.
var crcWorks = sync.OnceValue(func() bool {
	if C.skep_crc32c_works() == 0 {
		return false
	}
	p := bytes.Repeat([]byte("skep"), 4<<10)
	return crcInC(p) == castagnoli.Update(0, p)
})

// crcInC is the CRC32C of p, which is not empty.
func crcInC(p []byte) uint32 {
	return uint32(C.skep_crc32c(unsafe.Pointer(unsafe.SliceData(p)), C.size_t(len(p))))
}
