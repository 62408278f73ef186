package spill

import (
	"fmt"
	"os"
)

// scratch makes a file that has no name any more. An empty dir is where programs put temporary files.
func scratch(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "skep-spill-*")
	if err != nil {
		return nil, failed(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, failed(err)
	}
	return f, nil
}

// failed says what a file was for, and what to do if there is no room for it.
func failed(err error) error {
	return fmt.Errorf("keep on disk what is too much for memory: %w (TMPDIR chooses another directory)", err)
}
