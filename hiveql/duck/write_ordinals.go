package duck

/*
#include <stdint.h>

void *skep_ordinals_new(int64_t large);
void skep_ordinals_free(void *ordinals);
int64_t skep_ordinals_count(void *ordinals);
const char *skep_ordinals_key(void *ordinals, int64_t index, uint64_t *length);
void skep_ordinals_grew(void *ordinals, int64_t file, int64_t bytes);
int64_t skep_ordinals_of(void *ordinals, int64_t file);
*/
import "C"

import "unsafe"

// ordinals are the numbers that partitions get as they turn up, and those of the files that their rows
// go to (ordinals.cc). They are safe for concurrent use.
type ordinals struct{ p unsafe.Pointer }

// newOrdinals makes ordinals for one statement. A partition gets another file when its latest has so
// many bytes.
func newOrdinals(large int64) *ordinals {
	return &ordinals{C.skep_ordinals_new(C.int64_t(large))}
}

func (o *ordinals) free() { C.skep_ordinals_free(o.p) }

// address is how SQL names them.
func (o *ordinals) address() int64 { return int64(uintptr(o.p)) }

// count is how many partitions have turned up.
func (o *ordinals) count() int64 { return int64(C.skep_ordinals_count(o.p)) }

// key is that of a partition, as SQL has put it together.
func (o *ordinals) key(ordinal int64) (string, bool) {
	if ordinal < 0 || ordinal >= o.count() {
		return "", false
	}
	var n C.uint64_t
	p := C.skep_ordinals_key(o.p, C.int64_t(ordinal), &n)
	return C.GoStringN(p, C.int(n)), true
}

// partition is the number of the partition of a file, -1 if there is no such file.
func (o *ordinals) partition(file int64) int64 {
	if o == nil {
		return -1
	}
	return int64(C.skep_ordinals_of(o.p, C.int64_t(file)))
}

// grew is told of bytes that were written into a file.
func (o *ordinals) grew(file, bytes int64) {
	if o != nil {
		C.skep_ordinals_grew(o.p, C.int64_t(file), C.int64_t(bytes))
	}
}
