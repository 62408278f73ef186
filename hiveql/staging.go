package hiveql

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// What a session keeps on the local disk is in directories of their own, which name their process in the file
// owner. It is made first, under another name until it is whole, and removed last: a directory without it is
// empty but for that, if nobody else writes there.

const (
	stagingPrefix = "skep-write-" // begins the names of the directories
	ownerName     = "owner"
	ownerBegun    = "owner.new" // before it is renamed
)

// ownerless is in the place of the owner of what its process has left to others.
const ownerless = "nobody"

// stagingDir makes a local directory for the files of one write.
func (s *Session) stagingDir() (string, error) {
	for try := 0; ; try++ {
		dir, err := os.MkdirTemp(s.cfg.StagingDir, stagingPrefix+"*")
		if err == nil {
			err = writeOwner(dir)
		}
		switch {
		case err == nil:
			return dir, nil
		case dir == "":
		case errors.Is(err, fs.ErrNotExist) && try < 10: // another process took it for left behind
			continue
		default:
			err = errors.Join(err, removeStaging(dir))
		}
		return "", fmt.Errorf("make a staging directory: %w", err)
	}
}

// writeOwner names the owner of a directory, whole or not at all.
func writeOwner(dir string) error {
	begun := filepath.Join(dir, ownerBegun)
	if err := os.WriteFile(begun, []byte(thisProcess().String()), 0o600); err != nil {
		return err
	}
	return os.Rename(begun, filepath.Join(dir, ownerName))
}

// removeStaging removes such a directory.
func removeStaging(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.Name() != ownerName {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// vacuumStaging removes the staging directories of processes that are gone, and ends the uploads that
// these have begun.
func (s *Session) vacuumStaging(ctx context.Context, dry bool, v *Vacuumed) error {
	dirs, err := filepath.Glob(filepath.Join(s.cfg.StagingDir, stagingPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		by, err := os.ReadFile(filepath.Join(dir, ownerName))
		if errors.Is(err, fs.ErrNotExist) && !dry {
			_ = os.Remove(filepath.Join(dir, ownerBegun))
			_ = os.Remove(dir) // if it is empty: it is being made, or was when its process died
		}
		if err != nil {
			continue // it is not ours to look at
		}
		if gone, _ := s.abandoned(ctx, string(by)); !gone {
			continue
		}
		v.Staging++
		if dry {
			continue
		}
		if err := s.abortNoted(ctx, dir, nil); err != nil {
			return err
		}
		if err := removeStaging(dir); err != nil {
			return err
		}
	}
	return nil
}
