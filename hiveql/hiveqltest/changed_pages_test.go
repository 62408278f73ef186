package hiveqltest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// withWriter is a Parquet file that says to be written by a program.
func withWriter(t *testing.T, file []byte, name string) []byte {
	t.Helper()
	end := len(file) - 8
	start := end - int(binary.LittleEndian.Uint32(file[end:]))
	var about thrift.Fields
	if err := thrift.Unmarshal(file[start:end], &about, thrift.Compact, thrift.Limits{}); err != nil {
		t.Fatal(err)
	}
	for i, f := range about {
		if f.ID == 6 {
			about[i].Value = name
		}
	}
	b, err := thrift.Marshal(about, thrift.Compact)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.LittleEndian.AppendUint32(append(file[:start:start], b...), uint32(len(b))), "PAR1"...)
}

// parquetMR is how the writer of Hive and Spark names itself.
const parquetMR = "parquet-mr version 1.13.1 (build db4183109d5b734ec5930d870cdae161e408ddba)"

// withCRC is a Parquet file whose pages have a CRC, as parquet-mr writes them, made of one whose pages have none. It
// loses Bloom filters.
func withCRC(t *testing.T, file []byte) []byte {
	t.Helper()
	end := len(file) - 8
	start := end - int(binary.LittleEndian.Uint32(file[end:]))
	var about thrift.Fields
	if err := thrift.Unmarshal(file[start:end], &about, thrift.Compact, thrift.Limits{}); err != nil {
		t.Fatal(err)
	}
	out := []byte("PAR1")
	for _, g := range items(t, about, 4) {
		for _, c := range items(t, g, 1) {
			meta := field(t, c, 3).(thrift.Fields)
			first, size := field(t, meta, 9).(int64), field(t, meta, 7).(int64)
			for i, f := range meta {
				if f.ID == 11 && f.Value.(int64) < first {
					first = f.Value.(int64)
				}
				if f.ID == 14 || f.ID == 15 {
					meta[i].Value = map[int16]thrift.Value{14: int64(0), 15: int32(0)}[f.ID]
				}
			}
			by := int64(len(out)) - first
			data := int64(len(out))
			for p := file[first : first+size]; len(p) > 0; {
				var head thrift.Fields
				n, err := thrift.UnmarshalFront(p, &head, thrift.Compact, thrift.Limits{})
				if err != nil {
					t.Fatal(err)
				}

				body := p[n : n+int(field(t, head, 3).(int32))]
				head = append(head[:3:3], append(thrift.Fields{{ID: 4, Type: thrift.I32, Value: int32(crc32.ChecksumIEEE(body))}}, head[3:]...)...)
				b, err := thrift.Marshal(head, thrift.Compact)
				if err != nil {
					t.Fatal(err)
				}
				out = append(append(out, b...), body...)
				if field(t, head, 1).(int32) == 2 {
					data = int64(len(out))
				}
				p = p[n+len(body):]
			}
			grown := int64(len(out)) - (first + by) - size
			for i, f := range meta {
				switch f.ID {
				case 6, 7:
					meta[i].Value = f.Value.(int64) + grown
				case 9:
					meta[i].Value = data
				case 11:
					meta[i].Value = first + by
				}
			}
		}
	}
	b, err := thrift.Marshal(about, thrift.Compact)
	if err != nil {
		t.Fatal(err)
	}
	return withWriter(t, append(binary.LittleEndian.AppendUint32(append(out, b...), uint32(len(b))), "PAR1"...), parquetMR)
}

func field(t *testing.T, of thrift.Value, id int16) thrift.Value {
	t.Helper()
	for _, f := range of.(thrift.Fields) {
		if f.ID == id {
			return f.Value
		}
	}
	t.Fatalf("there is no field %d", id)
	return nil
}

func items(t *testing.T, of thrift.Value, id int16) []thrift.Value {
	t.Helper()
	return field(t, of, id).(thrift.Items).Values
}

// pagedParquet makes the table p of a file that another program wrote, with a dictionary, plain numbers and texts, and of
// which no query here reads all. The columns are not compressed, so that most changed bits make sense.
func (l *farLake) pagedParquet(t *testing.T, s3 *testenv.S3, crc bool) ([]byte, *footer.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.parquet")
	openPlain(t, t.TempDir()).run(t, `COPY (SELECT (i * 7919)::BIGINT AS id, ['one','two','three'][i % 3 + 1] AS word, md5(i::VARCHAR) AS pad, sha256(i::VARCHAR) AS rest
		FROM range(60000) r(i)) TO '`+path+`' (FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 20480)`)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if crc {
		file = withCRC(t, file)
	}
	about, err := footer.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(about.Groups) < 2 || about.Sums != nil || len(file) < 5<<20 {
		t.Fatalf("%d bytes, %v", len(file), err)
	}
	foreign(t, s3, "in/p/p.parquet", file, nil)
	_, _, err = answer(t.Context(), l.reader(t), "CREATE EXTERNAL TABLE p (id bigint, word string, pad string, rest string) STORED AS PARQUET LOCATION 's3://"+s3.Bucket+"/in/p/'")
	if err != nil {
		t.Fatal(err)
	}
	return file, about
}

