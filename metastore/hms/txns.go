package hms

import (
	"context"
	"fmt"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// The states and kinds of transactions, and their numbers on the wire.
const txnIsOpen, txnIsAborted, txnIsCommitted = "OPEN", "ABORTED", "COMMITTED"

var (
	txnStates = map[string]int32{txnIsCommitted: 1, txnIsAborted: 2, txnIsOpen: 3}
	txnKinds  = map[string]int32{
		"DEFAULT": 0, "REPL_CREATED": 1, "READ_ONLY": 2, "COMPACTION": 3, "MATER_VIEW_REBUILD": 4, "SOFT_DELETE": 5,
	}
)

// maxOpened is how many transactions are opened by one call at most, as in Hive.
const maxOpened = 1000

// addTransactions adds the methods for transactions. HiveServer2 opens one for every query and
// holds its locks by it. Like locks they are leases: without heartbeats they are aborted.
func (s *Service) addTransactions(t *thrift.Service) {
	thrift.Handle(t, "open_txns", s.openTxns)
	thrift.Handle(t, "commit_txn", func(ctx context.Context, a *requestArgs[txnRequest]) (thrift.Void, error) {
		return thrift.Void{}, s.withTxns(ctx, func(ctx context.Context, all *txns) error {
			if x := all.known[a.Request.Txnid]; x != nil && x.State == txnIsCommitted {
				return nil // the client did not hear of it
			}
			return all.end(ctx, a.Request.Txnid, txnIsCommitted)
		})
	}, &noSuchTxn{}, &txnAborted{})
	thrift.Handle(t, "abort_txn", func(ctx context.Context, a *requestArgs[txnRequest]) (thrift.Void, error) {
		return thrift.Void{}, s.withTxns(ctx, func(ctx context.Context, all *txns) error {
			if x := all.known[a.Request.Txnid]; x != nil && x.State == txnIsAborted {
				return nil
			}
			return all.end(ctx, a.Request.Txnid, txnIsAborted)
		})
	}, &noSuchTxn{})
	thrift.Handle(t, "abort_txns", func(ctx context.Context, a *requestArgs[abortTxnsRequest]) (thrift.Void, error) {
		return thrift.Void{}, s.withTxns(ctx, func(ctx context.Context, all *txns) error {
			for _, id := range a.Request.TxnIDs {
				if all.check(id) != nil {
					continue // as in Hive, those that have ended are passed over
				}
				if err := all.end(ctx, id, txnIsAborted); err != nil {
					return err
				}
			}
			return nil
		})
	}, &noSuchTxn{})
	thrift.Handle(t, "heartbeat_txn_range", s.heartbeatTxns)
	thrift.Handle(t, "add_dynamic_partitions", func(ctx context.Context, a *requestArgs[txnRequest]) (thrift.Void, error) {
		return thrift.Void{}, s.withTxns(ctx, func(_ context.Context, all *txns) error { return all.check(a.Request.Txnid) })
	}, &noSuchTxn{}, &txnAborted{})
	thrift.Handle(t, "seed_txn_id", func(ctx context.Context, a *requestArgs[seedTxnIDRequest]) (thrift.Void, error) {
		return thrift.Void{}, s.withTxns(ctx, func(ctx context.Context, all *txns) error {
			if seed := a.Request.SeedTxnID; seed <= all.last {
				return metaf("Invalid txnId seed %d, the highWaterMark is %d", seed, all.last)
			}
			return all.tx.SkipTxns(ctx, a.Request.SeedTxnID)
		})
	}, throwsM...)
	for _, name := range []string{"get_open_txns", "get_open_txns_req"} {
		thrift.Handle(t, name, s.getOpenTxns)
	}
	thrift.Handle(t, "get_open_txns_info", s.getOpenTxnsInfo)
	s.addWriteIDs(t)
	addCompaction(t)
}

func txnText(id int64) string { return fmt.Sprintf("txnid:%d", id) }

// txns are the transactions in an update.
type txns struct {
	s     *Service
	tx    metastore.Tx
	known map[int64]*metastore.Txn
	list  []*metastore.Txn // in order of their ids
	last  int64
}

// withTxns changes transactions. Those whose leases have ended are aborted first.
func (s *Service) withTxns(ctx context.Context, fn func(context.Context, *txns) error) error {
	return s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		all, err := s.txns(ctx, tx)
		if err != nil {
			return err
		}
		return fn(ctx, all)
	})
}

