package blockstore

import (
	"database/sql"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
)

// faultyFiles is a file layer of which operations fail when fault says so.
type faultyFiles struct {
	osFiles
	mu    sync.Mutex
	fault func(op, path string) error
}

func (f *faultyFiles) check(op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == nil {
		return nil
	}
	if err := f.fault(op, path); err != nil {
		return &os.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

func (f *faultyFiles) set(fault func(op, path string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *faultyFiles) open(path string, flags int) (file, error) {
	op := "open"
	if flags&os.O_CREATE != 0 {
		op = "create"
	}
	if err := f.check(op, path); err != nil {
		return nil, err
	}
	under, err := f.osFiles.open(path, flags)
	if err != nil {
		return nil, err
	}
	return &faultyFile{under, f}, nil
}

func (f *faultyFiles) remove(path string) error {
	if err := f.check("remove", path); err != nil {
		return err
	}
	return f.osFiles.remove(path)
}

func (f *faultyFiles) rename(from, to string) error {
	if err := f.check("rename", to); err != nil {
		return err
	}
	return f.osFiles.rename(from, to)
}

func (f *faultyFiles) syncDir(path string) error {
	if err := f.check("syncdir", path); err != nil {
		return err
	}
	return f.osFiles.syncDir(path)
}

func (f *faultyFiles) mkdirAll(path string) error {
	if err := f.check("mkdir", path); err != nil {
		return err
	}
	return f.osFiles.mkdirAll(path)
}

func (f *faultyFiles) writable(path string) error {
	if err := f.check("writable", path); err != nil {
		return err
	}
	return f.osFiles.writable(path)
}

func (f *faultyFiles) free(path string) (int64, error) {
	if err := f.check("free", path); err != nil {
		return 0, err
	}
	return f.osFiles.free(path)
}

type faultyFile struct {
	file
	layer *faultyFiles
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.layer.check("write", f.Name()); err != nil {
		n, _ := f.file.WriteAt(p[:len(p)/2], off) // as a full disk does
		return n, err
	}
	return f.file.WriteAt(p, off)
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.layer.check("read", f.Name()); err != nil {
		return 0, err
	}
	return f.file.ReadAt(p, off)
}

func (f *faultyFile) Sync() error {
	return errors.Join(f.layer.check("sync", f.Name()), f.file.Sync())
}

func (f *faultyFile) SyncData() error {
	return errors.Join(f.layer.check("sync", f.Name()), f.file.SyncData())
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.layer.check("truncate", f.Name()); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

// faulty puts a faulty file layer under a bucket, its journal and the log of its namespace.
func faulty(t testing.TB, b *Bucket) *faultyFiles {
	t.Helper()
	v, err := b.forWriting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	layer := &faultyFiles{}
	v.files, v.ns.files = layer, layer
	if w := v.writer; w != nil {
		for i, f := range w.journal.files {
			w.journal.files[i].f = &faultyFile{f.f, layer}
		}
	}
	return layer
}

// crashAt ends the process, as it were, at step at: from then on all operations on files and all commits fail. A
// step is an operation on a file, unless it is one of those spared, or the moment before or after a commit of the
// namespace. It returns how many there were so far.
func crashAt(layer *faultyFiles, ns *namespace, at int, spared ...string) *int {
	crash := errors.New("the process was killed")
	n := new(int)
	var mu sync.Mutex
	step := func() error {
		mu.Lock()
		defer mu.Unlock()
		if *n++; *n >= at {
			return crash
		}
		return nil
	}
	layer.set(func(op, _ string) error {
		if slices.Contains(spared, op) {
			return nil
		}
		return step()
	})
	ns.commit = func(tx *sql.Tx) error {
		if err := step(); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return errors.Join(tx.Commit(), step())
	}
	return n
}
