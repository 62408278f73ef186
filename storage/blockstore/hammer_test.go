package blockstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

const (
	hammerRoots = "SKEP_TEST_HAMMER_ROOTS" // of the store, for a process of TestHammer
	hammerName  = "SKEP_TEST_HAMMER_NAME"  // of the process
	hammerFor   = "SKEP_TEST_HAMMER_FOR"   // how long it works, as 3s
	// SKEP_SOAK_PROCESSES and SKEP_SOAK_TIME make TestHammer larger.
	soakProcesses, soakTime = "SKEP_SOAK_PROCESSES", "SKEP_SOAK_TIME"
)

// TestHammer has many processes change one volume at once, each its own objects and those of all.
// No operation may fail, every change that was confirmed must be there in the end, and nothing else.
func TestHammer(t *testing.T) {
	processes, length := 12, 2*time.Second
	if n, err := strconv.Atoi(os.Getenv(soakProcesses)); err == nil {
		processes = n
	}
	if d, err := time.ParseDuration(os.Getenv(soakTime)); err == nil {
		length = d
	}
	roots := []string{t.TempDir(), t.TempDir()}
	var running []*exec.Cmd
	var outputs []*bytes.Buffer
	for i := range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHammerProcess$")
		cmd.Env = append(os.Environ(), hammerRoots+"="+strings.Join(roots, ","), hammerName+"="+fmt.Sprintf("p%03d", i), hammerFor+"="+length.String())
		out := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running, outputs = append(running, cmd), append(outputs, out)
	}
	want := map[string]string{}
	done := 0
	for i, cmd := range running {
		err := cmd.Wait()
		line, _, ok := strings.Cut(outputs[i].String(), "\n")
		var own hammered
		if err == nil && ok {
			err = json.Unmarshal([]byte(line), &own)
		}
		if err != nil || !ok {
			text := outputs[i].String()
			t.Fatalf("process %d: %v: %s", i, err, text[:min(len(text), 2000)])
		}
		for key, content := range own.Objects {
			want[key] = content
		}
		done += own.Done
	}
	t.Logf("%d processes made %d changes in %v", processes, done, length)
	b := openAt(t, "test", testBlock, roots...)
	defer b.Close()
	checkHammered(t, b, want)
}

// checkHammered compares what is there with what the processes say, apart from what they share.
func checkHammered(t *testing.T, b *Bucket, want map[string]string) {
	t.Helper()
	var objects, size int64
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		objects++
		size += o.Size
		if strings.HasPrefix(o.Key, "shared/") {
			continue
		}
		if content, ok := want[o.Key]; !ok || read(t, b, o.Key) != content {
			t.Errorf("%q is not what its process has left (%v)", o.Key, ok)
		}
		delete(want, o.Key)
	}
	for key := range want {
		t.Errorf("%q was confirmed and is lost", key)
	}
	s, err := OpenStore(t.Context(), b.roots)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Volumes(t.Context())
	if err != nil || len(all) != 1 || all[0].Files != objects || all[0].Bytes != size {
		t.Errorf("the volume is said to be %+v, %v; it has %d objects with %d bytes", all, err, objects, size)
	}
	put(t, b, "by the next writer", "x")
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// hammered is what a process tells of its work.
type hammered struct {
	Objects map[string]string // its own, by key
	Done    int
}

// TestHammerProcess is run by TestHammer in processes of their own.
func TestHammerProcess(t *testing.T) {
	if os.Getenv(hammerRoots) == "" {
		return
	}
	length, err := time.ParseDuration(os.Getenv(hammerFor))
	if err != nil {
		t.Fatal(err)
	}
	h := &hammer{
		t: t, b: openAt(t, "test", testBlock, strings.Split(os.Getenv(hammerRoots), ",")...), name: os.Getenv(hammerName),
		r: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(os.Getpid()))), own: map[string]string{},
	}
	done := 0
	for end := time.Now().Add(length); time.Now().Before(end); done++ {
		if err := h.step(); err != nil {
			fmt.Fprintf(os.Stdout, "after %d changes: %v\n", done, err)
			os.Exit(1)
		}
	}
	if err := h.b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(hammered{h.own, done}); err != nil {
		t.Fatal(err)
	}
}

// hammer is the work of one process.
type hammer struct {
	t    *testing.T
	b    *Bucket
	r    *rand.Rand
	name string
	own  map[string]string
	made int
}

func (h *hammer) step() error {
	ctx := h.t.Context()
	key := fmt.Sprintf("%s/%d", h.name, h.r.IntN(8))
	shared := fmt.Sprintf("shared/%d", h.r.IntN(4))
	switch h.r.IntN(8) {
	case 0, 1:
		return h.write(key)
	case 2:
		h.made++
		return write(h.b, shared, strings.Repeat(h.name, h.made%3*5000))
	case 3:
		return h.b.Delete(ctx, shared)
	case 4:
		delete(h.own, key)
		return h.b.Delete(ctx, key)
	case 5:
		to := fmt.Sprintf("%s/%d", h.name, h.r.IntN(8))
		content, ok := h.own[key]
		err := h.b.Rename(ctx, key, to)
		if !ok && errors.Is(err, storage.ErrNotExist) {
			return nil
		}
		delete(h.own, key)
		h.own[to] = content
		return err
	case 6:
		_, err := h.b.CopyFrom(ctx, shared, h.b, storage.Object{Key: key})
		if _, ok := h.own[key]; !ok && errors.Is(err, storage.ErrNotExist) {
			return nil
		}
		return err
	}
	return h.readBack()
}

func (h *hammer) write(key string) error {
	h.made++
	content := strings.Repeat(fmt.Sprintf("%s %d.", h.name, h.made), []int{1, 2000, 20_000}[h.r.IntN(3)])
	if err := write(h.b, key, content); err != nil {
		return err
	}
	h.own[key] = content
	return nil
}

// readBack reads all of the process's own objects, which nobody else changes.
func (h *hammer) readBack() error {
	var keys []string
	for o, err := range h.b.List(h.t.Context(), h.name+"/") {
		if errors.Is(err, storage.ErrNotExist) {
			break // the volume was not made yet
		}
		if err != nil {
			return err
		}
		keys = append(keys, o.Key)
		if read(h.t, h.b, o.Key) != h.own[o.Key] {
			return fmt.Errorf("%q has changed", o.Key)
		}
	}
	if len(keys) != len(h.own) || !slices.IsSorted(keys) {
		return fmt.Errorf("there are %q, of %d", keys, len(h.own))
	}
	return nil
}

// write stores content under key.
func write(b *Bucket, key, content string) error {
	ctx := context.Background()
	w, err := b.Create(ctx, key, storage.CreateOptions{Size: int64(len(content))})
	if err != nil {
		return err
	}
	defer w.Abort() // committed, or failed
	if _, err := w.Write([]byte(content)); err != nil {
		return err
	}
	_, err = w.Commit()
	return err
}
