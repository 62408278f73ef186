package hms_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/metastore/metastoretest"
)

const remoteLacks = metastoretest.Transactions | metastoretest.Snapshots | metastoretest.Microseconds | metastoretest.Log |
	metastoretest.LockTable | metastoretest.LooseStatistics | metastoretest.NoOwnerType

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
	_, locks := r.Locks(ctx)
	_, last := r.LastChange(ctx)
	var changes error
	for _, err := range r.Changes(ctx, 0) {
		changes = err
	}
	macro := r.Update(ctx, func(tx metastore.Tx) error {
		return tx.CreateFunction(ctx, &metastore.Function{Database: "default", Name: "m", Type: "MACRO", Text: "(x int) x"})
	})
	for what, err := range map[string]error{"the list of locks": locks, "the change log": errors.Join(last, changes), "a macro": macro} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
