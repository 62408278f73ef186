package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/skepdata/skep/storage"
)

// orderedKeys are in byte order, which is not the order in which a walk of a tree meets them,
// nor the order of any language: '-' and '.' sort before '/', '0' after it.
var orderedKeys = []string{
	"A", "B/b", "a!", "a-b", "a-b/c", "a.b", "a/b", "a/b-c", "a/b.d/e", "a/b/c", "a/b0", "a/bb/c",
	"a/b~", "a0", "aa/a", "b", "ds=2024-01-01/hr=1/x", "ds=2024-01-01/hr=10/x",
	"ds=2024-01-01/hr=2/x", "ds=2024-01-02/hr=1/x", "ü", "ü/ü", "日本", "日本/語",
}

// treeKeys are the ordered keys that a tree can hold together.
func (s *suite) orderedKeys() []string {
	if !s.Tree && !s.Shadows {
		return orderedKeys
	}
	var keys []string
	for _, key := range orderedKeys {
		isParent := func(other string) bool { return strings.HasPrefix(other, key+"/") }
		if !slices.ContainsFunc(orderedKeys, isParent) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *suite) listTests() []test {
	tests := []test{
		{"an empty bucket has nothing", func(f *fixture) { f.wantList("") }},
		{"keys come in byte order", s.listOrder},
		{"a prefix is a prefix of the key", s.listPrefixes},
		{"a prefix that nothing matches yields nothing", func(f *fixture) {
			f.putAll("a/b/c", "d")
			for _, p := range []string{"a/c", "a/b/c/", "a/b/c/d", "a/b/c/d/e", "x", "x/", "x/y/z", "d/"} {
				f.wantList(p)
			}
		}},
		{"objects are described", s.listDescribes},
		{"several pages come whole and in order", s.listMany},
		{"what is listed may be deleted meanwhile", s.listDeletes},
		{"a consumer may stop early", s.listStops},
		{"a dead context ends it with its cause", func(f *fixture) {
			f.putAll("a", "b")
			cause := errors.New("the user went home")
			n := 0
			for _, err := range f.b.List(dead(f, cause), "") {
				n++
				f.wantError("list", err, cause)
			}
			if n != 1 {
				f.Errorf("list yielded %d times, want the error and nothing more", n)
			}
		}},
	}
	if s.Missing != nil {
		tests = append(tests, test{"a missing bucket does not exist", s.listMissing})
	}
	return tests
}

func (s *suite) listOrder(f *fixture) {
	keys := s.orderedKeys()
	if !slices.IsSorted(keys) {
		f.Fatalf("the keys of this test are not sorted: %q", keys)
	}
	for i := range keys {
		f.putAll(keys[(i*7+3)%len(keys)]) // in some other order
	}
	f.wantList("", keys...)
}

func (s *suite) listPrefixes(f *fixture) {
	keys := s.orderedKeys()
	f.putAll(keys...)
	tried := map[string]bool{}
	for _, key := range keys {
		for n := range len(key) + 1 {
			if tried[key[:n]] || !s.fineToAsk(key[:n]) {
				continue
			}
			tried[key[:n]] = true
			var want []string
			for _, k := range keys {
				if strings.HasPrefix(k, key[:n]) {
					want = append(want, k)
				}
			}
			f.wantList(key[:n], want...)
		}
	}
}

// fineToAsk leaves out prefixes that end within a character, which no user can type and not
// every protocol can carry.
func (s *suite) fineToAsk(prefix string) bool { return strings.ToValidUTF8(prefix, "") == prefix }

func (s *suite) listDescribes(f *fixture) {
	want := map[string]storage.Object{}
	for i, key := range []string{"a", "b/c", "b/d", "e"} {
		want[key] = f.put(key, random(1, int64(i*1000)))
	}
	for o, err := range f.b.List(f.Context(), "") {
		if err != nil {
			f.Fatal(err)
		}
		w := want[o.Key]
		if o.Size != w.Size || !recent(o.ModTime) {
			f.Errorf("%q has size %d, modified %v, want %d, now", o.Key, o.Size, o.ModTime, w.Size)
		}
		if o.ETag != "" && o.ETag != w.ETag {
			f.Errorf("%q has ETag %q in the listing and %q by Commit", o.Key, o.ETag, w.ETag)
		}
		if o.CRC32C.Differs(w.CRC32C) {
			f.Errorf("%q has CRC32C %v in the listing and %v by Commit", o.Key, o.CRC32C, w.CRC32C)
		}
	}
}

// putMany stores s.Many small objects and returns their keys in order.
func (s *suite) putMany(f *fixture) []string {
	keys := make([]string, s.Many)
	for i := range keys {
		keys[i] = fmt.Sprintf("many/%d/%04d", i/300, i)
	}
	var wg sync.WaitGroup
	next := make(chan string)
	for range 8 {
		wg.Go(func() {
			for key := range next {
				w, err := f.b.Create(f.Context(), key, storage.CreateOptions{Size: 1})
				if err == nil {
					_, err = w.Write([]byte("x"))
				}
				if err == nil {
					_, err = w.Commit()
				}
				if err != nil {
					f.Errorf("put %q: %v", key, err)
				}
			}
		})
	}
	for _, key := range keys {
		next <- key
	}
	close(next)
	wg.Wait()
	return keys
}

func (s *suite) listMany(f *fixture) {
	keys := s.putMany(f)
	f.putAll("before", "zz")
	f.wantList("many/", keys...)
	f.wantList("many/1/", keys[300:600]...)
}

func (s *suite) listDeletes(f *fixture) {
	keys := s.putMany(f)
	f.putAll("before", "zz")
	keep := keys[len(keys)-1]
	n, err := storage.DeleteAll(f.Context(), f.b, "many/", func(o storage.Object) bool { return o.Key != keep })
	if err != nil || n != len(keys)-1 {
		f.Errorf("deleted %d of %d, %v", n, len(keys)-1, err)
	}
	f.wantList("", "before", keep, "zz")
	if n, err := storage.DeleteAll(f.Context(), f.b, "", nil); err != nil || n != 3 {
		f.Errorf("deleted %d of 3, %v", n, err)
	}
	f.wantList("")
}

func (s *suite) listStops(f *fixture) {
	f.putAll("a", "b/c", "b/d", "e")
	for stopAt := 1; stopAt <= 4; stopAt++ {
		n := 0
		for _, err := range f.b.List(f.Context(), "") {
			if err != nil {
				f.Fatal(err)
			}
			if n++; n == stopAt {
				break
			}
		}
		if n != stopAt {
			f.Errorf("stopped after %d, want %d", n, stopAt)
		}
	}
	f.wantList("", "a", "b/c", "b/d", "e")
}

func (s *suite) listMissing(f *fixture) {
	g := &fixture{f.T, s.Missing(f)}
	defer g.b.Close()
	n := 0
	for _, err := range g.b.List(f.Context(), "") {
		n++
		g.wantError("list", err, storage.ErrNotExist)
	}
	if n != 1 {
		f.Errorf("list yielded %d times, want the error and nothing more", n)
	}
	if n, err := storage.DeleteAll(f.Context(), g.b, "", nil); n != 0 || err != nil {
		f.Errorf("deleted %d in a bucket that is not there, %v", n, err)
	}
}
