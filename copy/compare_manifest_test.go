package copier_test

import (
	"slices"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func TestCompareManifest(t *testing.T) {
	const in = "s3://b/out"
	m := storagetest.NewMem("s3://b/")
	for name, content := range map[string]string{"out/a": "ab", "out/b": "b", "out/c": "c", "src/a": "a", "src/b": "b", "src/c": "c"} {
		m.Put(name, content)
	}
	sum := func(content string) string { return storage.CRC32C([]byte(content)).String() }
	m.Put("out/m", strings.Join([]string{
		`{"path":"` + in + `/c","baseName":"c","srcDir":"` + in + `","size":1,"crc32c":"` + sum("x") + `"}`,
		`{"path":"` + in + `/a","baseName":"a","srcDir":"` + in + `","size":1,"crc32c":"` + sum("a") + `"}`,
		`{"path":"` + in + `/b","baseName":"b","srcDir":"` + in + `","size":1,"output":"` + in + `/a"}`,
		`{"path":"` + in + `/e","baseName":"e","srcDir":"` + in + `","size":1,"output":"s3://elsewhere/e"}`,
		`{"path":"` + in + `/c","baseName":"c","srcDir":"` + in + `","size":1,"crc32c":"` + sum("c") + `"}`,
	}, "\n"))
	for name, c := range map[string]struct {
		differences string
		same, bytes int64
	}{
		"sources": {"e unexpected", 3, 3},
		"outputs": {"b unexpected, s3://elsewhere/e missing", 2, 3},
	} {
		var lines []string
		found := func(d copier.Difference) { lines = append(lines, strings.TrimSpace(d.Key+" "+d.Reason+" "+d.Detail)) }
		var result copier.Comparison
		var err error
		if name == "sources" {
			result, err = copier.CompareWithManifest(t.Context(), at(m, "src"), at(m, "out/m"), copier.Options{}, found)
		} else {
			result, err = copier.CompareManifest(t.Context(), at(m, "out/m"), at(m, "out"), copier.Options{Workers: 2}, found)
		}
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		if got := strings.Join(lines, ", "); got != c.differences || result.Same != c.same || result.Bytes != c.bytes {
			t.Errorf("%s: %s: %+v", name, got, result)
		}
	}
	if is, err := copier.IsManifest(t.Context(), at(m, "out/m")); is || err != nil {
		t.Errorf("a name without .gz: %v, %v", is, err)
	}
}
