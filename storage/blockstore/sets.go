package blockstore

import (
	"context"
	"strings"
)

// fewBlocks is how many blocks of one change are garbage that is removed with the change. Where
// there are more, they are worked off from the list, which costs no memory.
const fewBlocks = 10_000

// releaseAll drops the content of all versions that a query yields, which no row has any more, and
// makes garbage of the blocks that nothing else refers to: what release does, for any number of
// versions and without holding them.
func (t *transaction) releaseAll(ctx context.Context, query string, args ...any) error {
	steps := []struct {
		query string
		args  []any
	}{
		{"CREATE TEMP TABLE IF NOT EXISTS released (version INTEGER PRIMARY KEY)", nil},
		{"CREATE TEMP TABLE IF NOT EXISTS unused (block INTEGER PRIMARY KEY)", nil},
		{"DELETE FROM temp.released", nil},
		{"DELETE FROM temp.unused", nil},
		{"INSERT INTO temp.released " + query, args},
		{`INSERT OR IGNORE INTO temp.unused
			SELECT fb.block FROM temp.released r JOIN file_blocks fb ON fb.version = r.version`, nil},
		{"DELETE FROM inline WHERE version IN (SELECT version FROM temp.released)", nil},
		{"DELETE FROM file_blocks WHERE version IN (SELECT version FROM temp.released)", nil},
		{"DELETE FROM temp.unused WHERE EXISTS (SELECT 1 FROM file_blocks fb WHERE fb.block = unused.block)", nil},
		{`INSERT OR IGNORE INTO garbage (block, disk)
			SELECT r.block, r.disk FROM temp.unused u JOIN replicas r ON r.block = u.block`, nil},
	}
	for _, step := range steps {
		if _, err := t.ExecContext(ctx, step.query, step.args...); err != nil {
			return err
		}
	}
	few, err := blockRefs(ctx, t.Tx, `SELECT r.block, r.disk FROM temp.unused u JOIN replicas r ON r.block = u.block
		LIMIT ?`, fewBlocks+1)
	if err != nil {
		return err
	}
	if len(few) <= fewBlocks {
		t.garbage = append(t.garbage, few...)
	}
	for _, query := range []string{
		"DELETE FROM replicas WHERE block IN (SELECT block FROM temp.unused)",
		"DELETE FROM repairs WHERE block IN (SELECT block FROM temp.unused)",
		"DELETE FROM blocks WHERE id IN (SELECT block FROM temp.unused)",
		"DELETE FROM temp.unused",
		"DELETE FROM temp.released",
	} {
		if _, err := t.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// span is the keys that begin with a prefix, as a condition on the column key and its arguments.
func span(prefix string) (condition string, args []any) {
	from := append([]byte(prefix), 0)[:len(prefix)] // not nil, which would be NULL
	if to := after(prefix); to != nil {
		return "key >= ? AND key < ?", []any{from, to}
	}
	return "key >= ?", []any{from}
}

// place is the objects at a path, as a condition on the column key and its arguments: all if it is empty,
// those below it if it ends in a slash, and otherwise the object of that key and those below it.
func place(path string) (condition string, args []any) {
	if path == "" || strings.HasSuffix(path, "/") {
		return span(path)
	}
	below, keys := span(path + "/")
	return "(key = ? OR " + below + ")", append([]any{[]byte(path)}, keys...)
}

// deletePrefix removes all objects whose keys begin with a prefix.
func (t *transaction) deletePrefix(ctx context.Context, v *volumeState, prefix string) error {
	died, err := t.number(ctx)
	if err != nil {
		return err
	}
	t.note(&entry{N: died, Op: opDeletePrefix, Volume: v.name, Key: []byte(prefix)})
	condition, keys := span(prefix)
	condition = "volume = ? AND " + condition
	args := append([]any{v.id}, keys...)
	var objects, bytes int64
	err = t.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(size), 0) FROM files WHERE "+condition, args...).
		Scan(&objects, &bytes)
	if err != nil || objects == 0 {
		return err
	}
	args = args[:len(args):len(args)] // which appending copies
	if v.lastSnapshot > 0 {
		_, err := t.ExecContext(ctx, `
			INSERT INTO old_files (volume, key, version, size, crc32c, mtime, content_type, metadata, more, died)
			SELECT volume, key, version, size, crc32c, mtime, content_type, metadata, more, ?
			FROM files WHERE `+condition+" AND version < ?", append(append([]any{died}, args...), v.lastSnapshot)...)
		if err != nil {
			return err
		}
	}
	err = t.releaseAll(ctx, "SELECT version FROM files WHERE "+condition+" AND version >= ?", append(args, v.lastSnapshot)...)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, "DELETE FROM files WHERE "+condition, args...); err != nil {
		return err
	}
	v.grow(-bytes, -objects)
	return nil
}