func (s *Service) txns(ctx context.Context, tx metastore.Tx) (*txns, error) {
	all := &txns{s: s, tx: tx, known: map[int64]*metastore.Txn{}}
	var err error
	if all.list, all.last, err = tx.Txns(ctx); err != nil {
		return nil, err
	}
	var oldest time.Time // of those that are open
	for _, x := range all.list {
		all.known[x.ID] = x
		if x.State == txnIsOpen && !x.Expires.After(s.Now()) {
			if err := all.end(ctx, x.ID, txnIsAborted); err != nil {
				return nil, err
			}
		}
		if x.State == txnIsOpen && (oldest.IsZero() || x.Started.Before(oldest)) {
			oldest = x.Started
		}
	}
	for _, x := range all.list {
		if all.forgettable(x, oldest) {
			delete(all.known, x.ID)
			if err := tx.DropTxn(ctx, x.ID); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// forgettable reports whether nobody asks for a transaction any more: its client has had the time to hear how it ended, what
// it has written is not to be passed over for ever, and nobody works with a moment before its end.
func (a *txns) forgettable(x *metastore.Txn, oldest time.Time) bool {
	if x.State == txnIsOpen || x.Expires.After(a.s.Now()) {
		return false
	}
	return len(x.Writes) == 0 || x.State == txnIsCommitted && (oldest.IsZero() || oldest.After(x.Heartbeat))
}

// check reports why a transaction is not open, in Hive's words.
func (a *txns) check(id int64) error {
	x := a.known[id]
	switch {
	case x == nil:
		return &noSuchTxn{"No such transaction " + txnText(id)}
	case x.State == txnIsAborted:
		return &txnAborted{"Transaction " + txnText(id) + " already aborted"}
	case x.State == txnIsCommitted:
		return &noSuchTxn{"Transaction " + txnText(id) + " is already committed."}
	}
	return nil
}

// end ends a transaction that is open, and its locks.
func (a *txns) end(ctx context.Context, id int64, state string) error {
	if err := a.check(id); err != nil {
		return err
	}
	locks, err := a.tx.Locks(ctx)
	if err != nil {
		return err
	}
	for _, l := range locks {
		if l.Txn == id {
			if err := a.tx.DropLock(ctx, l.ID); err != nil {
				return err
			}
		}
	}
	a.known[id].State = state
	return a.put(ctx, a.known[id])
}

// beat renews the lease of a transaction that is open, and those of its locks.
func (a *txns) beat(ctx context.Context, id int64) error {
	if err := a.check(id); err != nil {
		return err
	}
	if err := a.put(ctx, a.known[id]); err != nil {
		return err
	}
	locks, err := a.tx.Locks(ctx)
	if err != nil {
		return err
	}
	for _, l := range locks {
		if l.Txn != id {
			continue
		}
		l.Heartbeat, l.Expires = a.known[id].Heartbeat, a.known[id].Expires
		if _, err := a.tx.PutLock(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (a *txns) put(ctx context.Context, x *metastore.Txn) error {
	x.Heartbeat = a.s.Now()
	x.Expires = x.Heartbeat.Add(a.s.lease())
	_, err := a.tx.PutTxn(ctx, x)
	return err
}

func (s *Service) openTxns(ctx context.Context, a *requestArgs[openTxnRequest]) (*openTxnsResponse, error) {
	r := a.Request
	if len(r.ReplSrcTxnIDs) > 0 {
		return nil, metaf("replication of transactions is not supported yet")
	}
	var out *openTxnsResponse
	err := s.withTxns(ctx, func(ctx context.Context, all *txns) error {
		out = &openTxnsResponse{TxnIDs: []int64{}}
		for range min(r.NumTxns, maxOpened) {
			now := s.Now()
			id, err := all.tx.PutTxn(ctx, &metastore.Txn{
				State: txnIsOpen, Kind: nameOf(txnKinds, r.TxnType), User: r.User, Host: r.Hostname, Agent: r.AgentInfo,
				Started: now, Heartbeat: now, Expires: now.Add(s.lease()),
			})
			if err != nil {
				return err
			}
			out.TxnIDs = append(out.TxnIDs, id)
		}
		return nil
	})
	return out, err
}

func (s *Service) heartbeatTxns(
	ctx context.Context, a *requestArgs[heartbeatTxnRangeRequest],
) (*heartbeatTxnRangeResponse, error) {
	var out *heartbeatTxnRangeResponse
	first, last := a.Request.Min, a.Request.Max
	if last-first >= 100*maxOpened {
		return nil, metaf("heartbeats of %d transactions at once", last-first+1)
	}
	err := s.withTxns(ctx, func(ctx context.Context, all *txns) error {
		out = &heartbeatTxnRangeResponse{Aborted: []int64{}, Nosuch: []int64{}}
		for id := first; id <= last; id++ {
			switch x := all.known[id]; {
			case x == nil || x.State == txnIsCommitted:
				out.Nosuch = append(out.Nosuch, id)
			case x.State == txnIsAborted:
				out.Aborted = append(out.Aborted, id)
			default:
				if err := all.beat(ctx, id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return out, err
}

// unfinished lists the transactions that are open or aborted.
func (s *Service) unfinished(ctx context.Context) (list []*metastore.Txn, last int64, err error) {
	all, last, err := s.store(ctx).Txns(ctx)
	for _, x := range all {
		if x.State == txnIsOpen && !x.Expires.After(s.Now()) {
			x.State = txnIsAborted // as the next change makes it
		}
		if x.State != txnIsCommitted {
			list = append(list, x)
		}
	}
	return list, last, err
}

func (s *Service) getOpenTxns(ctx context.Context, _ *noArgs) (*getOpenTxnsResponse, error) {
	list, last, err := s.unfinished(ctx)
	out := &getOpenTxnsResponse{TxnHighWaterMark: last, OpenTxns: []int64{}}
	aborted := bits{}
	for i, x := range list {
		out.OpenTxns = append(out.OpenTxns, x.ID)
		if x.State == txnIsAborted {
			aborted.set(i)
		} else if out.MinOpenTxn == 0 {
			out.MinOpenTxn = x.ID
		}
	}
	out.AbortedBits, out.Sets = aborted, asSet(2, out.OpenTxns)
	return out, err
}

// asSet is a field once more, as a set. The ids of open transactions are a set to Hive 2.3 and a list since Hive 3, and no client says
// which it is made for: each takes the one of the type that it knows and passes over the other.
func asSet(field int16, ids []int64) thrift.Unknown {
	set := thrift.Items{Type: thrift.I64}
	for _, id := range ids {
		set.Values = append(set.Values, id)
	}
	return thrift.Unknown{{ID: field, Type: thrift.Set, Value: set}}
}

func (s *Service) getOpenTxnsInfo(ctx context.Context, _ *noArgs) (*getOpenTxnsInfoResponse, error) {
	list, last, err := s.unfinished(ctx)
	out := &getOpenTxnsInfoResponse{TxnHighWaterMark: last, OpenTxns: []*txnInfo{}}
	for _, x := range list {
		out.OpenTxns = append(out.OpenTxns, &txnInfo{
			ID: x.ID, State: txnStates[x.State], User: x.User, Hostname: x.Host, AgentInfo: x.Agent,
			StartedTime: x.Started.UnixMilli(), LastHeartbeatTime: x.Heartbeat.UnixMilli(),
		})
	}
	return out, err
}

// bits are what Java's BitSet gives as bytes.
type bits []byte

func (b *bits) set(i int) {
	for len(*b) <= i/8 {
		*b = append(*b, 0)
	}
	(*b)[i/8] |= 1 << (i % 8)
}

// addCompaction adds the methods for the compaction of tables that keep versions of rows, of which there are none.
func addCompaction(t *thrift.Service) {
	for _, name := range []string{"compact", "compact2"} {
		thrift.Handle(t, name, func(context.Context, *noArgs) (*struct{}, error) {
			return nil, metaf("compaction is not supported yet: there are no transactional tables")
		})
	}
	thrift.Handle(t, "show_compact", func(context.Context, *noArgs) (*emptyList, error) { return &emptyList{[]*struct{}{}}, nil })
	for _, name := range []string{"find_next_compact", "find_next_compact2"} {
		thrift.Handle(t, name, func(context.Context, *noArgs) (*struct{}, error) { return &struct{}{}, nil }, throwsM...)
	}
	for _, name := range []string{"mark_compacted", "mark_cleaned", "mark_failed", "mark_refused"} {
		thrift.Handle(t, name, func(context.Context, *noArgs) (thrift.Void, error) { return thrift.Void{}, nil }, throwsM...)
	}
}
