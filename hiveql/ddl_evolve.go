package hiveql

import (
	"strings"

	"github.com/skepdata/skep/metastore"
)

// What the files of a table in ORC have in the place of a column is what the column becomes: Hive refuses
// changes that would move columns, unless hive.exec.schema.evolution is false.

func (s *Session) evolvesORC(d *metastore.StorageDescriptor) bool {
	return classEqual(d.InputFormat, "OrcInputFormat") && s.evolves()
}

func (s *Session) evolves() bool {
	return !strings.EqualFold(s.Setting("hive.exec.schema.evolution"), "false")
}

// keepsFormat refuses that the files become those of another format.
func (s *Session) keepsFormat(t *metastore.Table, before, now *metastore.StorageDescriptor) error {
	switch {
	case !s.evolvesORC(before):
		return nil
	case !classEqual(now.InputFormat, before.InputFormat):
		return ddlFailed("Changing file format (from ORC) is not supported for table %s", t.TableName)
	case !classEqual(now.SerDe.Library, before.SerDe.Library):
		return ddlFailed("Changing SerDe (from OrcSerde) is not supported for table %s. File format may be incompatible", t.TableName)
	}
	return nil
}

// keepsColumns refuses that columns go, and with moved that they change places.
func (s *Session) keepsColumns(t *metastore.Table, d *metastore.StorageDescriptor, left int, moved, cascade bool) error {
	orc := s.evolvesORC(d)
	parquet := classEqual(d.InputFormat, "MapredParquetInputFormat") && t.Partitioned() && !cascade && s.evolves()
	switch {
	case orc && moved:
		return ddlFailed("Reordering columns is not supported for table %s. SerDe may be incompatible", t.TableName)
	case (orc || parquet) && left < len(d.Columns):
		return ddlFailed("Replacing columns cannot drop columns for table %s. SerDe may be incompatible", t.TableName)
	}
	return nil
}
