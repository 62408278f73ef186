package hms

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// addWriteIDs adds the methods for the numbers of what transactions write to a table.
func (s *Service) addWriteIDs(t *thrift.Service) {
	thrift.Handle(t, "allocate_table_write_ids", s.allocateWriteIDs, &noSuchTxn{}, &txnAborted{}, &metaException{})
	thrift.Handle(t, "get_max_allocated_table_write_id", func(ctx context.Context, a *requestArgs[writeIDRequest]) (*maxAllocatedTableWriteIDResponse, error) {
		name, err := tableName(a.Request.DbName, a.Request.TableName)
		if err != nil {
			return nil, err
		}
		id, err := s.store(ctx).WriteID(ctx, name)
		return &maxAllocatedTableWriteIDResponse{id}, err
	}, throwsM...)
	thrift.Handle(t, "seed_write_id", func(ctx context.Context, a *requestArgs[writeIDRequest]) (thrift.Void, error) {
		name, err := tableName(a.Request.DbName, a.Request.TableName)
		if err != nil {
			return thrift.Void{}, err
		}
		return thrift.Void{}, s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
			id, err := tx.WriteID(ctx, name)
			if err == nil && id > 0 {
				err = metaf("The numbers of the writes to %s are at %d already", name, id)
			}
			if err != nil {
				return err
			}
			return tx.SetWriteID(ctx, name, a.Request.SeedWriteID)
		})
	}, throwsM...)
	thrift.Handle(t, "repl_tbl_writeid_state", s.replicateWriteIDs)
	thrift.Handle(t, "get_valid_write_ids", func(ctx context.Context, a *requestArgs[getValidWriteIdsRequest]) (*getValidWriteIdsResponse, error) {
		out := &getValidWriteIdsResponse{TblValidWriteIds: []*tableValidWriteIds{}}
		return out, s.store(ctx).View(ctx, func(r metastore.Reader) error {
			out.TblValidWriteIds = out.TblValidWriteIds[:0]
			for _, name := range a.Request.FullTableNames {
				valid, err := s.validWriteIDs(ctx, r, name, a.Request.ValidTxnList)
				if err != nil {
					return err
				}
				out.TblValidWriteIds = append(out.TblValidWriteIds, valid)
			}
			return nil
		})
	}, &noSuchTxn{}, &metaException{})
}

func (s *Service) allocateWriteIDs(
	ctx context.Context, a *requestArgs[allocateTableWriteIDsRequest],
) (*allocateTableWriteIDsResponse, error) {
	r := a.Request
	name, err := tableName(r.DbName, r.TableName)
	switch {
	case err != nil:
		return nil, err
	case r.ReplPolicy != "" || len(r.SrcTxnToWriteIDList) > 0:
		return nil, metaf("replication of transactions is not supported yet")
	}
	ids := slices.Compact(slices.Sorted(slices.Values(r.TxnIDs)))
	var out *allocateTableWriteIDsResponse
	err = s.withTxns(ctx, func(ctx context.Context, all *txns) error {
		out = &allocateTableWriteIDsResponse{TxnToWriteIDs: []*txnToWriteID{}}
		last, err := all.tx.WriteID(ctx, name)
		if err != nil {
			return err
		}
		before := last
		for _, id := range ids {
			if err := all.check(id); err != nil {
				return err
			}
			write := writeOf(all.known[id], name)
			if write == 0 {
				last++
				write = last
				all.known[id].Writes = append(all.known[id].Writes, metastore.Write{Database: name.Database, Table: name.Name, ID: write})
				if _, err := all.tx.PutTxn(ctx, all.known[id]); err != nil {
					return err
				}
			}
			out.TxnToWriteIDs = append(out.TxnToWriteIDs, &txnToWriteID{id, write})
		}
		if last == before {
			return nil
		}
		return all.tx.SetWriteID(ctx, name, last)
	})
	return out, err
}

// writeOf is the number of what a transaction writes to a table, 0 where it has none.
func writeOf(x *metastore.Txn, name metastore.TableName) int64 {
	for _, w := range x.Writes {
		if w.Database == name.Database && w.Table == name.Name {
			return w.ID
		}
	}
	return 0
}

