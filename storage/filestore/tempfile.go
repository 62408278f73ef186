package filestore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// tempFile is an open file without a visible name.
type tempFile struct {
	*os.File
	hidden string // its hidden name; empty for an anonymous file
}

// createTemp makes an anonymous file in dir, or a hidden one if named is set or the file system
// knows no anonymous files.
func createTemp(dir string, named bool) (*tempFile, error) {
	if !named {
		f, err := createAnonymous(dir)
		if err == nil {
			return &tempFile{File: f}, nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
	}
	return createHidden(dir)
}

// createHidden makes a file under a hidden name, locked for as long as it is open, so that
// those of dead processes can be told. Those are removed on the way.
func createHidden(dir string) (*tempFile, error) {
	if err := sweep(dir); err != nil {
		return nil, err
	}
	random := make([]byte, 8)
	rand.Read(random)
	path := filepath.Join(dir, hiddenPrefix+hex.EncodeToString(random)+hiddenSuffix)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	// Where there are no locks the age of the file has to do.
	_ = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	return &tempFile{f, path}, nil
}

// graceOfHidden is how old a hidden file is before sweep takes it for one of a dead process,
// given that nobody holds its lock. It covers the moment between making and locking it.
const graceOfHidden = time.Hour

// sweep removes the hidden files in dir that dead processes left. It looks at the directory's
// names, which is acceptable because only file systems without anonymous files come here.
func sweep(dir string) error {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), hiddenPrefix+"*"+hiddenSuffix))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if _, ok := uploadID(filepath.Base(path)); ok {
			continue // it is to be gone on with
		}
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < graceOfHidden {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.Remove(path)
		}
		f.Close()
	}
	return nil
}

// escapeGlob makes a pattern that matches dir alone.
func escapeGlob(dir string) string {
	var pattern []byte
	for i := range len(dir) {
		switch dir[i] {
		case '*', '?', '[', '\\':
			pattern = append(pattern, '\\')
		}
		pattern = append(pattern, dir[i])
	}
	return string(pattern)
}

// reach is a path by which the file can be reached while it is open.
func (f *tempFile) reach() string {
	if f.hidden != "" {
		return f.hidden
	}
	return anonymousPath(f.File)
}

// publish gives the file the name path, in place of any file of that name.
func (f *tempFile) publish(path string) error {
	if f.hidden != "" {
		if err := os.Rename(f.hidden, path); err != nil {
			return err
		}
		f.hidden = ""
		return nil
	}
	err := linkAnonymous(f.File, path)
	if errors.Is(err, os.ErrExist) {
		return f.replace(path)
	}
	return err
}

// replace puts the anonymous file in the place of the file called path. Linking never
// replaces, so it takes a name of its own and a rename. The lock on the directory makes that
// name free: whoever finds it taken found what a killed process left.
func (f *tempFile) replace(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := hiddenPrefix + "replace" + hiddenSuffix
	if err := flock(dir); err != nil {
		random := make([]byte, 8)
		rand.Read(random)
		name = hiddenPrefix + hex.EncodeToString(random) + hiddenSuffix
	}
	hidden := filepath.Join(filepath.Dir(path), name)
	err = linkAnonymous(f.File, hidden)
	if errors.Is(err, os.ErrExist) {
		if err := os.Remove(hidden); err != nil {
			return err
		}
		err = linkAnonymous(f.File, hidden)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(hidden, path); err != nil {
		os.Remove(hidden)
		return err
	}
	return nil
}

// flock waits for the lock on f, which closing f releases.
func flock(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// discard closes the file and removes its hidden name, if it still has one.
func (f *tempFile) discard() error {
	if f.hidden != "" {
		if err := os.Remove(f.hidden); err != nil && !errors.Is(err, os.ErrNotExist) {
			f.Close()
			return err
		}
	}
	return f.Close()
}
