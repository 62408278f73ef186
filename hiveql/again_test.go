package hiveql

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// TestReadAgain: what comes damaged is read again, from the beginning, and not for ever; what is missing is not.
func TestReadAgain(t *testing.T) {
	b := storagetest.NewMem("mem://lake/")
	w, err := b.Create(t.Context(), "a", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "whole"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	damaged := errors.New("damaged")
	for fails, want := range map[int]error{0: nil, 2: nil, 3: damaged} {
		n, got := 0, []byte(nil)
		err := readAgain(t.Context(), b, "a", func(r io.Reader) (err error) {
			if got, err = io.ReadAll(r); err == nil && n < fails {
				err = damaged
			}
			n++
			return err
		})
		if !errors.Is(err, want) || n != min(fails+1, readTries) || !bytes.Equal(got, []byte("whole")) {
			t.Errorf("damaged %d times: %q, read %d times, %v", fails, got, n, err)
		}
	}
	err = readAgain(t.Context(), b, "nothing", func(io.Reader) error {
		t.Error("there is nothing to read")
		return nil
	})
	if !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("of what is not there: %v", err)
	}
}
