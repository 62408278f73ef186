package hiveqltest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// foreign writes objects as other programs do: with another checksum than ours, or none.
func foreign(t *testing.T, s3 *testenv.S3, key string, content []byte, headers map[string]string) {
	t.Helper()
	core, err := minio.NewCore(strings.TrimPrefix(s3.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(s3.AccessKey, s3.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = core.PutObject(t.Context(), s3.Bucket, key, bytes.NewReader(content), int64(len(content)), "", "",
		minio.PutObjectOptions{UserMetadata: headers, DisableContentSha256: true})
	if err != nil {
		t.Fatal(err)
	}
}

// changeObjects is change of whole objects too.
func (f *flips) changeObjects(r *http.Response) error {
	if r.StatusCode == http.StatusOK && r.Request.Method == http.MethodGet && r.Request.URL.RawQuery == "" {
		r.StatusCode = http.StatusPartialContent
		defer func() { r.StatusCode = http.StatusOK }()
	}
	return f.change(r)
}

// rowsOf are lines of a table of two columns.
func rowsOf(from, to int, line string) []byte {
	var b bytes.Buffer
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, line, i, i*7919%1000003)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, p []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err == nil {
		_, err = z.Write(p)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digestHeader(algorithm string, content []byte) map[string]string {
	h := storage.Digest{Algorithm: algorithm}.New()
	_, _ = h.Write(content)
	return map[string]string{"x-amz-checksum-" + strings.ToLower(algorithm): base64.StdEncoding.EncodeToString(h.Sum(nil))}
}

// fillText makes tables of text in several formats, of ours and of others, each of which has the rows of
// rowsOf; more than one request and some of less. The queries answer alike of all.
func (l *farLake) fillText(t *testing.T, s3 *testenv.S3) []string {
	t.Helper()
	const n, some = 300_000, 1000
	plain, csv, js := rowsOf(some, n, "%d\x01%d\n"), rowsOf(some, n, "%d,%d\n"), rowsOf(some, n, `{"id":%d,"v":%d}`+"\n")
	few := rowsOf(0, some, "%d\x01%d\n")
	foreign(t, s3, "in/plain/a", plain, nil)
	foreign(t, s3, "in/plain/b", few, digestHeader("SHA256", few))
	foreign(t, s3, "in/nvme/a", plain, digestHeader("CRC64NVME", plain))
	foreign(t, s3, "in/nvme/b", few, nil)
	foreign(t, s3, "in/csv/a", csv, digestHeader("CRC32C", csv))
	foreign(t, s3, "in/csv/b", rowsOf(0, some, "%d,%d\n"), nil)
	foreign(t, s3, "in/js/a", js, digestHeader("CRC32", js))
	foreign(t, s3, "in/js/b", rowsOf(0, some, `{"id":%d,"v":%d}`+"\n"), nil)
	zipped := gzipped(t, plain)
	foreign(t, s3, "in/zip/a.gz", zipped, nil)
	foreign(t, s3, "in/zip/b.gz", gzipped(t, few), nil)
	at := func(name string) string { return " LOCATION 's3://" + s3.Bucket + "/in/" + name + "/';" }
	_, _, err := answer(t.Context(), l.reader(t), `
		CREATE EXTERNAL TABLE plain (id bigint, v bigint)`+at("plain")+`
		CREATE EXTERNAL TABLE nvme (id bigint, v bigint)`+at("nvme")+`
		CREATE EXTERNAL TABLE csv (id string, v string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'`+at("csv")+`
		CREATE EXTERNAL TABLE js (id bigint, v bigint) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.JsonSerDe'`+at("js")+`
		CREATE EXTERNAL TABLE zip (id bigint, v bigint)`+at("zip")+`
		CREATE TABLE ours (id bigint, v bigint); INSERT INTO ours SELECT * FROM plain;
		CREATE TABLE orcs (id bigint, v bigint) STORED AS ORC; INSERT INTO orcs SELECT * FROM plain`)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"plain", "nvme", "csv", "js", "zip", "ours", "orcs"}
}

// TestReadingChangedText: no bit of text that changes on the way makes an answer another, whoever wrote it
// and whatever the store knows of it: it is right, or the error says which file came so. What is in the
// cache afterwards is right.
func TestReadingChangedText(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	tables := l.fillText(t, s3)
	const query = "SELECT count(*), sum(cast(id AS bigint)), sum(cast(v AS bigint)), sum(crc32(cast(v AS string))) FROM "
	want, _, err := answer(t.Context(), l.reader(t), query+"plain")
	if err != nil || !strings.HasPrefix(want, "300000 ") {
		t.Fatalf("%q, %v", want, err)
	}
	right, wrong := 0, 0
	for seed := range uint64(4) {
		f := &flips{rand: rand.New(rand.NewPCG(seed, 3)), share: []float64{0, 0.07, 0.2, 0.9}[seed]}
		for _, table := range tables {
			l.proxy.Change(nil, f.changeObjects)
			s := l.reader(t)
			got, _, err := answer(t.Context(), s, query+table)
			switch {
			case err == nil && got == want:
				right++
			case err == nil:
				t.Errorf("seed %d: %s: %q", seed, table, got)
			case strings.Contains(err.Error(), "s3://") && errors.Is(err, storage.ErrChecksum):
				wrong++
			default:
				t.Logf("seed %d: %s: %v", seed, table, err)
			}
			l.proxy.Change(nil, nil)
			for range 2 { // the first may find that what is in the cache is not right
				got, _, err = answer(t.Context(), s, query+table)
				if err == nil && got != want || err != nil && !errors.Is(err, storage.ErrChecksum) {
					t.Errorf("seed %d: %s, afterwards: %q, %v%s", seed, table, got, err, causes(err))
				}
			}
			if err != nil {
				t.Errorf("seed %d: %s, in the end: %v", seed, table, err)
			}
		}
		if f.share > 0 && f.total() == 0 {
			t.Errorf("seed %d: no bit was changed", seed)
		}
	}
	if right < len(tables) || wrong == 0 {
		t.Errorf("%d answers were right, and of %d errors was said what came wrong", right, wrong)
	}
}

// TestWritingFromChangedText: what is written from text of which a bit has changed on the way is right, or
// nothing is written.
func TestWritingFromChangedText(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	tables := l.fillText(t, s3)
	const query = "SELECT count(*), sum(cast(id AS bigint)), sum(cast(v AS bigint)), sum(crc32(cast(v AS string))) FROM "
	want, _, err := answer(t.Context(), l.reader(t), query+"plain")
	if err != nil {
		t.Fatal(err)
	}
	f := &flips{rand: rand.New(rand.NewPCG(1, 5)), share: 0.15}
	written := 0
	for i, table := range tables {
		to := fmt.Sprint("w", i)
		if _, _, err := answer(t.Context(), l.reader(t), "CREATE TABLE "+to+" (id bigint, v bigint) STORED AS PARQUET"); err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{"INSERT INTO " + to + " SELECT * FROM " + table, "CREATE TABLE c" + to + " AS SELECT * FROM " + table} {
			l.proxy.Change(nil, f.changeObjects)
			_, _, failed := answer(t.Context(), l.reader(t), sql)
			l.proxy.Change(nil, nil)
			into := to
			if strings.HasPrefix(sql, "CREATE") {
				into = "c" + to
			}
			got, _, err := answer(t.Context(), l.reader(t), query+into)
			switch {
			case failed == nil && (err != nil || got != want):
				t.Errorf("%s: %q, %v", sql, got, err)
			case failed == nil:
				written++
			case into == to && (err != nil || !strings.HasPrefix(got, "0 ")):
				t.Errorf("%s: %q, %v, after the error %v", sql, got, err, failed)
			case into != to && err == nil:
				t.Errorf("%s: there is a table after the error %v", sql, failed)
			}
		}
	}
	if written == 0 || written == 2*len(tables) || f.total() == 0 {
		t.Errorf("%d of the statements wrote something", written)
	}
}
