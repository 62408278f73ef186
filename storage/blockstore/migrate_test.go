package blockstore

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

// TestMigrate opens a store of format 1: an object of two blocks, a copy of it, an empty object
// and some garbage.
func TestMigrate(t *testing.T) {
	root := t.TempDir()
	content := strings.Repeat("0123456789abcdef", testBlock/16) + "the end"
	makeFormat1(t, root, content)

	b := openAt(t, "old", 0, root)
	for _, key := range []string{"a", "copy"} {
		if got := read(t, b, key); got != content {
			t.Errorf("%s has %d bytes, want %d", key, len(got), len(content))
		}
	}
	if got := list(t, b); !slices.Equal(got, []string{"a", "copy", "empty"}) {
		t.Errorf("listed %q", got)
	}
	o, err := b.Stat(t.Context(), "a")
	if err != nil || !strings.HasPrefix(o.ETag, "1-") || o.Metadata["k"] != "v" || o.ContentType != "text/csv" {
		t.Errorf("stat: %+v, %v", o, err)
	}
	put(t, b, "new", content)
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	v, ok, err := b.open.ns.volume(t.Context(), "old")
	if err != nil || !ok || v.files != 4 || v.bytes != 3*int64(len(content)) || v.replication != 1 || v.blockSize != testBlock {
		t.Errorf("the volume is %+v, %v", v, err)
	}
	wantFreshSchema(t, b)
}

// makeFormat1 makes the store that a program of that format would have left.
func makeFormat1(t *testing.T, root, content string) {
	t.Helper()
	schema1, err := os.ReadFile("testdata/format1.sql")
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{id: 1, root: root}
	pieces := []string{content[:testBlock], content[testBlock:]}
	var blocks []block
	for i, piece := range append(pieces, "garbage") {
		path := d.path(int64(i + 1))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(piece), 0o666); err != nil {
			t.Fatal(err)
		}
		chunks := make(chunkSums, 4*chunksIn(int64(len(piece))))
		for c := range chunksIn(int64(len(piece))) {
			chunks.set(c, storage.CRC32C([]byte(piece[c*chunkSize:min((c+1)*chunkSize, int64(len(piece)))])).Sum)
		}
		blocks = append(blocks, block{size: int64(len(piece)), sum: storage.CRC32C([]byte(piece)), chunks: chunks})
	}
	if err := os.WriteFile(filepath.Join(root, identityFile), []byte(`{"format":1,"store":"OLD","disk":1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dataSource(filepath.Join(root, namespaceFile), "journal_mode(WAL)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(string(schema1))
	run("PRAGMA application_id = 0x736b6570")
	run("PRAGMA user_version = 1")
	run("INSERT INTO store VALUES ('OLD')")
	run("INSERT INTO disks VALUES (1, ?)", root)
	run("INSERT INTO volumes VALUES (1, 'old', ?, 17)", testBlock)
	sum := int64(storage.CRC32C([]byte(content)).Sum)
	for version, key := range []string{"", "a", "copy"} {
		if key == "" {
			continue
		}
		run("INSERT INTO files VALUES (1, CAST(? AS BLOB), ?, ?, ?, 18, 'text/csv', '{\"k\":\"v\"}')", key, version, len(content), sum)
	}
	run("INSERT INTO files VALUES (1, CAST('empty' AS BLOB), 3, 0, 0, 18, '', '')")
	for i, b := range blocks[:2] {
		run("INSERT INTO blocks VALUES (?, 1, ?, ?, ?)", i+1, b.size, int64(b.sum.Sum), []byte(b.chunks))
		run("INSERT INTO file_blocks VALUES (1, ?, ?), (2, ?, ?)", i, i+1, i, i+1)
	}
	run("INSERT INTO garbage VALUES (3, 1)")
	run("UPDATE counters SET next = 4")
}

// wantFreshSchema compares the tables of a migrated namespace with those of a new one.
func wantFreshSchema(t *testing.T, migrated *Bucket) {
	t.Helper()
	const query = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1"
	fresh := newBucket(t, 0, 1)
	got, err := column[string](t.Context(), migrated.open.ns.reads, query)
	if err != nil {
		t.Fatal(err)
	}
	want, err := column[string](t.Context(), fresh.open.ns.reads, query)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the migrated namespace has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
