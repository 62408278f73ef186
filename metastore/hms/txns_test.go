package hms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	apache "github.com/apache/thrift/lib/go/thrift"
	hive "github.com/beltran/gohive/hive_metastore"

	"github.com/skepdata/skep/metastore/hms"
)

// gohiveTransactions: transactions hold locks together, end once, and are aborted when their clients are gone.
func gohiveTransactions(t *testing.T, open opener) {
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	c := gohive(t, serve(t, hms.Config{
		Store: open(t), Lease: time.Minute, Now: func() time.Time { return time.Unix(0, now.Load()) },
	}))
	ctx := t.Context()
	begin := func(n int32) []int64 {
		t.Helper()
		r, err := c.OpenTxns(ctx, &hive.OpenTxnRequest{NumTxns: n, User: "ann", Hostname: "h"})
		if err != nil || len(r.TxnIds) != int(n) || !slices.IsSorted(r.TxnIds) {
			t.Fatalf("%v, %v", r, err)
		}
		return r.TxnIds
	}
	says := func(err error, want string) {
		t.Helper()
		var none *hive.NoSuchTxnException
		var aborted *hive.TxnAbortedException
		got := fmt.Sprint(err)
		switch {
		case errors.As(err, &none):
			got = "NoSuchTxn: " + none.Message
		case errors.As(err, &aborted):
			got = "TxnAborted: " + aborted.Message
		}
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	ids := begin(4)
	a, b, d, e := ids[0], ids[1], ids[2], ids[3]
	held := lockOf(hive.LockType_EXCLUSIVE, "t")
	held.Txnid = &a
	r, err := c.Lock(ctx, held)
	if err != nil || r.State != hive.LockState_ACQUIRED {
		t.Fatalf("%v, %v", r, err)
	}
	same, err := c.Lock(ctx, held) // the same transaction is not in its own way
	if err != nil || same.State != hive.LockState_ACQUIRED {
		t.Fatalf("%v, %v", same, err)
	}
	waits := lockOf(hive.LockType_SHARED_READ, "t")
	waits.Txnid = &b
	second, err := c.Lock(ctx, waits)
	if err != nil || second.State != hive.LockState_WAITING {
		t.Fatalf("%v, %v", second, err)
	}
	var isOpen *hive.TxnOpenException
	if err := c.Unlock(ctx, &hive.UnlockRequest{Lockid: r.Lockid}); !errors.As(err, &isOpen) {
		t.Errorf("%v", err)
	}
	says(c.CommitTxn(ctx, &hive.CommitTxnRequest{Txnid: a}), "<nil>")
	says(c.CommitTxn(ctx, &hive.CommitTxnRequest{Txnid: a}), "<nil>") // whose answer was lost
	if got, err := c.CheckLock(ctx, &hive.CheckLockRequest{Lockid: second.Lockid, Txnid: &b}); err != nil || got.State != hive.LockState_ACQUIRED {
		t.Errorf("%v, %v", got, err)
	}
	says(c.AbortTxn(ctx, &hive.AbortTxnRequest{Txnid: a}), fmt.Sprintf("NoSuchTxn: Transaction txnid:%d is already committed.", a))
	says(c.AbortTxn(ctx, &hive.AbortTxnRequest{Txnid: e + 999}), fmt.Sprintf("NoSuchTxn: No such transaction txnid:%d", e+999))
	says(c.AbortTxn(ctx, &hive.AbortTxnRequest{Txnid: d}), "<nil>")
	says(c.AbortTxn(ctx, &hive.AbortTxnRequest{Txnid: d}), "<nil>")
	says(c.CommitTxn(ctx, &hive.CommitTxnRequest{Txnid: d}), fmt.Sprintf("TxnAborted: Transaction txnid:%d already aborted", d))
	held.Txnid = &d
	_, err = c.Lock(ctx, held)
	says(err, fmt.Sprintf("TxnAborted: Transaction txnid:%d already aborted", d))
	seen, err := c.GetOpenTxns(ctx)
	if err != nil || !slices.Equal(seen.OpenTxns, []int64{b, d, e}) || seen.TxnHighWaterMark < e || *seen.MinOpenTxn != b || !slices.Equal(seen.AbortedBits, []byte{2}) {
		t.Errorf("%v, %v", seen, err)
	}
	now.Add(int64(45 * time.Second))
	says(c.Heartbeat(ctx, &hive.HeartbeatRequest{Txnid: &b}), "<nil>")
	now.Add(int64(30 * time.Second)) // the client of e is dead
	beats, err := c.HeartbeatTxnRange(ctx, &hive.HeartbeatTxnRangeRequest{Min: b, Max: e + 1})
	if err != nil || !slices.Equal(beats.Aborted, []int64{e}) || !slices.Equal(beats.Nosuch, []int64{d, e + 1}) {
		t.Errorf("%v, %v; the transactions were %v", beats, err, ids)
	}
	if got, err := c.CheckLock(ctx, &hive.CheckLockRequest{Lockid: second.Lockid}); err != nil || got.State != hive.LockState_ACQUIRED {
		t.Errorf("%v, %v", got, err)
	}
	says(c.AbortTxns(ctx, &hive.AbortTxnsRequest{TxnIds: []int64{b, e}}), "<nil>")
	var gone *hive.NoSuchLockException
	if _, err := c.CheckLock(ctx, &hive.CheckLockRequest{Lockid: second.Lockid}); !errors.As(err, &gone) {
		t.Errorf("%v", err)
	}
	if err := c.SeedTxnID(ctx, &hive.SeedTxnIdRequest{SeedTxnId: e + 5000}); err != nil {
		t.Error(err)
	}
	if next := begin(1)[0]; next <= e+5000 {
		t.Errorf("%d after %d", next, e+5000)
	}
}

// gohiveWriteIDs: writes are numbered per table, and those of transactions that are open or aborted do not count.
func gohiveWriteIDs(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t)}))
	ctx := t.Context()
	opened, err := c.OpenTxns(ctx, &hive.OpenTxnRequest{NumTxns: 3, User: "ann", Hostname: "h"})
	if err != nil {
		t.Fatal(err)
	}
	ids := opened.TxnIds
	allocate := func(ids ...int64) []int64 {
		t.Helper()
		r, err := c.AllocateTableWriteIds(ctx, &hive.AllocateTableWriteIdsRequest{DbName: "web", TableName: "T", TxnIds: ids})
		if err != nil {
			t.Fatal(err)
		}
		var writes []int64
		for i, w := range r.TxnToWriteIds {
			if w.TxnId != ids[i] {
				t.Errorf("%v", r)
			}
			writes = append(writes, w.WriteId)
		}
		return writes
	}
	if got := allocate(ids[0], ids[1]); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("%v", got)
	}
	if got := allocate(ids[1], ids[2]); !slices.Equal(got, []int64{2, 3}) {
		t.Errorf("%v", got)
	}
	before, err := c.GetOpenTxns(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CommitTxn(ctx, &hive.CommitTxnRequest{Txnid: ids[0]}); err != nil {
		t.Fatal(err)
	}
	if err := c.AbortTxn(ctx, &hive.AbortTxnRequest{Txnid: ids[1]}); err != nil {
		t.Fatal(err)
	}
	valid := func(txns *string) *hive.TableValidWriteIds {
		t.Helper()
		r, err := c.GetValidWriteIds(ctx, &hive.GetValidWriteIdsRequest{FullTableNames: []string{"web.t"}, ValidTxnList: txns})
		if err != nil || len(r.TblValidWriteIds) != 1 {
			t.Fatalf("%v, %v", r, err)
		}
		return r.TblValidWriteIds[0]
	}
	if got := valid(nil); got.WriteIdHighWaterMark != 3 || !slices.Equal(got.InvalidWriteIds, []int64{2, 3}) || *got.MinOpenWriteId != 3 || !slices.Equal(got.AbortedBits, []byte{1}) {
		t.Errorf("%v", got)
	}
	// Who looked before the commit goes on without it.
	list := fmt.Sprintf("%d:%d:%d,%d,%d:", before.TxnHighWaterMark, ids[0], ids[0], ids[1], ids[2])
	if got := valid(&list); !slices.Equal(got.InvalidWriteIds, []int64{1, 2, 3}) {
		t.Errorf("%v", got)
	}
	most, err := c.GetMaxAllocatedTableWriteID(ctx, &hive.MaxAllocatedTableWriteIdRequest{DbName: "web", TableName: "t"})
	if err != nil || most.MaxWriteId != 3 {
		t.Errorf("%v, %v", most, err)
	}
	if err := c.SeedWriteID(ctx, &hive.SeedTableWriteIdsRequest{DbName: "web", TableName: "t", SeedWriteId: 9}); err == nil {
		t.Error("numbers that have been given out are given out again")
	}
	if err := c.SeedWriteID(ctx, &hive.SeedTableWriteIdsRequest{DbName: "web", TableName: "other", SeedWriteId: 9}); err != nil {
		t.Error(err)
	}
	err = c.ReplTblWriteidState(ctx, &hive.ReplTblWriteIdStateRequest{
		ValidWriteIdlist: "web.copy:7:6:6:4", User: "ann", HostName: "h", DbName: "web", TableName: "copy",
	})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := c.GetValidWriteIds(ctx, &hive.GetValidWriteIdsRequest{FullTableNames: []string{"web.copy"}})
	if got := copied.TblValidWriteIds[0]; err != nil || got.WriteIdHighWaterMark != 7 || !slices.Equal(got.InvalidWriteIds, []int64{4, 6}) {
		t.Errorf("%v, %v", copied, err)
	}
}

