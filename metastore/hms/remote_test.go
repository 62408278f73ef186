package hms_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/metastore/metastoretest"
	"github.com/skepdata/skep/partitions"
)

const remoteLacks = metastoretest.Transactions | metastoretest.Snapshots | metastoretest.Microseconds | metastoretest.Log |
	metastoretest.TxnTable | metastoretest.LooseStatistics | metastoretest.NoOwnerType | metastoretest.RoleOwners

// TestRemote runs the contract of a metastore through the protocol.
func TestRemote(t *testing.T) {
	metastoretest.Run(t, metastoretest.Config{
		New:   func(t testing.TB) metastore.Store { return remote(t, openStore(t)) },
		Lacks: remoteLacks,
	})
}

// remote serves a store and connects to it.
func remote(t testing.TB, store metastore.Store) *hms.Remote {
	t.Helper()
	r, err := hms.Open(t.Context(), "thrift://"+serve(t, hms.Config{Store: store}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestRemoteHidden shows hidden parameters to a Remote as they are in the store, and to nobody else.
func TestRemoteHidden(t *testing.T) {
	store := openStore(t)
	r := remote(t, store)
	name := metastore.TableName{Database: "default", Name: "t"}
	err := r.Update(t.Context(), func(tx metastore.Tx) error {
		return tx.CreateTable(t.Context(), &metastore.Table{
			TableName: name, Type: metastore.Managed, Parameters: map[string]string{"skep.write.1": "writing", "skep.generation": "1", "skep.x": "y", "k": "v"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for which, s := range map[string]metastore.Store{"the store": store, "the remote": r} {
		got, err := s.Table(t.Context(), name)
		if err != nil || got.Parameters["skep.write.1"] != "writing" || got.Parameters["k"] != "v" || len(got.Parameters) != 4 || got.Version != 1 {
			t.Errorf("%s has %+v, %v", which, got, err)
		}
	}
	shown, err := gohive(t, strings.TrimPrefix(addressOf(t, store), "thrift://")).GetTable(t.Context(), "default", "t")
	if err != nil || shown.Parameters["k"] != "v" || len(shown.Parameters) != 1 {
		t.Errorf("others see %v, %v", shown.GetParameters(), err)
	}
}

func addressOf(t testing.TB, store metastore.Store) string { return serve(t, hms.Config{Store: store}) }

// TestRemoteUnsupported: what the protocol does not carry is refused by name.
func TestRemoteUnsupported(t *testing.T) {
	r := remote(t, openStore(t))
	ctx := t.Context()
	_, last := r.LastChange(ctx)
	var changes error
	for _, err := range r.Changes(ctx, 0) {
		changes = err
	}
	macro := r.Update(ctx, func(tx metastore.Tx) error {
		return tx.CreateFunction(ctx, &metastore.Function{Database: "default", Name: "m", Type: "MACRO", Text: "(x int) x"})
	})
	for what, err := range map[string]error{"the change log": errors.Join(last, changes), "a macro": macro} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestRemoteStatistics: those of many partitions take few calls.
func TestRemoteStatistics(t *testing.T) {
	store := openStore(t)
	var calls atomic.Int32
	r, err := hms.Open(t.Context(), "thrift://"+observed(t, hms.Config{Store: store}, func(thrift.Info) { calls.Add(1) }))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const n = 1100
	table := &metastore.Table{
		TableName: metastore.TableName{Database: "default", Name: "t"}, Type: metastore.External,
		Storage:       metastore.StorageDescriptor{Columns: []metastore.Column{{Name: "a", Type: hivetype.Of(hivetype.Int)}}},
		PartitionKeys: []metastore.Column{{Name: "n", Type: hivetype.Of(hivetype.Int)}},
	}
	var parts []*metastore.Partition
	all := []*metastore.Statistics{{Columns: []metastore.ColumnStatistics{{Column: "a", Type: "int", Kind: "long", Distinct: 77}}}}
	for i := range n {
		v := partitions.Values{fmt.Sprint(i)}
		parts = append(parts, &metastore.Partition{Values: v})
		all = append(all, &metastore.Statistics{Values: v, Columns: []metastore.ColumnStatistics{{Column: "a", Type: "int", Kind: "long", Distinct: int64(i)}}})
	}
	err = store.Update(t.Context(), func(tx metastore.Tx) error {
		return errors.Join(tx.CreateTable(t.Context(), table), tx.AddPartitions(t.Context(), table.TableName, parts, false))
	})
	if err != nil {
		t.Fatal(err)
	}
	set := func(all ...*metastore.Statistics) error {
		return r.Update(t.Context(), func(tx metastore.Tx) error { return tx.SetStatistics(t.Context(), table.TableName, all...) })
	}
	calls.Store(0)
	if err := set(all...); err != nil {
		t.Fatal(err)
	}
	if got := calls.Load(); got > 12 {
		t.Errorf("%d calls", got)
	}
	seen := 0
	for s, err := range store.Statistics(t.Context(), table.TableName, nil) {
		if err != nil || s.Columns[0].Distinct != 77 && fmt.Sprint(s.Columns[0].Distinct) != s.Values[0] {
			t.Fatalf("%+v, %v", s, err)
		}
		seen++
	}
	if of, err := store.TableStatistics(t.Context(), table.TableName); err != nil || of.Columns[0].Distinct != 77 || seen != n {
		t.Errorf("%d partitions, and the table has %+v, %v", seen, of, err)
	}
	if err := set(all[1], all[1]); !errors.Is(err, metastore.ErrInvalid) {
		t.Errorf("twice the same: %v", err)
	}
	if err := set(&metastore.Statistics{Values: partitions.Values{"-1"}, Columns: all[0].Columns}); !errors.Is(err, metastore.ErrNoSuchPartition) {
		t.Errorf("a partition that is not there: %v", err)
	}
}
