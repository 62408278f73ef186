package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Processor is the processor time that the server has taken so far, of the threads that it has: as Linux counts it, by the
// first number of /proc/PID/task/TID/schedstat, in nanoseconds.
func (s *S3Server) Processor() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.process.pid))
	if err != nil {
		return 0, err
	}
	total := time.Duration(0)
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		total += time.Duration(n)
	}
	if total == 0 {
		return 0, fmt.Errorf("the processor time of process %d is not known", s.process.pid)
	}
	return total, nil
}
