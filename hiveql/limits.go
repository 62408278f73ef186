package hiveql

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Limits are what queries may take of the machine.
type Limits struct {
	Memory  string // as 500MB, beyond which a query spills to disk; "" is four fifths of the memory
	Threads int    // of a query; 0 is one for each processor
	TempDir string // where queries spill, and files are prepared; "" is the system's
}

// The settings that say so, by DuckDB's names.
const (
	memoryLimit   = "memory_limit"   // as 500MB or 4GiB
	threadsLimit  = "threads"        // 0 is one for each processor
	tempDirectory = "temp_directory" // a local directory
)

// limits are those that the session's settings say; set has checked them.
func (s *Session) limits() Limits {
	l := Limits{Memory: s.Setting(memoryLimit), TempDir: s.Setting(tempDirectory)}
	l.Threads, _ = strconv.Atoi(s.Setting(threadsLimit))
	return l
}

// executor is the engine's executor, under the session's limits. They are the executor's, so of
// two sessions with others the one that began a statement last decides.
func (s *Session) executor() (Executor, error) {
	e := s.engine
	if e.cfg.Executor == nil {
		return nil, errNoExecutor
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := s.limits(); l != e.limits {
		if err := e.cfg.Executor.SetLimits(l); err != nil {
			return nil, err
		}
		e.limits = l
	}
	return e.cfg.Executor, nil
}

// size is an amount of memory as DuckDB reads it.
var size = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([KMGT])(i?)B$`)

func wantSize(v string) error {
	if v != "" && !size.MatchString(v) {
		return fmt.Errorf("expects a size such as 500MB or 4GiB, not %s", v)
	}
	return nil
}

// wantRoom wants a size that is more than nothing.
func wantRoom(v string) error {
	if bytesOf(v) <= 0 {
		return fmt.Errorf("expects a size such as 500MB or 4GiB, not %s", v)
	}
	return nil
}

// bytesOf is the number of bytes that a size stands for, 0 where it is none.
func bytesOf(v string) int64 {
	m := size.FindStringSubmatch(v)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0
	}
	base := 1000.0
	if m[3] != "" {
		base = 1024
	}
	for range strings.Index("KMGT", m[2]) + 1 {
		n *= base
	}
	return int64(min(n, 1<<62))
}

// stagingLimit is how many bytes of files may lie on the local disk on their way to a store.
func (s *Session) stagingLimit() int64 { return bytesOf(s.Setting(stagingSize)) }

func wantThreads(v string) error {
	if n, err := strconv.Atoi(v); v != "" && (err != nil || n < 0 || n > 4096) {
		return errors.New("expects a number of threads, 0 for one for each processor")
	}
	return nil
}