const pagedQuery = "SELECT count(pad), sum(id), sum(crc32(pad)), min(word), max(word), count(DISTINCT word) FROM p"

// TestReadingChangedPages: where pages have a CRC no bit of them that changes on the way makes an answer another, nor
// fails the statement, nor is kept, wherever in a column it is.
func TestReadingChangedPages(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	_, about := l.pagedParquet(t, s3, true)
	want, stats, err := answer(t.Context(), l.reader(t), pagedQuery)
	if err != nil || stats.BlocksChanged != 0 || stats.BytesCompared > 1<<17 {
		t.Fatalf("%d bytes came twice, %v", stats.BytesCompared, err)
	}
	gets := stats.Gets
	for i, at := range []int64{0, 1, 3, 5, 9, 30, 41, 1 << 20, 2 << 20, 3 << 20, 3<<20 - 1} { // of each column
		for leaf := range 3 {
			c := about.Groups[i%len(about.Groups)].Chunks[leaf]
			if at > 100 {
				at = c.Size * at / (3<<20 + 1)
			}
			s, f := l.reader(t), &flipAt{at: c.Offset + at, left: 1}
			l.proxy.Change(nil, f.change)
			got, stats, err := answer(t.Context(), s, pagedQuery)
			l.proxy.Change(nil, nil)
			if err != nil || got != want || f.left > 0 || stats.BlocksChanged == 0 {
				t.Errorf("column %d, byte %d: %q, %d blocks changed, %v%s", leaf, at, got, stats.BlocksChanged, err, causes(err))
			}
			if stats.Gets > gets+2 {
				t.Errorf("column %d, byte %d: %d requests, and %d without a change", leaf, at, stats.Gets, gets)
			}
			if got, stats, err := answer(t.Context(), s, pagedQuery); err != nil || got != want || stats.Gets > 0 {
				t.Errorf("column %d, byte %d, afterwards: %q by %d requests, %v%s", leaf, at, got, stats.Gets, err, causes(err))
			}
		}
	}
}

