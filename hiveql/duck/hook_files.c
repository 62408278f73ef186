#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hook_files.h"

struct skep_file {
	uint64_t id;
	struct skep_table *table;
	struct skep_file *next; // in its bucket
	uint64_t hash;
	int opens; // how often it is open
	int left;
	char path[];
};

enum { buckets = 1 << 12 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of all below, and of opens and left
static struct skep_file *known[buckets];
static _Atomic int count; // of those known

// hash_of is FNV-1a, of 64 bits.
static uint64_t hash_of(const char *path) {
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *path != 0; path++) {
		h = (h ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	}
	return h;
}

struct skep_file *skep_file_add(const char *path, uint64_t id, struct skep_table *table) {
	size_t n = strlen(path) + 1;
	struct skep_file *f = malloc(sizeof *f + n);
	if (f == NULL) {
		abort(); // as Go does
	}
	*f = (struct skep_file){.id = id, .table = table, .hash = hash_of(path)};
	memcpy(f->path, path, n);
	pthread_mutex_lock(&lock);
	f->next = known[f->hash % buckets];
	known[f->hash % buckets] = f;
	atomic_fetch_add(&count, 1);
	pthread_mutex_unlock(&lock);
	return f;
}

int skep_file_left(struct skep_file *f) {
	pthread_mutex_lock(&lock);
	struct skep_file **at = &known[f->hash % buckets];
	while (*at != f) {
		at = &(*at)->next;
	}
	*at = f->next;
	atomic_fetch_sub(&count, 1);
	f->left = 1;
	int unused = f->opens == 0;
	pthread_mutex_unlock(&lock);
	return unused;
}

void skep_file_free(struct skep_file *f) { free(f); }

struct skep_file *skep_file_opened(const char *path) {
	if (atomic_load_explicit(&count, memory_order_acquire) == 0) {
		return NULL;
	}
	uint64_t hash = hash_of(path);
	pthread_mutex_lock(&lock);
	struct skep_file *f = known[hash % buckets];
	while (f != NULL && (f->hash != hash || strcmp(f->path, path) != 0)) {
		f = f->next;
	}
	if (f != NULL) {
		f->opens++;
	}
	pthread_mutex_unlock(&lock);
	return f;
}

int skep_file_closed(struct skep_file *f) {
	pthread_mutex_lock(&lock);
	int unused = --f->opens == 0 && f->left;
	pthread_mutex_unlock(&lock);
	return unused;
}

uint64_t skep_file_id(const struct skep_file *f) { return f->id; }

ssize_t skep_file_read(const struct skep_file *f, int fd, void *buf, size_t n, off_t off) {
	return f->table == NULL ? -1 : skep_table_read(f->table, fd, buf, n, off);
}
