package storagetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/skepdata/skep/storage"
)

// oddKeys are what real buckets hold and careless code breaks on.
var oddKeys = []string{
	"with space", " leading", "trailing ", "a+b", "a%20b", "100%", "%", "%2F", "a&b=c?d#e", "q?versionId=1",
	"new\nline", "tab\tbed", "quote\"'`", "back\\slash", "star*[x]?{y}", "semi;colon:comma,", "$HOME/~",
	"ds=2024-01-01 00%3A00/hr=__HIVE_DEFAULT_PARTITION__/x", "_SUCCESS", ".hidden", "..dots", "...", "-rf",
	"ünïcödé", "日本語/キー", "e\u0301 and \u00e9", "🐝", "x\u200by", "CON",
	"long/" + strings.Repeat("k", 240), "1024/" + strings.Repeat("ü/", 339) + "xx",
	"^", "^^", "a^b", "a^@b", "^.", "x/^..", ".skep-1.tmp", "d/.skep-1.tmp/x", "^.skep-1.tmp",
}

// badKeys are those of which some stores cannot hold some.
var badKeys = []string{
	"/leading", "trailing/", "a//b", "//", "/", ".", "..", "./a", "a/.", "a/./b",
	"../a", "a/..", "a/../b", "../../etc/x", "a/" + strings.Repeat("/", 500), strings.Repeat("../", 340) + "x",
	"nul\x00", "\x00", "^\x00", "\xff\xfe", "half of \xc3",
	"many/" + strings.Repeat("\x00^", 500), strings.Repeat("n", 1024), "n/" + strings.Repeat("n", 254) + "^",
	strings.Repeat("x", 256) + "/y/" + strings.Repeat("z", 600),
}

func (s *suite) keyTests() []test {
	return []test{
		{"odd keys are kept exactly", func(f *fixture) {
			keys := append(slices.Clone(oddKeys), badKeys...)
			for len(keys) > 0 { // those that do not go together, one after the other
				together := s.beside(keys)
				g := &fixture{f.T, s.New(f)}
				s.keepsKeys(g, together)
				if err := g.b.Close(); err != nil {
					f.Errorf("close: %v", err)
				}
				keys = slices.DeleteFunc(keys, func(key string) bool { return !s.holds(key) || slices.Contains(together, key) })
			}
		}},
		{"random keys are kept exactly", func(f *fixture) {
			seed := rand.Uint64()
			f.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 1))
			var keys []string
			for range 100 {
				keys = append(keys, RandomKey(r))
			}
			s.keepsKeys(f, s.beside(keys))
		}},
		{"an empty key is invalid", func(f *fixture) {
			_, err := f.b.Stat(f.Context(), "")
			f.wantError("stat", err, storage.ErrInvalidKey)
			_, err = f.b.Open(f.Context(), "", storage.ReadOptions{})
			f.wantError("open", err, storage.ErrInvalidKey)
			_, err = f.b.Create(f.Context(), "", storage.CreateOptions{})
			f.wantError("create", err, storage.ErrInvalidKey)
		}},
		{"a key that cannot be held is invalid", s.invalidKeys},
		{"a key below another one", s.nestedKeys},
	}
}

// keepsKeys writes an object under each key, finds it in every way, and deletes it.
func (s *suite) keepsKeys(f *fixture, keys []string) {
	f.Helper()
	keys = slices.Sorted(slices.Values(keys))
	f.putAll(keys...)
	asked := map[string]bool{}
	for _, key := range keys {
		f.wantContent(key, []byte(key))
		if o, err := f.b.Stat(f.Context(), key); err != nil || o.Key != key {
			f.Errorf("stat %q: %+v, %v", key, o, err)
		}
		for _, prefix := range []string{key, key[:len(key)/2], key[:strings.LastIndexByte(key, '/')+1]} {
			if asked[prefix] || len(prefix) > 200 || // a deep tree takes its time
				!s.fineToAsk(prefix) || prefix != "" && !s.holds(strings.TrimSuffix(prefix, "/")) {
				continue
			}
			asked[prefix] = true
			var want []string
			for _, k := range keys {
				if strings.HasPrefix(k, prefix) {
					want = append(want, k)
				}
			}
			f.wantList(prefix, want...)
		}
	}
	f.wantList("", keys...)
	if err := f.b.Delete(f.Context(), keys...); err != nil {
		f.Errorf("delete: %v", err)
	}
	f.wantList("")
}

// RandomKey is a key of up to 1,024 bytes, made of what is special somewhere.
func RandomKey(r *rand.Rand) string {
	pieces := []string{
		"a", "b", "^", "@", "^@", "\x00", ".", "..", "/", "//", "%", "%2F", "+", " ", "\n", "\\", "*", "é", "\xff", "日",
		".skep-", ".tmp", "-", "!", "~", "\x7f", "_", "x/y", strings.Repeat("n", 100), strings.Repeat("ü", 127), strings.Repeat("^", 254),
	}
	key := ""
	for range 1 + r.IntN(8) {
		key += pieces[r.IntN(len(pieces))]
	}
	return key[:min(len(key), 1024)]
}

func (s *suite) invalidKeys(f *fixture) {
	for _, key := range append(slices.Clone(oddKeys), badKeys...) {
		if s.holds(key) {
			continue
		}
		_, err := f.b.Create(f.Context(), key, storage.CreateOptions{})
		f.wantError(fmt.Sprintf("create %q", key), err, storage.ErrInvalidKey)
		if p, ok := storage.As[storage.PartUploader](f.b); ok {
			_, err := p.CreateParts(f.Context(), key, storage.CreateOptions{Size: 1})
			f.wantError(fmt.Sprintf("create parts of %q", key), err, storage.ErrInvalidKey)
		}
		if _, err := f.b.Stat(f.Context(), key); err == nil {
			f.Errorf("stat %q: no error", key)
		}
		if _, err := f.b.Open(f.Context(), key, storage.ReadOptions{}); err == nil {
			f.Errorf("open %q: no error", key)
		}
	}
	f.wantList("")
	s.wantNoLeftovers(f)
}

// nestedKeys writes "a" and "a/b": both, or, in a tree, the first one only, which must not
// suffer from the attempt at the other.
func (s *suite) nestedKeys(f *fixture) {
	if s.Shadows {
		return
	}
	for _, keys := range [][]string{{"a", "a/b"}, {"c/d", "c"}, {"e/f/g", "e"}, {"h", "h/i/j"}} {
		f.putAll(keys[0])
		w, err := f.b.Create(f.Context(), keys[1], storage.CreateOptions{})
		if err == nil {
			_, err = w.Write([]byte(keys[1]))
			if err == nil {
				_, err = w.Commit()
			}
			w.Abort()
		}
		if s.Tree && err == nil {
			f.Errorf("create %q beside %q: no error", keys[1], keys[0])
		}
		if !s.Tree && err != nil {
			f.Errorf("create %q beside %q: %v", keys[1], keys[0], err)
		}
		f.wantContent(keys[0], []byte(keys[0]))
		if err == nil {
			f.wantContent(keys[1], []byte(keys[1]))
		}
	}
	if s.Tree {
		f.wantList("", "a", "c/d", "e/f/g", "h")
		s.wantNoLeftovers(f)
	}
}
