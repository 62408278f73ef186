package hiveql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// loadData runs LOAD DATA: files become data of a table as they are. Without LOCAL they are
// moved, as Hive does: the originals are removed once the table has them (moved.go).
func (s *Session) loadData(ctx context.Context, r *Result, n *syntax.LoadData) error {
	t, err := s.dataTable(ctx, &n.Table)
	if err != nil {
		return err
	}
	if t.Type == metastore.View {
		return semantic(&n.Table, 10090, "A view cannot be used as target table for LOAD or INSERT '%s'", t.Name)
	}
	if t.Partitioned() && n.Partition == nil {
		return s.loadRows(ctx, r, t, n)
	}
	to, err := s.loadTarget(ctx, t, n)
	if err != nil {
		return err
	}
	if !n.Local {
		s.finishMoves(ctx, t)
	}
	files, err := s.loadSources(ctx, n)
	if err != nil {
		return err
	}
	if !n.Local {
		if files, err = s.unloaded(ctx, n, files); err != nil {
			return err
		}
	}
	if err := s.checkFormat(ctx, t, files); err != nil {
		return err
	}
	for _, f := range files {
		to.files++
		to.bytes += f.Object.Size
	}
	j := &job{s: s, table: t, overwrite: n.Overwrite, targets: []*target{to}}
	if !n.Local {
		j.moves = files
	}
	j.upload = func(ctx context.Context, id string) error {
		return s.copyFiles(ctx, id, delivery{files: files, url: to.location})
	}
	if err := j.run(ctx); err != nil {
		return err
	}
	r.counts.filesWritten.Add(to.files)
	r.counts.bytesWritten.Add(to.bytes)
	if err := sayLoaded(r, t, to); err != nil {
		return err
	}
	if n.Local {
		return nil
	}
	if err := s.finishMove(ctx, s.cfg.Store, t, j.id); err != nil {
		return fmt.Errorf("the data is loaded, but its source is still there: %w", err)
	}
	return nil
}

// sayLoaded says where the data is now, as Hive does.
func sayLoaded(r *Result, t *metastore.Table, to *target) error {
	message := "Loading data to table " + t.String()
	if to.values != nil {
		name, err := t.Keys().Name(to.values)
		if err != nil {
			return err
		}
		message += " partition " + name
	}
	r.say(message)
	return nil
}

func (s *Session) loadTarget(ctx context.Context, t *metastore.Table, n *syntax.LoadData) (*target, error) {
	if !t.Partitioned() {
		if n.Partition != nil {
			return nil, semantic(n.Partition, 10098, "Table is not partitioned %s", t.Name)
		}
		return &target{location: t.Storage.Location, rows: -1}, nil
	}
	values, err := s.partitionValues(t, n.Partition)
	if err != nil {
		return nil, err
	}
	to, exists, err := s.partitionTarget(ctx, t, values, false)
	if err != nil {
		return nil, err
	}
	if exists && n.Overwrite {
		to.storage = &t.Storage
	}
	to.rows = -1
	return to, nil
}

// partitionValues are the values of a complete PARTITION (...).
func (s *Session) partitionValues(t *metastore.Table, spec *syntax.PartitionSpec) (partitions.Values, error) {
	ps, err := analysis.PartitionSpec(t, spec, true)
	if err != nil {
		return nil, err
	}
	values, err := t.Keys().Full(ps)
	if err != nil {
		return nil, semantic(spec, 10006, "Partition not found: %v", err)
	}
	return values, nil
}

