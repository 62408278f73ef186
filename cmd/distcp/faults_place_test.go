package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// place is one side of a job, as the test reaches it: not by way of the proxy.
type place interface {
	url() string
	write(t *testing.T, files fileSet)
	// read returns what is visible, without what jobs keep for themselves.
	read(t *testing.T) fileSet
	// wantNoLeftovers looks for what is not visible.
	wantNoLeftovers(t *testing.T, what string)
}

// storePlace is a directory of a bucket, or of a volume of the block store.
type storePlace struct {
	s3     *testenv.S3
	blocks string
	at     string
}

func (p storePlace) url() string { return p.at }

// with opens the directory for as long as do runs.
func (p storePlace) with(t *testing.T, do func(l storage.Location)) {
	env := map[string]string{"HOME": t.TempDir(), "SKEP_BLOCK_ROOT": p.blocks}
	for _, pair := range p.s3.Env() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	cfg, err := config.Load(config.Source{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	opener := cfg.Opener()
	defer func() {
		if err := opener.Close(); err != nil {
			t.Error(err)
		}
	}()
	l, err := opener.Open(t.Context(), p.at)
	if err != nil {
		t.Fatal(err)
	}
	do(l)
}

func (p storePlace) write(t *testing.T, files fileSet) {
	p.with(t, func(l storage.Location) {
		for name, content := range files {
			w, err := l.Bucket.Create(t.Context(), l.Prefix+name, storage.CreateOptions{Size: int64(len(content))})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// read reads everything. The server may still be at work on a request of a process that was
// killed, so an object that goes between listing and reading is looked for again.
func (p storePlace) read(t *testing.T) fileSet {
	for range 5 {
		if files, ok := p.readOnce(t); ok {
			return files
		}
	}
	t.Fatal("objects keep vanishing between listing and reading")
	return nil
}

func (p storePlace) readOnce(t *testing.T) (files fileSet, ok bool) {
	files, ok = fileSet{}, true
	p.with(t, func(l storage.Location) {
		for o, err := range l.Bucket.List(t.Context(), l.Prefix) {
			if errors.Is(err, storage.ErrNotExist) || err != nil && strings.Contains(err.Error(), "no block store") {
				return // killed before it made one, or its volume
			}
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(o.Key, l.Prefix)
			if strings.HasPrefix(name, ".distcp/") {
				continue
			}
			r, err := l.Bucket.Open(t.Context(), o.Key, storage.ReadOptions{})
			if errors.Is(err, storage.ErrNotExist) {
				ok = false
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			files[name], err = io.ReadAll(r)
			if errors.Is(err, storage.ErrChanged) {
				ok = false
			} else if err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	return files, ok
}

func (p storePlace) wantNoLeftovers(t *testing.T, what string) {
	p.with(t, func(l storage.Location) {
		uploads, ok := storage.As[storage.PartResumer](l.Bucket)
		if !ok {
			return
		}
		for u, err := range uploads.Uploads(t.Context(), l.Prefix) {
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("an upload of %s, begun at %s, is left; %s", u.Key, u.Started, what)
		}
	})
}
