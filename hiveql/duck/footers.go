package duck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// footers are those of files that were read lately, by URL and version. It is safe for concurrent
// use.
type footers struct {
	mu    sync.Mutex
	known map[string]*footer.File
	size  int64
	finer map[string]bool // whether a leaf's timestamps of 96 bits have digits behind the microseconds
}

// footerBytes bounds the footers that are kept, as they are encoded. Decoded they are several
// times as large.
const footerBytes = 16 << 20

func versionOf(f hiveql.File) string {
	return f.URL() + "\x00" + f.Object.ETag + "\x00" + strconv.FormatInt(f.Object.Size, 10)
}

func (k *footers) get(f hiveql.File) *footer.File {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known[versionOf(f)]
}

func (k *footers) put(f hiveql.File, of *footer.File) {
	if f.Object.ETag == "" {
		return // another version would look the same
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || k.size > footerBytes { // rare, and then those in use come back at once
		k.known, k.size = map[string]*footer.File{}, 0
	}
	if version := versionOf(f); k.known[version] == nil {
		k.known[version] = of
		k.size += of.Size
	}
}

// drop forgets a file's footer, and what is known of its timestamps.
func (k *footers) drop(f hiveql.File) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if of := k.known[versionOf(f)]; of != nil {
		delete(k.known, versionOf(f))
		k.size -= of.Size
	}
	maps.DeleteFunc(k.finer, func(leaf string, _ bool) bool { return strings.HasPrefix(leaf, versionOf(f)+"\x00") })
}

// digits is what is known of the timestamps of 96 bits in a leaf of a file.
func (k *footers) digits(f hiveql.File, leaf int) (found, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, known = k.finer[fmt.Sprint(versionOf(f), "\x00", leaf)]
	return found, known
}

func (k *footers) putDigits(f hiveql.File, leaf int, found bool) {
	if f.Object.ETag == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.finer == nil || len(k.finer) > mostFiner {
		k.finer = map[string]bool{}
	}
	k.finer[fmt.Sprint(versionOf(f), "\x00", leaf)] = found
}

// mostFiner bounds what is known of timestamps of 96 bits.
const mostFiner = 100000

// readFooter reads the footer of a file that is readable at a local path, and uses none that has changed on the way:
// where it has sums of its own nothing is read of the file from then on that differs from them, and others are confirmed,
// unless all of the file is going to be proven. What is no Parquet has none: DuckDB says what is wrong
// with it.
func (e *Executor) readFooter(ctx context.Context, f hiveql.File, local hiveql.Local) (*footer.File, error) {
	of := e.footers.get(f)
	if of == nil {
		file, err := os.Open(local.Path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		r := &filled{ctx: ctx, f: file, parts: local.Parts, confirmed: !local.Whole && !namedByUs(f)}
		of, err = footer.Read(r, f.Object.Size)
		if r.parts != nil && !local.Whole && !r.confirmed && r.err == nil && (err != nil || of.Sums == nil) {
			r.confirmed = true
			of, err = footer.Read(r, f.Object.Size)
		}
		if r.err != nil || err != nil {
			return nil, r.err
		}
		if r.parts == nil || r.confirmed || of.Sums != nil || r.parts.Sure() {
			e.footers.put(f, of)
		}
	}
	if of.Sums == nil || local.Parts == nil {
		return of, nil
	}
	return of, local.Parts.Verify(of.Sums)
}

// ourNames are those of the files that hiveql writes, which have sums. Others may call theirs so too.
var ourNames = regexp.MustCompile(`^[0-9]{6,}_0_[0-9a-f]{16}\.parquet$`)

// namedByUs guesses from its name whether a file has sums, so that a footer is not fetched twice that can be compared
// with its own.
func namedByUs(f hiveql.File) bool { return ourNames.MatchString(path.Base(f.Object.Key)) }

// filled reads a file whose parts come when they are asked for.
type filled struct {
	ctx       context.Context // of the one call that it lives for
	f         io.ReaderAt
	parts     hiveql.Parts // may be nil
	confirmed bool         // whether what is read has to be
	err       error        // of bringing a part
}

func (r *filled) ReadAt(p []byte, off int64) (int, error) {
	if r.parts == nil {
		return r.f.ReadAt(p, off)
	}
	if r.confirmed {
		if err := r.parts.Confirm(r.ctx, off, int64(len(p))); err != nil {
			r.err = err
			return 0, err
		}
	}
	n, err := r.parts.ReadAt(r.ctx, p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// dataColumn finds a data column of a scan in a file; nil if the file does not have it.
func dataColumn(s *analysis.Scan, c analysis.ScanColumn, f *footer.File) *footer.Column {
	if s.ByPosition {
		if c.Index < len(f.Columns) {
			return &f.Columns[c.Index]
		}
		return nil
	}
	return f.Find(s.Table.Storage.Columns[c.Index].Name)
}

// columnsByFooters are the types of the columns that a scan reads, as parquetColumns says them, and
// whether there are files that lack one. ok is false where the footers do not tell: DuckDB knows
// more types, and how to unite different ones.
func columnsByFooters(s *analysis.Scan, g *scanGroup) (have map[string]string, lacking, ok bool) {
	have = map[string]string{}
	for _, f := range g.files {
		if f.footer == nil {
			return nil, false, false
		}
	}
	for _, c := range s.Cols {
		if c.Source != analysis.DataColumn {
			continue
		}
		key := strings.ToLower(s.Table.Storage.Columns[c.Index].Name)
		if s.ByPosition {
			key = strconv.Itoa(c.Index)
		}
		for _, f := range g.files {
			col := dataColumn(s, c, f.footer)
			if col == nil {
				lacking = true
				continue
			}
			t, plain := col.Type()
			if !plain || strings.ContainsRune(col.Name, 0) {
				return nil, false, false
			}
			found := col.Name + "\x00" + sqlType(t)
			if was, twice := have[key]; twice && !strings.EqualFold(was, found) {
				return nil, false, false
			} else if !twice {
				have[key] = found
			}
		}
	}
	return have, lacking, true
}

// ranges are what is known of the columns of a scan in a row group.
func ranges(s *analysis.Scan, f *footer.File, g *footer.Group) map[int]analysis.Range {
	known := map[int]analysis.Range{}
	for _, c := range s.Cols {
		if c.Source != analysis.DataColumn {
			continue
		}
		col := dataColumn(s, c, f)
		if col == nil {
			known[c.ID] = analysis.Range{OnlyNulls: true}
			continue
		}
		b := col.Bounds(g, c.Type)
		if _, plain := col.Type(); !plain && b.Nulls != 0 {
			continue
		}
		known[c.ID] = analysis.Range{
			Min: b.Min, Max: b.Max, NoNulls: b.Nulls == 0 && keepsNulls(col, c.Type), OnlyNulls: b.Nulls >= 0 && b.Nulls == b.Rows,
		}
	}
	return known
}

// keepsNulls reports whether a column has the NULLs that the file has, and no more for values that
// cannot be converted.
func keepsNulls(c *footer.Column, to hivetype.Type) bool {
	t, plain := c.Type()
	return plain && t.Equal(to)
}

// survivors are the row groups of a file in which there may be rows that the scan's conditions let
// pass.
func survivors(s *analysis.Scan, f *footer.File) []int {
	var list []int
	for i := range f.Groups {
		if len(s.Known) == 0 || analysis.MayHold(s.Known, ranges(s, f, &f.Groups[i])) {
			list = append(list, i)
		}
	}
	return list
}
