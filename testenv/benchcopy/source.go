package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// perDir is how many files a directory of a source has.
const perDir = 200

// tree is what a directory or a prefix holds: sizes in bytes by slash-separated name.
type tree map[string]int64

// fileName is the name of a workload's file, of which the group workload's say their group.
func (w workload) fileName(i int) string {
	if w.dir == group {
		return fmt.Sprintf("day-%03d/app-%d-%05d.log", i/perDir, i%groups, i)
	}
	return fmt.Sprintf("d%03d/f%05d.bin", i/perDir, i)
}

// makeSource writes a workload's files below dir. The contents depend on the number of the
// file and nothing else: noise, or for the group workload lines of a log.
func (w workload) makeSource(dir string) (tree, error) {
	files := make(tree, w.files)
	for i := range w.files {
		name := w.fileName(i)
		path := filepath.Join(dir, filepath.FromSlash(name))
		if i%perDir == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return nil, err
			}
		}
		if err := w.writeFile(path, uint64(i)); err != nil {
			return nil, err
		}
		files[name] = w.size
	}
	return files, nil
}

func (w workload) writeFile(path string, seed uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	var contents io.Reader
	if w.dir == group {
		contents = &logLines{rng: rand.New(rand.NewPCG(seed, 7))}
	} else {
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], seed)
		contents = rand.NewChaCha8(key)
	}
	to := bufio.NewWriterSize(f, int(min(w.size, 1<<20)))
	if _, err := io.CopyN(to, contents, w.size); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := to.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// logLines reads as the log of a web server, without an end.
type logLines struct {
	rng  *rand.Rand
	n    int
	line []byte // what is left of the current one
}

func (l *logLines) Read(p []byte) (int, error) {
	if len(l.line) == 0 {
		l.n += l.rng.IntN(400)
		verb := []string{"GET", "GET", "GET", "POST", "DELETE"}[l.rng.IntN(5)]
		what := []string{"orders", "customers", "carts", "search", "health"}[l.rng.IntN(5)]
		l.line = fmt.Appendf(l.line[:0], "2026-03-01T%02d:%02d:%02d.%03dZ INFO request=%016x %s /api/v1/%s/%d status=%d bytes=%d ms=%d\n",
			l.n/3_600_000%24, l.n/60_000%60, l.n/1000%60, l.n%1000, l.rng.Uint64(), verb, what, l.rng.IntN(100_000),
			[]int{200, 200, 200, 204, 404, 500}[l.rng.IntN(6)], l.rng.IntN(40_000), l.rng.IntN(900))
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}

// readTree is what a local directory holds.
func readTree(dir string) (tree, error) {
	files := tree{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = info.Size()
		return err
	})
	return files, err
}
