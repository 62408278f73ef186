package main

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestWarmMemory: of what is taken one page in each block is kept, and the rest is free.
func TestWarmMemory(t *testing.T) {
	const blocks = 8
	warm, err := warmMemory(blocks * smallBlock)
	if err != nil {
		t.Fatal(err)
	}
	if len(warm.kept) != blocks*smallBlock {
		t.Fatalf("%d bytes were taken, want %d", len(warm.kept), blocks*smallBlock)
	}
	perBlock := smallBlock / os.Getpagesize()
	there := make([]byte, blocks*perBlock)
	if _, _, failed := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&warm.kept[0])),
		uintptr(len(warm.kept)), uintptr(unsafe.Pointer(&there[0]))); failed != 0 {
		t.Fatal(failed)
	}
	for i, bits := range there {
		if kept := bits&1 == 1; kept != (i%perBlock == 0) {
			t.Errorf("page %d of block %d: kept is %v", i%perBlock, i/perBlock, kept)
		}
	}
	if err := warm.end(); err != nil {
		t.Error(err)
	}
}

func TestWarmMemoryLeavesSome(t *testing.T) {
	free, err := freeMemory()
	if err != nil || free <= 0 {
		t.Fatalf("free memory: %d, %v", free, err)
	}
	if warm, err := warmMemory(0); err != nil || warm.kept != nil {
		t.Errorf("nothing to warm: %d bytes, %v", len(warm.kept), err)
	}
}