// validWriteIDs says which writes of a table are to be passed over: those of transactions that are open, aborted, or not
// there yet for a client that has read the list of transactions before.
func (s *Service) validWriteIDs(
	ctx context.Context, r metastore.Reader, fullName, validTxns string,
) (*tableValidWriteIds, error) {
	db, table, ok := strings.Cut(fullName, ".")
	if !ok {
		return nil, metaf("%s is not of the form database.table", fullName)
	}
	name, err := tableName(db, table)
	if err != nil {
		return nil, err
	}
	seen, err := parseValid(validTxns)
	if err != nil {
		return nil, metaf("Invalid list of transactions %s: %v", validTxns, err)
	}
	out := &tableValidWriteIds{FullTableName: fullName, InvalidWriteIds: []int64{}}
	if out.WriteIdHighWaterMark, err = r.WriteID(ctx, name); err != nil {
		return nil, err
	}
	all, _, err := r.Txns(ctx)
	var aborted []int64
	for _, x := range all {
		write := writeOf(x, name)
		if write == 0 || x.State == txnIsCommitted && seen.has(x.ID) {
			continue
		}
		out.InvalidWriteIds = append(out.InvalidWriteIds, write)
		if x.State == txnIsAborted {
			aborted = append(aborted, write)
		} else if out.MinOpenWriteID == 0 || write < out.MinOpenWriteID {
			out.MinOpenWriteID = write
		}
	}
	slices.Sort(out.InvalidWriteIds)
	set := bits{}
	for i, write := range out.InvalidWriteIds {
		if slices.Contains(aborted, write) {
			set.set(i)
		}
	}
	out.AbortedBits = set
	return out, err
}

// valid is a list of transactions, or of writes, as Hive writes it: the greatest that there was, the smallest that was
// open, and those up to the greatest that do not count.
type valid struct {
	last    int64
	invalid []int64
}

func (v *valid) has(id int64) bool {
	return v == nil || id <= v.last && !slices.Contains(v.invalid, id)
}

// parseValid reads HIGHEST:LOWEST_OPEN:OPEN,...:ABORTED,... An empty text is nil, which has all.
func parseValid(text string) (*valid, error) {
	if text == "" {
		return nil, nil
	}
	fields := strings.Split(text, ":")
	last, err := strconv.ParseInt(fields[0], 10, 64)
	v := &valid{last: last}
	for _, list := range fields[min(2, len(fields)):] {
		for number := range strings.SplitSeq(list, ",") {
			if number == "" || err != nil {
				continue
			}
			var id int64
			id, err = strconv.ParseInt(number, 10, 64)
			v.invalid = append(v.invalid, id)
		}
	}
	return v, err
}

// replicateWriteIDs makes the writes of a table that is copied from elsewhere count here as there. It is for a table that is new.
func (s *Service) replicateWriteIDs(ctx context.Context, a *requestArgs[replTblWriteIDStateRequest]) (thrift.Void, error) {
	r := a.Request
	name, err := tableName(r.DbName, r.TableName)
	if err != nil {
		return thrift.Void{}, err
	}
	_, text, _ := strings.Cut(r.ValidWriteIDList, ":") // before which stands the name of the table
	there, err := parseValid(text)
	if err != nil || there == nil {
		return thrift.Void{}, metaf("Invalid list of writes %s", r.ValidWriteIDList)
	}
	return thrift.Void{}, s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		if id, err := tx.WriteID(ctx, name); err != nil || id > 0 {
			return err // it has been here before
		}
		for _, id := range there.invalid {
			now := s.Now()
			_, err := tx.PutTxn(ctx, &metastore.Txn{
				State: txnIsAborted, Kind: "REPL_CREATED", User: r.User, Host: r.HostName, Started: now, Heartbeat: now, Expires: now.Add(s.lease()),
				Writes: []metastore.Write{{Database: name.Database, Table: name.Name, ID: id}},
			})
			if err != nil {
				return err
			}
		}
		return tx.SetWriteID(ctx, name, there.last)
	})
}
