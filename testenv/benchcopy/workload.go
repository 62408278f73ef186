package main

import (
	"fmt"
	"math"
)

// direction is where a workload copies from and to.
type direction int

const (
	up     direction = iota // local files to the server
	down                    // the server to local files
	across                  // one bucket of the server to another
	again                   // up, for the second time: nothing has changed
	group                   // up, many text files joined into few gzip objects
)

// groups is how many objects the group workload makes.
const groups = 8

// bulk says which numbers of workers a workload's objects want from tools that must be told.
type bulk int

const (
	small bulk = iota
	medium
	big
)

// workload is one race: so many objects of one size, in one direction.
type workload struct {
	name  string
	dir   direction
	files int
	size  int64 // bytes of each
	bulk  bulk
}

// workloads are the races at full scale.
var workloads = []workload{
	{"W1", up, 20_000, 8 << 10, small},
	{"W2", down, 20_000, 8 << 10, small},
	{"W3U", up, 400, 4 << 20, medium},
	{"W3D", down, 400, 4 << 20, medium},
	{"W4U", up, 4, 1 << 30, big},
	{"W4D", down, 4, 1 << 30, big},
	{"W5", across, 5_000, 16 << 10, small},
	{"W6", again, 20_000, 8 << 10, small},
	{"W7", group, 2_000, 64 << 10, small},
}

// few big objects are scaled by their size, not their number.
const few = 4

// scaled is the workload with fewer objects or, where they are few, smaller ones.
func (w workload) scaled(factor float64) workload {
	if w.files <= few {
		w.size = max(int64(float64(w.size)*factor), 1<<20)
		return w
	}
	least := 1
	if w.dir == group {
		least = groups
	}
	w.files = max(int(math.Round(float64(w.files)*factor)), least)
	return w
}

func (w workload) bytes() int64 { return int64(w.files) * w.size }

// title says what the workload is, as "upload 20000 x 8 KiB".
func (w workload) title() string {
	what := map[direction]string{
		up: "upload", down: "download", across: "copy between two buckets of the server",
		again: "sync up once more, nothing has changed:", group: "join local logs into 8 gzip objects:",
	}[w.dir]
	return fmt.Sprintf("%s %d x %s", what, w.files, sizeOf(w.size))
}

// sizeOf words a number of bytes.
func sizeOf(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
