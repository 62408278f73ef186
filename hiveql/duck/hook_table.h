// A file of which parts may be read without a call into Go: rangecache.ReadTable, which says how. Its words are Go's,
// pinned for as long as the table is in use.

#ifndef SKEP_HOOK_TABLE_H
#define SKEP_HOOK_TABLE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct skep_table {
	int64_t size;
	_Atomic uint64_t *words;
	_Atomic uint64_t *used;
	_Atomic uint64_t *turn;
	_Atomic int64_t *readers; // two
};

// skep_table_read reads as pread does, or answers -1 where it has to be done otherwise.
ssize_t skep_table_read(struct skep_table *t, int fd, void *buf, size_t n, off_t off);

// skep_crc32c is the CRC32C of n bytes. It must not be called where skep_crc32c_works is 0: this processor has no
// instruction for it.
int skep_crc32c_works(void);
uint32_t skep_crc32c(const void *p, size_t n);

#endif
