package s3store

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/skepdata/skep/storage"
)

// TestTarBody makes the tar that archive/tar makes in memory, whole and from any byte.
func TestTarBody(t *testing.T) {
	contents := [][]byte{[]byte("a"), nil, bytes.Repeat([]byte("b"), 512), bytes.Repeat([]byte("c"), 1300)}
	var plain bytes.Buffer
	body := &tarBody{}
	for _, out := range []io.Writer{&plain, body} {
		w := tar.NewWriter(out)
		for i, content := range contents {
			err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprint(i), Size: int64(len(content)), Format: tar.FormatPAX,
				PAXRecords: map[string]string{"minio.metadata.x": "y"}})
			if err == nil && out == body {
				err = body.add(w, content)
			} else if err == nil {
				_, err = w.Write(content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		err := w.Flush()
		if out == body {
			err = errors.Join(err, body.end(w))
		} else {
			err = errors.Join(err, w.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := plain.Bytes()
	if body.size() != int64(len(want)) || body.crc32c() != storage.CRC32C(want) {
		t.Errorf("%d bytes with %v, want %d with %v", body.size(), body.crc32c(), len(want), storage.CRC32C(want))
	}
	if err := iotest.TestReader(onlyReader{body}, want); err != nil {
		t.Error(err)
	}
	for from := range len(want) {
		at, err := body.Seek(int64(from), io.SeekStart)
		if got, err2 := io.ReadAll(body); at != int64(from) || !bytes.Equal(got, want[from:]) || err != nil || err2 != nil {
			t.Fatalf("from byte %d: %d bytes, %v, %v", from, len(got), err, err2)
		}
	}
}

// onlyReader hides Seek, which goes forward from the beginning alone.
type onlyReader struct{ io.Reader }