// TestOpenTxnsForAllVersions reads the answer as the generated code of Hive 2.3 and of Hive 3 does: a field of another type than
// expected is passed over.
func TestOpenTxnsForAllVersions(t *testing.T) {
	address := serve(t, hms.Config{Store: openStore(t)})
	var all []int64
	for _, version := range []struct {
		factory apache.TProtocolFactory
		want    apache.TType
	}{
		{apache.NewTBinaryProtocolFactoryConf(nil), apache.SET}, {apache.NewTBinaryProtocolFactoryConf(nil), apache.LIST},
		{apache.NewTCompactProtocolFactoryConf(nil), apache.SET}, {apache.NewTCompactProtocolFactoryConf(nil), apache.LIST},
	} {
		ctx := t.Context()
		socket := apache.NewTSocketConf(address, nil)
		must(t, socket.Open())
		p := version.factory.GetProtocol(apache.NewTBufferedTransport(socket, 4096))
		hive3 := hive.NewThriftHiveMetastoreClientProtocol(socket, p, p)
		opened, err := hive3.OpenTxns(ctx, &hive.OpenTxnRequest{NumTxns: 2, User: "u", Hostname: "h"})
		must(t, err)
		must(t, p.WriteMessageBegin(ctx, "get_open_txns", apache.CALL, 7))
		must(t, p.WriteStructBegin(ctx, "args"))
		must(t, p.WriteFieldStop(ctx))
		must(t, p.WriteStructEnd(ctx))
		must(t, p.WriteMessageEnd(ctx))
		must(t, p.Flush(ctx))
		_, _, _, err = p.ReadMessageBegin(ctx)
		must(t, err)
		var got []int64
		_, err = p.ReadStructBegin(ctx)
		must(t, err)
		_, _, _, err = p.ReadFieldBegin(ctx) // the result
		must(t, err)
		_, err = p.ReadStructBegin(ctx)
		must(t, err)
		for {
			_, typ, id, err := p.ReadFieldBegin(ctx)
			must(t, err)
			if typ == apache.STOP {
				break
			}
			if id != 2 || typ != version.want {
				must(t, p.Skip(ctx, typ))
				continue
			}
			_, n, err := map[apache.TType]func(context.Context) (apache.TType, int, error){apache.SET: p.ReadSetBegin, apache.LIST: p.ReadListBegin}[typ](ctx)
			must(t, err)
			for range n {
				v, err := p.ReadI64(ctx)
				must(t, err)
				got = append(got, v)
			}
		}
		_, stop, _, err := p.ReadFieldBegin(ctx)
		if err != nil || stop != apache.STOP {
			t.Fatalf("%v %v", stop, err)
		}
		if all = append(all, opened.TxnIds...); !slices.Equal(got, all) {
			t.Errorf("%v: got %v, want %v", version.want, got, all)
		}
		must(t, socket.Close())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
