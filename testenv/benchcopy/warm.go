package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// warmth is free memory that stays where it is.
type warmth struct{ kept []byte }

// warmMemory makes sure that so many bytes of free memory are really there until end is called.
//
// The host of a virtual machine may take free memory back after a second or two, and give it again when
// it is touched. That has been seen to take ten times as long as writing to a page that is there, and
// counts as processor time of whoever touches it: the first to write to what others have freed.
// What is free is reported to the host in blocks of 2 MiB or more, so this takes the memory, touches it
// and gives it back, but for one page in each of the smaller blocks that it leaves. Memory that is in use
// for something is there, so no more is taken than is free.
func warmMemory(bytes int64) (warmth, error) {
	free, err := freeMemory()
	if err != nil {
		return warmth{}, err
	}
	bytes = min(bytes, free-spareMemory)
	if bytes <= 0 {
		return warmth{}, nil
	}
	pages, err := unix.Mmap(-1, 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return warmth{}, fmt.Errorf("warm %d bytes of memory: %w", bytes, err)
	}
	w := warmth{pages}
	_ = unix.Madvise(pages, unix.MADV_NOHUGEPAGE) // where there are any, they would be freed as a whole
	page := os.Getpagesize()
	for at := 0; at < len(pages); at += page {
		pages[at] = 1
	}
	for at := 0; at < len(pages); at += smallBlock {
		block := pages[at:min(at+smallBlock, len(pages))]
		if len(block) <= page {
			continue
		}
		if err := unix.Madvise(block[page:], unix.MADV_DONTNEED); err != nil {
			return warmth{}, errors.Join(fmt.Errorf("give warm memory back: %w", err), w.end())
		}
	}
	return w, nil
}

// end lets the memory go.
func (w warmth) end() error {
	if w.kept == nil {
		return nil
	}
	return unix.Munmap(w.kept)
}

const (
	// smallBlock is less than is reported to a host, by so much that blocks next to each other stay apart.
	smallBlock = 256 << 10
	// spareMemory is left alone, in bytes: the kernel frees what others have in use when there is less.
	spareMemory = 512 << 20
)

// freeMemory is the memory that is used for nothing, in bytes.
func freeMemory() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemFree: %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, errors.New("/proc/meminfo does not tell the free memory")
}
