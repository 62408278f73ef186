// Reads of what is known to be there, which are most of them when a query is run again, do not go to Go: each call from
// one of DuckDB's threads wakes Go's monitor, which looks around every 20 microseconds for the next 10 milliseconds and
// takes a processor from DuckDB each time.

#include <unistd.h>

#include "hook_table.h"

ssize_t __real_pread(int fd, void *buf, size_t n, off_t off);

enum { block_size = 64 << 10 }; // rangecache's

static const uint64_t ready = UINT64_C(1) << 63;
static const uint64_t right = UINT64_C(1) << 62;
static const uint64_t in_use = UINT64_C(1) << 61;

static int read_all(int fd, char *buf, size_t n, off_t off) {
	while (n > 0) {
		ssize_t got = __real_pread(fd, buf, n, off);
		if (got <= 0) {
			return 0;
		}
		buf += got;
		off += got;
		n -= (size_t)got;
	}
	return 1;
}

// enter begins a read, and answers which of the readers it is of.
static int enter(struct skep_table *t) {
	for (;;) {
		uint64_t turn = atomic_load(t->turn);
		atomic_fetch_add(&t->readers[turn & 1], 1);
		if (atomic_load(t->turn) == turn) {
			return (int)(turn & 1);
		}
		atomic_fetch_sub(&t->readers[turn & 1], 1);
	}
}

static int all_ready(struct skep_table *t, int64_t from, int64_t to) {
	for (int64_t b = from; b < to; b++) {
		if (!(atomic_load(&t->words[b]) & ready)) {
			return 0;
		}
	}
	return 1;
}

// is_right compares a block with its sum. Its bytes are those at p, or, if that is null, in the file.
static int is_right(struct skep_table *t, int fd, int64_t b, const char *p, uint64_t word) {
	char whole[block_size];
	int64_t at = b * block_size;
	size_t n = t->size - at < block_size ? (size_t)(t->size - at) : block_size;
	if (p == NULL) {
		if (!read_all(fd, whole, n, at)) {
			return 0;
		}
		p = whole;
	}
	return skep_crc32c(p, n) == (uint32_t)word;
}

// compare compares the blocks of what has been read that have not been, and notes that they have been read.
static int compare(struct skep_table *t, int fd, const char *buf, int64_t off, int64_t end, int64_t from, int64_t to) {
	for (int64_t b = from; b < to; b++) {
		uint64_t word = atomic_load(&t->words[b]);
		if (!(word & right)) {
			int64_t at = b * block_size;
			int64_t behind = at + block_size < t->size ? at + block_size : t->size;
			const char *p = at >= off && behind <= end ? buf + (at - off) : NULL;
			if (!is_right(t, fd, b, p, word)) {
				return 0;
			}
		}
		if ((word & (right | in_use)) != (right | in_use)) {
			atomic_fetch_or(&t->words[b], right | in_use);
		}
		uint64_t bit = UINT64_C(1) << (b % 64);
		if (!(atomic_load(&t->used[b / 64]) & bit)) {
			atomic_fetch_or(&t->used[b / 64], bit);
		}
	}
	return 1;
}

ssize_t skep_table_read(struct skep_table *t, int fd, void *buf, size_t n, off_t off) {
	if (off < 0 || off >= t->size) {
		return -1;
	}
	if ((uint64_t)n > (uint64_t)(t->size - off)) {
		n = (size_t)(t->size - off);
	}
	int64_t end = off + (int64_t)n, from = off / block_size, to = (end + block_size - 1) / block_size;
	int turn = enter(t);
	int ok = all_ready(t, from, to) && read_all(fd, buf, n, off) && compare(t, fd, buf, off, end, from, to);
	atomic_fetch_sub(&t->readers[turn], 1);
	return ok ? (ssize_t)n : -1;
}
