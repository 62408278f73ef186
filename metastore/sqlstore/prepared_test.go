package sqlstore

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// TestTablesAreReadAtOnce reads tables in one transaction, whose connection has the prepared query once,
// and sees what is changed between transactions.
func TestTablesAreReadAtOnce(t *testing.T) {
	s, name := newFile(t)
	ctx := t.Context()
	for i := range 20 {
		want := fmt.Sprint("v", i)
		err := s.Update(ctx, func(tx metastore.Tx) error {
			table, err := tx.Table(ctx, name)
			if err != nil {
				return err
			}
			table.Parameters["p"] = want
			table.Storage.Columns = []metastore.Column{{Name: "c", Type: hivetype.Of(hivetype.Int), Comment: want}}
			return tx.AlterTable(ctx, name, table)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.View(ctx, func(r metastore.Reader) error {
			var g errgroup.Group
			for range 8 {
				g.Go(func() error {
					table, err := r.Table(ctx, name)
					if err != nil {
						return err
					}
					if table.Parameters["p"] != want || table.Storage.Columns[0].Comment != want {
						return fmt.Errorf("found %v and %v, want %s", table.Parameters, table.Storage.Columns, want)
					}
					table.Storage.Columns[0].Comment = "of this reader"
					return nil
				})
			}
			return g.Wait()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