// loadSources finds the files that INPATH names: a file, the files of a directory, or what a
// pattern matches.
func (s *Session) loadSources(ctx context.Context, n *syntax.LoadData) ([]File, error) {
	at := func(format string, args ...any) error {
		e := semantic(n, 10028, "Path is not legal ''%s'': %s", n.Path, fmt.Sprintf(format, args...))
		return e
	}
	if n.Local && strings.Contains(n.Path, "://") && !strings.HasPrefix(n.Path, "file://") {
		return nil, at("Source file system should be \"file\" if \"local\" is specified")
	}
	loc, err := s.cfg.Storage.Open(ctx, n.Path)
	if err != nil {
		return nil, err
	}
	if !strings.ContainsAny(loc.Prefix, "*?[") && loc.Prefix != "" && !strings.HasSuffix(loc.Prefix, "/") {
		o, err := loc.Bucket.Stat(ctx, loc.Prefix)
		if err == nil {
			return []File{{loc.Bucket, o}}, nil
		}
		if !errors.Is(err, storage.ErrNotExist) && !errors.Is(err, storage.ErrInvalidKey) {
			return nil, err
		}
	}
	files, err := matching(ctx, loc)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		e := semantic(n, 10028, "Invalid path ''%s'': No files matching path %s", n.Path, loc.URL())
		e.Err = storage.ErrNotExist
		return nil, e
	}
	return files, nil
}

// matching lists the visible files directly in a directory, or those that a pattern matches.
func matching(ctx context.Context, loc storage.Location) ([]File, error) {
	prefix, pattern := strings.TrimSuffix(loc.Prefix, "/")+"/", ""
	if i := strings.IndexAny(loc.Prefix, "*?["); i >= 0 {
		prefix, pattern = loc.Prefix[:i], strings.TrimSuffix(loc.Prefix, "/")
	}
	if prefix == "/" {
		prefix = ""
	}
	var files []File
	for o, err := range loc.Bucket.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		ok := !strings.Contains(o.Key[len(prefix):], "/")
		if pattern != "" {
			if ok, err = path.Match(pattern, o.Key); err != nil {
				return nil, fmt.Errorf("the pattern %s: %w", loc.URL(), err)
			}
			if !ok { // a pattern may name directories
				ok, _ = path.Match(pattern, path.Dir(o.Key))
			}
		}
		if ok && o.Key != prefix && !partitions.Hidden(path.Base(o.Key)) {
			files = append(files, File{loc.Bucket, o})
		}
	}
	return files, nil
}

// magics are the first bytes of formats that can be told by them.
func magics() map[string]string {
	return map[string]string{
		"PAR1": "PARQUET", "ORC": "ORC", "Obj\x01": "AVRO", "SEQ\x06": "SEQUENCEFILE", "RCF\x01": "RCFILE",
	}
}

// checkFormat refuses files that are plainly of another format than the table.
func (s *Session) checkFormat(ctx context.Context, t *metastore.Table, files []File) error {
	want, known := formatOf(&t.Storage)
	if !known || strings.EqualFold(s.Setting("hive.fileformat.check"), "false") {
		return nil
	}
	for _, f := range files {
		if f.Object.Size == 0 {
			continue
		}
		found, err := formatOfFile(ctx, f)
		if err != nil {
			return err
		}
		binary := want.names[0] != "TEXTFILE" && want.names[0] != "JSONFILE"
		other := func() bool { return (binary || found != "") && found != want.names[0] }
		if other() { // or a connection has changed it
			if found, err = formatOfFile(ctx, f); err != nil {
				return err
			}
		}
		if other() {
			if found == "" {
				found = "some other format"
			}
			return &Error{Phase: Analysis, Code: 30019, SQLState: "42000",
				Msg: fmt.Sprintf("The file that you are trying to load does not match the file format of the destination table: "+
					"%s is %s, the table %s", f.URL(), found, want.names[0]),
				Hint: "load the file into a table of its own format, then INSERT ... SELECT from that"}
		}
	}
	return nil
}

func formatOfFile(ctx context.Context, f File) (string, error) {
	r, err := f.Bucket.Open(ctx, f.Object.Key, storage.ReadOptions{Length: 64})
	if err != nil {
		return "", err
	}
	defer r.Close()
	head, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	for magic, name := range magics() {
		if strings.HasPrefix(string(head), magic) {
			if strings.Contains(string(head), "ql.io.RCFile$KeyBuffer") {
				return "RCFILE", nil // as Hive wrote it before it had a magic of its own
			}
			return name, nil
		}
	}
	return "", nil
}
