package s3store

import (
	"strings"
	"testing"
)

// FuzzParseSharedFile: whatever the file holds, it is read or refused by its line, and the
// refusal does not repeat what may be a secret.
func FuzzParseSharedFile(f *testing.F) {
	for _, seed := range []string{
		"", "\n\n", "# comment\n[default]\naws_access_key_id = A\n", "[profile x]\ns3 =\n  addressing_style = path\n",
		"key = value\n", "[open\n", "[a]\nno equals sign\n", "[a]\n=\n", "[a]\n = b\n\t c = d\n", "[ profile   x ]\r\na=b\r\n",
		"[a]\nx=1\n[b]\ny=2\n[a]\nz=3\n", "\x00", "[a]\n" + strings.Repeat("k", 100_000) + "=v\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := parseSharedFile([]byte(text))
		if err != nil {
			line, _, ok := strings.Cut(err.Error(), ": ")
			if !ok || line == "" || strings.Trim(line, "0123456789") != "" {
				t.Errorf("the error %q does not begin with a line", err)
			}
			return
		}
		for name, section := range sections {
			for key, value := range section {
				if value != strings.TrimSpace(value) || key != strings.ToLower(key) {
					t.Errorf("[%s] %q = %q", name, key, value)
				}
				if !strings.Contains(text, value) {
					t.Errorf("[%s] %q = %q is not in the file", name, key, value)
				}
			}
		}
	})
}

func TestRangeTotal(t *testing.T) {
	for _, c := range []struct {
		value string
		from  int64
		want  int64
		ok    bool
	}{
		{"bytes 0-9/100", 0, 100, true},
		{"bytes 5-9/10", 5, 10, true},
		{"bytes 5-9/10", 0, 0, false},
		{"bytes 0-9/*", 0, 0, false},
		{"bytes */100", 0, 0, false},
		{"", 0, 0, false},
	} {
		got, err := rangeTotal(map[string][]string{"Content-Range": {c.value}}, c.from)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%q from %d: %d, %v", c.value, c.from, got, err)
		}
	}
}

func TestPartSize(t *testing.T) {
	const mib, gib, tib = 1 << 20, 1 << 30, 1 << 40
	c, err := New(Config{AccessKey: "id", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	b := c.Bucket("lake")
	for _, x := range []struct{ size, want, part int64 }{
		{0, 0, 16 * mib}, {1, 1, 5 * mib}, {100 * mib, 8 * mib, 8 * mib}, {100 * mib, 7*mib + 1, 7*mib + 1},
		{gib, 0, 16 * mib}, {tib, 0, 105 * mib}, {5 * tib, 5 * mib, 525 * mib}, {tib, 6 * gib, 5 * gib},
	} {
		got := b.PartSize(x.size, x.want)
		if got != x.part {
			t.Errorf("PartSize(%d, %d) = %d, want %d", x.size, x.want, got, x.part)
		}
		if (x.size+got-1)/got > maxParts {
			t.Errorf("PartSize(%d, %d) = %d makes too many parts", x.size, x.want, got)
		}
	}
}

// The largest object of unknown length fits into the parts that a service takes.
func TestStreamPart(t *testing.T) {
	for _, first := range []int64{minPartSize, firstPart, 16 << 20, 128 << 20, maxPartSize} {
		var sum, last int64
		for n := range maxParts {
			size := streamPart(first, n)
			if size < last || size < minPartSize || size > maxPartSize {
				t.Fatalf("part %d, with a first one of %d bytes, has %d, after %d", n, first, size, last)
			}
			last = size
			sum += size
		}
		if sum < maxObjectSize {
			t.Errorf("with a first part of %d bytes %d are the most, want %d", first, sum, int64(maxObjectSize))
		}
	}
	if got := streamPart(firstPart, 99); got != firstPart {
		t.Errorf("part 99 has %d bytes, want as many as the first", got)
	}
}

func TestKeys(t *testing.T) {
	amazon, err := New(Config{AccessKey: "id", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(Config{Endpoint: "http://127.0.0.1:1", AccessKey: "id", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	for key, ok := range map[string][2]bool{ // at Amazon, elsewhere
		"a":                       {true, true},
		"a/b/":                    {true, true},
		"/a":                      {true, false},
		"a//b":                    {true, false},
		"../a":                    {true, false},
		"a/./b":                   {true, false},
		"":                        {false, false},
		"\xff":                    {false, false},
		strings.Repeat("k", 1025): {false, false},
	} {
		if got := [2]bool{amazon.checkKey(key) == nil, other.checkKey(key) == nil}; got != ok {
			t.Errorf("%.20q: at Amazon and elsewhere %v, want %v", key, got, ok)
		}
	}
}
