package blockstore

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

// model is what a volume and its snapshots should hold: content by key.
type model struct {
	t         *testing.T
	b         *Bucket
	s         *Store
	r         *rand.Rand
	now       map[string]string
	snapshots map[string]map[string]string
	made      int
}

// TestAgainstModel makes random changes to a volume with snapshots, and compares all that can be seen
// with a model. In the end everything is deleted, and nothing is left on the disk.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			b := newBucket(t, testBlock, 2)
			m := newModel(t, b, seed)
			for range 120 {
				m.step()
				if t.Failed() {
					return
				}
			}
			m.check()
			m.checkDiffs()
			m.removeAll()
		})
	}
}

func newModel(t *testing.T, b *Bucket, seed uint64) *model {
	t.Helper()
	s, err := OpenStore(t.Context(), b.roots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return &model{
		t: t, b: b, s: s, r: rand.New(rand.NewPCG(seed, 7)),
		now: map[string]string{}, snapshots: map[string]map[string]string{},
	}
}

// key is one of few, so that changes meet. Some bytes are no text.
func (m *model) key() string {
	dirs := []string{"", "a/", "a/b/", "c/", "\xff\x00/"}
	return dirs[m.r.IntN(len(dirs))] + []string{"x", "y", "\x00", "\xfe"}[m.r.IntN(4)]
}

func (m *model) content() string {
	m.made++
	size := []int{0, 10, 20_000, testBlock + 5}[m.r.IntN(4)]
	return strings.Repeat(fmt.Sprintf("%08d", m.made), size/8)
}

func (m *model) step() {
	ctx := m.t.Context()
	key, dir := m.key(), []string{"a/", "a/b/", "c/", "\xff\x00/", "d/"}[m.r.IntN(5)]
	var err error
	switch m.r.IntN(12) {
	case 0, 1, 2, 3:
		m.now[key] = m.content()
		put(m.t, m.b, key, m.now[key])
	case 4:
		delete(m.now, key)
		err = m.b.Delete(ctx, key)
	case 5:
		err = m.b.DeleteTree(ctx, dir)
		maps.DeleteFunc(m.now, func(k, _ string) bool { return strings.HasPrefix(k, dir) })
	case 6:
		err = m.rename(key, m.key())
	case 7:
		err = m.renameDir(dir, []string{"a/", "c/", "d/", "e/f/"}[m.r.IntN(4)])
	case 8:
		to := m.key()
		_, err = m.b.CopyFrom(ctx, to, m.b, storage.Object{Key: key})
		if content, ok := m.now[key]; ok {
			m.now[to] = content
		} else if errors.Is(err, storage.ErrNotExist) {
			err = nil
		}
	case 9, 10:
		name := fmt.Sprintf("s%d", m.r.IntN(6))
		if _, ok := m.snapshots[name]; ok {
			if err := m.s.CreateSnapshot(ctx, "test", name); !errors.Is(err, storage.ErrExist) {
				m.t.Errorf("create a snapshot that exists: %v", err)
			}
			err = m.s.RemoveSnapshot(ctx, "test", name)
			delete(m.snapshots, name)
			break
		}
		err = m.s.CreateSnapshot(ctx, "test", name)
		m.snapshots[name] = maps.Clone(m.now)
	case 11:
		m.check()
	}
	if err != nil {
		m.t.Error(err)
	}
}

func (m *model) rename(from, to string) error {
	err := m.b.Rename(m.t.Context(), from, to)
	content, ok := m.now[from]
	if !ok {
		if errors.Is(err, storage.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("rename what is not there: %w", err)
	}
	delete(m.now, from)
	m.now[to] = content
	return err
}

func (m *model) renameDir(from, to string) error {
	below := func(dir string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(m.now)), func(k string) bool { return strings.HasPrefix(k, dir) })
	}
	want := error(nil)
	switch {
	case strings.HasPrefix(from, to) || strings.HasPrefix(to, from):
		want = storage.ErrInvalidKey
	case !below(from):
		want = storage.ErrNotExist
	case below(to):
		want = storage.ErrExist
	}
	err := m.b.RenameDir(m.t.Context(), from, to)
	if !errors.Is(err, want) {
		return fmt.Errorf("rename %q to %q: %w, want %w", from, to, err, want)
	}
	if want == nil {
		for k, content := range maps.Clone(m.now) {
			if rest, ok := strings.CutPrefix(k, from); ok {
				delete(m.now, k)
				m.now[to+rest] = content
			}
		}
	}
	return nil
}

