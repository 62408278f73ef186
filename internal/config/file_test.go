package config

import (
	"strings"
	"testing"
)

// FuzzFile: whatever skep.toml holds, it is read or refused with its name, and every setting
// is found in it again.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", "metastore = \"sqlite:///m.db\"\n", "[s3]\nendpoint = 'http://x' # comment\n", "s3 = { workers = 3 }\n",
		"s3.anonymous = true\n[other]\n", "block_roots = [\"/a\",\n  \"/b\"]\n", "x", "[s3\n", "[[s3]]\nregion = \"x\"\n",
		"\"metastore\" = \"\"\"\nmany\nlines\"\"\"\n", "s3.region = 1979-05-27\n", "warehouse = 1.5\n", "[s3]\n[s3]\n",
		"\x00", "cache_dir = \"\\u0000\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseFile("skep.toml", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "skep.toml:") {
				t.Errorf("the error %q does not name the file", err)
			}
			return
		}
		for name := range parsed.values {
			if _, ok := settings[name]; !ok {
				t.Errorf("%q is taken for a setting", name)
			}
			if from := parsed.find(name).from; !strings.HasPrefix(from, "skep.toml") {
				t.Errorf("%q is from %q", name, from)
			}
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, seed := range []string{"0", "16MiB", "16 MB", "5g", "1B", "-1", "9223372036854775807", "9223372036854775807K", "MiB", "1.5M", "0x10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSize(text); err == nil && n < 0 {
			t.Errorf("parseSize(%q) = %d", text, n)
		}
	})
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "123": 123, "16MiB": 16 << 20, "16 mib": 16 << 20, "16M": 16 << 20, "16MB": 16_000_000,
		"5GiB": 5 << 30, "7k": 7 << 10, "1B": 1,
	} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("parseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5M", "16 stones", "9223372036854775807K"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", text, got)
		}
	}
}