// TestReadingChangedHeaders: no bit that changes in the header of a page makes an answer another, where pages have no CRC and
// are not confirmed.
func TestReadingChangedHeaders(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	file, about := l.pagedParquet(t, s3, false)
	want, _, err := answer(t.Context(), l.reader(t), pagedQuery)
	if err != nil {
		t.Fatal(err)
	}
	for leaf := range 3 {
		c := about.Groups[leaf%2].Chunks[leaf]
		var head thrift.Fields
		n, err := thrift.UnmarshalFront(file[c.Offset:c.Offset+c.Size], &head, thrift.Compact, thrift.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for at := range int64(n) {
			s, f := l.reader(t), &flipAt{at: c.Offset + at, left: 1}
			l.proxy.Change(nil, f.change)
			got, _, err := answer(t.Context(), s, "SET skep.verify.ranges=false; "+pagedQuery)
			l.proxy.Change(nil, nil)
			if err == nil && got != want || err != nil && !errors.Is(err, storage.ErrChecksum) || f.left > 0 {
				t.Errorf("column %d, byte %d: %q, %v%s", leaf, at, got, err, causes(err))
			}
			if got, _, err := answer(t.Context(), s, pagedQuery); err != nil || got != want {
				t.Errorf("column %d, byte %d, afterwards: %q, %v%s", leaf, at, got, err, causes(err))
			}
		}
	}
}

// TestReadingWhatIsProven: with skep.verify.whole no bit that changes makes an answer another, nor fails a statement, where
// pages have no CRC either. It is compared once.
func TestReadingWhatIsProven(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	file, about := l.pagedParquet(t, s3, false)
	want, _, err := answer(t.Context(), l.reader(t), pagedQuery)
	if err != nil {
		t.Fatal(err)
	}
	id, pad, rest := about.Groups[0].Chunks[0], about.Groups[1].Chunks[2], about.Groups[1].Chunks[3]
	for name, at := range map[string]int64{
		"a number": id.Offset + 1000, "a text": pad.Offset + 1000, "a text that is not read": rest.Offset + 1000,
		"the first byte": 0, "a number of the footer": int64(len(file)) - 8 - about.Size/2,
	} {
		f := &flipAt{at: at, left: 1}
		if name == "a number" {
			l.proxy.Change(nil, f.change)
			if got, _, err := answer(t.Context(), l.reader(t), "SET skep.verify.ranges=false; "+pagedQuery); err != nil || got == want {
				t.Errorf("without the settings it should be another: %q, %v", got, err)
			}
			f.left = 1
		}
		l.exec = executor(t) // which has no footer yet
		s := l.reader(t)
		l.proxy.Change(nil, f.change)
		got, stats, err := answer(t.Context(), s, "SET skep.verify.whole=true; "+pagedQuery)
		l.proxy.Change(nil, nil)
		if err != nil && strings.Contains(name, "footer") && errors.Is(err, storage.ErrChecksum) {
			got, _, err = answer(t.Context(), s, pagedQuery) // it was read before
			stats.BlocksChanged = 1
		}
		if err != nil || got != want || stats.BlocksChanged != 1 || stats.BytesFetched < int64(len(file)) && !strings.Contains(name, "footer") {
			t.Errorf("%s: %q, %d blocks changed, %d bytes fetched, %v%s", name, got, stats.BlocksChanged, stats.BytesFetched, err, causes(err))
		}
		if got, stats, err := answer(t.Context(), s, pagedQuery); err != nil || got != want || stats.Gets > 0 {
			t.Errorf("%s, again: %q by %d requests, %v%s", name, got, stats.Gets, err, causes(err))
		}
	}
	if _, _, err := answer(t.Context(), l.reader(t), "SET skep.verify.whole=perhaps"); err == nil {
		t.Error("it takes what is neither true nor false")
	}
}

// TestReadingStrangePages: what a writer wrote otherwise than the format has it is read. That it comes so again is found
// out once, of few of its columns where it is the headers.
func TestReadingStrangePages(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	file, about := l.pagedParquet(t, s3, true)
	want, stats, err := answer(t.Context(), l.reader(t), pagedQuery)
	if err != nil {
		t.Fatal(err)
	}
	gets, chunks := stats.Gets, int64(3*len(about.Groups))
	wrongCRC := bytes.Clone(file)
	for _, g := range about.Groups {
		for _, c := range g.Chunks {
			var head thrift.Fields
			if _, err := thrift.UnmarshalFront(file[c.Offset:], &head, thrift.Compact, thrift.Limits{}); err != nil {
				t.Fatal(err)
			}
			n := binary.PutVarint(make([]byte, 8), int64(field(t, head, 4).(int32)))
			crc := binary.AppendVarint(nil, int64(field(t, head, 4).(int32)))
			at := int64(bytes.Index(file[c.Offset:c.Offset+40], crc)) + c.Offset
			wrongCRC[at+int64(n)-2] ^= 1
		}
	}
	end := len(file) - 8 - int(about.Size)
	for name, c := range map[string]struct {
		file []byte
		gets int64 // more than of what is right, at most
	}{
		"other CRCs": {wrongCRC, chunks}, "other sizes": {append(bytes.Clone(file[:end]), resized(t, file[end:])...), 3},
	} {
		foreign(t, s3, "in/p/p.parquet", c.file, nil)
		l.exec = executor(t)
		s := l.reader(t)
		got, stats, err := answer(t.Context(), s, pagedQuery)
		if err != nil || got != want || stats.BlocksChanged != 0 || stats.Gets <= gets || stats.Gets > gets+c.gets {
			t.Errorf("%s: %q by %d requests, %d with what is right, %v%s", name, got, stats.Gets, gets, err, causes(err))
		}
		if got, stats, err := answer(t.Context(), s, pagedQuery); err != nil || got != want || stats.Gets > 0 {
			t.Errorf("%s, again: %q by %d requests, %v%s", name, got, stats.Gets, err, causes(err))
		}
	}
}

// resized is a footer that says other sizes of what is not compressed.
func resized(t *testing.T, footer []byte) []byte {
	t.Helper()
	var about thrift.Fields
	if err := thrift.Unmarshal(footer[:len(footer)-8], &about, thrift.Compact, thrift.Limits{}); err != nil {
		t.Fatal(err)
	}
	for _, g := range items(t, about, 4) {
		for _, c := range items(t, g, 1) {
			meta := field(t, c, 3).(thrift.Fields)
			for i, f := range meta {
				if f.ID == 6 {
					meta[i].Value = f.Value.(int64) + 1
				}
			}
		}
	}
	b, err := thrift.Marshal(about, thrift.Compact)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(b))), "PAR1"...)
}
