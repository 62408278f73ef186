package sqlstore_test

import (
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/metastoretest"
	"github.com/skepdata/skep/metastore/sqlstore"
)

func open(t testing.TB, path string) metastore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fresh(t testing.TB) metastore.Store { return open(t, filepath.Join(t.TempDir(), "metastore.db")) }

func TestConformance(t *testing.T) { metastoretest.Run(t, metastoretest.Config{New: fresh}) }
