package hiveql

import (
	"context"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// setLocation runs SET LOCATION: the data stays where it is, and what is at the new place becomes the table's or
// partition's, but for what was dropped there. Records of writes to the table name the old place. A write that is under
// way does not commit any more where its table was moved.
func (s *Session) setLocation(ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, a *syntax.SetLocation) error {
	if !strings.HasPrefix(a.Location, "/") && !strings.Contains(a.Location, ":/") {
		return &Error{Phase: Execution, Code: 10244, SQLState: "42000", Task: ddlTask,
			Msg: a.Location + " is not absolute. Please specify a complete absolute uri."}
	}
	location, err := s.canonical(ctx, a.Location)
	if err != nil {
		return err
	}
	if err := s.recoverIntents(ctx, t.Database, location); err != nil { // dropped data must not come back
		return err
	}
	var left inheritance
	if spec == nil {
		err = s.alterRowIn(ctx, t.TableName, func(tx metastore.Tx, t *metastore.Table) (err error) {
			t.Storage.Location = location
			if left, err = inheritFrom(ctx, tx, t, "", []string{location}); err != nil {
				return err
			}
			return left.takeAway(ctx, tx)
		})
	} else {
		err = s.alterPartitionsIn(ctx, t, spec, func(tx metastore.Tx, p *metastore.Partition) error {
			p.Storage.Location = location
			h, err := inheritAt(ctx, tx, t.TableName, []string{location})
			left.dropped = append(left.dropped, h.dropped...)
			return err
		})
	}
	if err == nil {
		s.inherited(t.TableName, left)
	}
	return err
}