// check compares all that is visible, by listing, reading and measuring.
func (m *model) check() {
	m.compare(m.b, m.now)
	for name, want := range m.snapshots {
		b := m.at(name)
		m.compare(b, want)
		if err := b.Delete(m.t.Context(), "x"); !errors.Is(err, storage.ErrPermission) {
			m.t.Errorf("delete in a snapshot: %v, want ErrPermission", err)
		}
	}
	v, ok, err := m.s.ns.volume(m.t.Context(), "test")
	if err != nil || !ok || v.files != int64(len(m.now)) || v.bytes != size(m.now) {
		m.t.Errorf("the volume has %d objects with %d bytes, %v; want %d with %d", v.files, v.bytes, err, len(m.now), size(m.now))
	}
	if left := leftovers(m.t, m.b); len(left) > 0 {
		m.t.Errorf("left behind: %q", left)
	}
}

// at opens a snapshot.
func (m *model) at(name string) *Bucket {
	b := openAt(m.t, "test@"+name, 0, m.b.roots...)
	m.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			m.t.Error(err)
		}
	})
	return b
}

func size(contents map[string]string) (sum int64) {
	for _, c := range contents {
		sum += int64(len(c))
	}
	return sum
}

func (m *model) compare(b *Bucket, want map[string]string) {
	m.t.Helper()
	got := list(m.t, b)
	if keys := slices.Sorted(maps.Keys(want)); !slices.Equal(got, keys) {
		m.t.Errorf("%s has %q, want %q", b.URL(), got, keys)
		return
	}
	for key, content := range want {
		if read(m.t, b, key) != content {
			m.t.Errorf("%s%s has not the content it should have", b.URL(), key)
		}
		if _, err := b.Stat(m.t.Context(), key); err != nil {
			m.t.Error(err)
		}
	}
	u, err := b.Measure(m.t.Context(), "")
	if err != nil || u.Objects != int64(len(want)) || u.Bytes != size(want) {
		m.t.Errorf("measure %s: %+v, %v; want %d objects with %d bytes", b.URL(), u, err, len(want), size(want))
	}
	if _, err := b.Stat(m.t.Context(), "none"); !errors.Is(err, storage.ErrNotExist) {
		m.t.Errorf("stat what is not there: %v", err)
	}
}

// checkDiffs applies the differences of every two states to the one, which must give the other.
func (m *model) checkDiffs() {
	states := map[string]map[string]string{"": m.now}
	maps.Copy(states, m.snapshots)
	for from, before := range states {
		for to, after := range states {
			got := maps.Clone(before)
			last := ""
			for d, err := range Diff(m.t.Context(), m.state(from), m.state(to), "") {
				if err != nil {
					m.t.Fatal(err)
				}
				key := d.Key()
				if last != "" && key <= last {
					m.t.Errorf("%q comes after %q", key, last)
				}
				last = key
				if (d.Old != nil) != (before[key] != "" || has(before, key)) || (d.New != nil) != has(after, key) {
					m.t.Errorf("from %q to %q: %q is told to be %v, %v", from, to, key, d.Old, d.New)
				}
				if d.New == nil {
					delete(got, key)
				} else {
					got[key] = after[key]
				}
				if d.Old != nil && d.New != nil && before[key] == after[key] {
					m.t.Errorf("from %q to %q: %q has not changed", from, to, key)
				}
			}
			if !maps.Equal(got, after) {
				m.t.Errorf("the differences from %q to %q do not lead there", from, to)
			}
		}
	}
}

func has(of map[string]string, key string) bool { _, ok := of[key]; return ok }

func (m *model) state(snapshot string) *Bucket {
	if snapshot == "" {
		return m.b
	}
	return m.at(snapshot)
}

// removeAll deletes everything, after which nothing may be left.
func (m *model) removeAll() {
	ctx := m.t.Context()
	gone := ""
	var open *Bucket
	for name := range m.snapshots {
		gone, open = name, m.at(name)
		if _, err := open.forReading(ctx); err != nil {
			m.t.Error(err)
		}
		break
	}
	if err := m.b.DeleteTree(ctx, ""); err != nil {
		m.t.Error(err)
	}
	m.now = map[string]string{}
	m.check()
	for name := range m.snapshots {
		if err := m.s.RemoveSnapshot(ctx, "test", name); err != nil {
			m.t.Error(err)
		}
	}
	if open != nil {
		for _, err := range open.List(ctx, "") {
			if !errors.Is(err, storage.ErrNotExist) {
				m.t.Errorf("list snapshot %q, which is gone: %v, want ErrNotExist", gone, err)
			}
		}
	}
	m.snapshots = nil
	m.check()
	if files := blockFiles(m.t, m.b); len(files) > 0 {
		m.t.Errorf("left behind: %q", files)
	}
	if err := m.s.RemoveVolume(ctx, "test", false); err != nil {
		m.t.Error(err)
	}
}
