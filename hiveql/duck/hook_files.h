// The files that are read through the hook, by their paths: what DuckDB opens, and closes, costs no call into Go.

#ifndef SKEP_HOOK_FILES_H
#define SKEP_HOOK_FILES_H

#include "hook_table.h"

struct skep_file;

// skep_file_add makes a file known, with its number, which is not 0, and its table, which may be null.
struct skep_file *skep_file_add(const char *path, uint64_t id, struct skep_table *table);

// skep_file_left ends that: whoever opens the path from now on gets what is there. It answers whether the file is open no
// more; otherwise skep_file_closed will. After that it is to be freed.
int skep_file_left(struct skep_file *f);
void skep_file_free(struct skep_file *f);

// skep_file_opened is the file that is known by a path, which counts as opened once more, or null.
struct skep_file *skep_file_opened(const char *path);
int skep_file_closed(struct skep_file *f);

uint64_t skep_file_id(const struct skep_file *f);

// skep_file_read is skep_table_read, for files without a table too.
ssize_t skep_file_read(const struct skep_file *f, int fd, void *buf, size_t n, off_t off);

#endif
