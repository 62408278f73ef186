// What DuckDB calls to open, read and write local files comes here first, by the linker's --wrap: files
// that are only partly there are read by us (hook.go), who bring what is missing, and of files that are
// being written into a directory of ours we want to know how large they become and when they are closed
// (hook_write.go). All other files cost one look at their name when they are opened, and one atomic load a call.

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "hook_files.h"

enum { max_fds = 1 << 16 };

static _Atomic int written_into;       // directories of ours that are written into
static _Atomic uint64_t ids[max_fds];  // of the registered file that is open there; 0 for none
static _Atomic(struct skep_file *) files[max_fds]; // of those that are read

static const uint64_t written = UINT64_C(1) << 63;  // in the id of a file that is being written

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __real_pread(int fd, void *buf, size_t n, off_t off);
ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t off);

void skep_hook_written_into(int by) { atomic_fetch_add(&written_into, by); }

static uint64_t id_of(int fd) {
	if (fd < 0 || fd >= max_fds) {
		return 0;
	}
	return atomic_load_explicit(&ids[fd], memory_order_acquire);
}

// read_id is that of a file that is read by parts.
static uint64_t read_id(int fd) {
	uint64_t id = id_of(fd);
	return id & written ? 0 : id;
}

// closed tells of a file that is read, or of one that was written, file being null.
static void closed(struct skep_file *file, uint64_t id, int why) {
	if (file == NULL) {
		skepHookEnded(id, why);
	} else if (skep_file_closed(file)) {
		skepHookUnused(id);
	}
}

int __wrap_open(const char *path, int flags, ...) {
	mode_t mode = 0;
	if (flags & O_CREAT) {
		va_list args;
		va_start(args, flags);
		mode = (mode_t)va_arg(args, int);
		va_end(args);
	}
	int fd = __real_open(path, flags, mode);
	if (fd < 0) {
		return fd;
	}
	struct skep_file *file = skep_file_opened(path);
	uint64_t id = 0;
	if (file != NULL) {
		id = skep_file_id(file);
	} else if (atomic_load_explicit(&written_into, memory_order_acquire) != 0) {
		id = skepHookBegins((char *)path);
	}
	if (id == 0) {
		return fd;
	}
	if (fd >= max_fds) { // it would be read as it is
		closed(file, id, 0);
		__real_close(fd);
		errno = EMFILE;
		return -1;
	}
	atomic_store_explicit(&files[fd], file, memory_order_release);
	atomic_store_explicit(&ids[fd], id, memory_order_release);
	return fd;
}

int __wrap_close(int fd) {
	uint64_t id = fd >= 0 && fd < max_fds ? atomic_exchange(&ids[fd], 0) : 0;
	if (id == 0) {
		return __real_close(fd);
	}
	struct skep_file *file = atomic_exchange(&files[fd], NULL);
	int result = __real_close(fd);
	int why = errno;
	closed(file, id, result == 0 ? 0 : why);
	errno = why;
	return result;
}

ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t off) {
	uint64_t id = read_id(fd);
	if (id == 0 || n == 0) {
		return __real_pread(fd, buf, n, off);
	}
	ssize_t at_once = skep_file_read(atomic_load_explicit(&files[fd], memory_order_acquire), fd, buf, n, off);
	if (at_once >= 0) {
		return at_once;
	}
	int64_t got = off < 0 ? -1 : skepHookRead(id, buf, (int64_t)n, (int64_t)off);
	if (got < 0) {
		errno = EIO;
	}
	return (ssize_t)got;
}

ssize_t __wrap_read(int fd, void *buf, size_t n) {
	if (read_id(fd) == 0 || n == 0) {
		return __real_read(fd, buf, n);
	}
	off_t off = lseek(fd, 0, SEEK_CUR);
	ssize_t got = off < 0 ? -1 : __wrap_pread(fd, buf, n, off);
	if (got > 0) {
		lseek(fd, off + got, SEEK_SET);
	}
	return got;
}

// may_write asks, of a file that is ours, whether n bytes may be written now. It may wait.
static int may_write(int fd, size_t n) {
	uint64_t id = id_of(fd);
	if ((id & written) == 0 || skepHookWriting(id, (int64_t)n)) {
		return 1;
	}
	errno = EIO;
	return 0;
}

ssize_t __wrap_write(int fd, const void *buf, size_t n) { return may_write(fd, n) ? __real_write(fd, buf, n) : -1; }

ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t off) {
	return may_write(fd, n) ? __real_pwrite(fd, buf, n, off) : -1;
}
