package metastoretest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

var errStop = errors.New("stop")

var updateTests = []contract{
	{"the error of fn is returned as it is, and nothing is kept", func(t *testing.T, s suite) {
		err := s.store.Update(s.ctx, func(tx metastore.Tx) error {
			if err := tx.CreateTable(s.ctx, fullTable(t)); err != nil {
				return err
			}
			if err := tx.CreateDatabase(s.ctx, &metastore.Database{Name: "d"}); err != nil {
				return err
			}
			return errStop
		})
		if err != errStop { //nolint:errorlint // as it is, not wrapped
			t.Fatalf("got %v", err)
		}
		_, err = s.store.Table(s.ctx, t1)
		is(t, err, metastore.ErrNoSuchTable)
		names(t, s, "", "default")
	}, Transactions},
	{"a panic of fn keeps nothing and leaves the store usable", func(t *testing.T, s suite) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic got lost")
				}
			}()
			_ = s.store.Update(s.ctx, func(tx metastore.Tx) error {
				if err := tx.CreateTable(s.ctx, fullTable(t)); err != nil {
					return err
				}
				panic("on purpose")
			})
		}()
		s.createTable(t1)
	}, Transactions},
	{"reads in a transaction see its own writes, others do not until it commits", func(t *testing.T, s suite) {
		s.update(func(tx metastore.Tx) error {
			if err := tx.CreateTable(s.ctx, fullTable(t)); err != nil {
				return err
			}
			if err := tx.AddPartitions(s.ctx, t1, parts(partitions.Values{"x", "1"}), false); err != nil {
				return err
			}
			if _, err := tx.Table(s.ctx, t1); err != nil {
				return err
			}
			if vs := s.values(tx, t1, filter(t, "hr = 1")); len(vs) != 1 {
				t.Errorf("the transaction sees %v", vs)
			}
			if _, err := tx.Partition(s.ctx, t1, partitions.Values{"x", "1"}); err != nil {
				return err
			}
			_, err := s.store.Table(s.ctx, t1)
			is(t, err, metastore.ErrNoSuchTable)
			return nil
		})
		if vs := s.values(s.store, t1, nil); len(vs) != 1 {
			t.Fatalf("after the commit: %v", vs)
		}
	}, Transactions},
	{"a call that fails changes nothing, and the transaction goes on", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		s.update(func(tx metastore.Tx) error {
			err := tx.AddPartitions(s.ctx, t1, parts(partitions.Values{"1"}, partitions.Values{"1"}), false)
			is(t, err, metastore.ErrExists)
			return tx.AddPartitions(s.ctx, t1, parts(partitions.Values{"2"}), false)
		})
		if got := fmt.Sprint(s.values(s.store, t1, nil)); got != "[[2]]" {
			t.Fatalf("got %s", got)
		}
	}, 0},
	{"partitions can be dropped while a transaction iterates over them", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		var vs []partitions.Values
		for i := range 300 {
			vs = append(vs, partitions.Values{strconv.Itoa(i)})
		}
		s.add(t1, vs...)
		s.update(func(tx metastore.Tx) error {
			for p, err := range tx.Partitions(s.ctx, t1, filter(t, "n < 200")) {
				if err != nil {
					return err
				}
				if err := tx.DropPartitions(s.ctx, t1, p.Values); err != nil {
					return err
				}
			}
			return nil
		})
		if vs := s.values(s.store, t1, nil); len(vs) != 100 {
			t.Fatalf("%d are left", len(vs))
		}
	}, 0},
	{"concurrent transactions happen one after the other", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		const workers, rounds = 8, 15
		wait := s.incrementAtOnce(workers, rounds)
		// Readers meanwhile must see as many partitions as the counter says, give or take nothing.
		for range 20 {
			n := 0
			before := counter(t, s.table(t1))
			for _, err := range s.store.Partitions(s.ctx, t1, nil) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if after := counter(t, s.table(t1)); n < before || n > after {
				t.Errorf("%d partitions while the counter went from %d to %d", n, before, after)
			}
		}
		wait()
		if got := counter(t, s.table(t1)); got != workers*rounds {
			t.Fatalf("the counter is %d: updates were lost", got)
		}
		if vs := s.values(s.store, t1, nil); len(vs) != workers*rounds {
			t.Fatalf("%d partitions", len(vs))
		}
	}, Transactions},
	{"updates of many writers are all kept", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		const workers, rounds = 4, 6
		s.incrementAtOnce(workers, rounds)()
		if got, n := counter(t, s.table(t1)), len(s.values(s.store, t1, nil)); got != workers*rounds || n != got {
			t.Fatalf("the counter is %d, and there are %d partitions: updates were lost", got, n)
		}
	}, 0},
	{"a conflict by version is seen by the one who comes second", func(t *testing.T, s suite) {
		s.createTable(t1)
		const workers = 6
		read := s.table(t1)
		var wg sync.WaitGroup
		errs := make([]error, workers)
		for w := range workers {
			wg.Go(func() {
				errs[w] = s.store.Update(s.ctx, func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, read) })
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			is(t, err, metastore.ErrConflict)
		}
		if won != 1 {
			t.Fatalf("%d of %d succeeded", won, workers)
		}
	}, 0},
	{"a cancelled context ends the wait for a transaction", func(t *testing.T, s suite) {
		inside, release := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			s.update(func(metastore.Tx) error {
				close(inside)
				<-release
				return nil
			})
		})
		<-inside
		ctx, cancel := context.WithCancel(s.ctx)
		result := make(chan error, 1)
		wg.Go(func() {
			result <- s.store.Update(ctx, func(metastore.Tx) error {
				t.Error("two transactions at once")
				return nil
			})
		})
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
		wg.Wait()
	}, 0},
	{"a context cancelled inside a transaction keeps nothing, and the store stays usable", func(t *testing.T, s suite) {
		ctx, cancel := context.WithCancel(s.ctx)
		err := s.store.Update(ctx, func(tx metastore.Tx) error {
			if err := tx.CreateTable(ctx, fullTable(t)); err != nil {
				return err
			}
			cancel()
			return nil // it does not notice
		})
		if err == nil {
			t.Fatal("a cancelled transaction was committed")
		}
		_, err = s.store.Table(s.ctx, t1)
		is(t, err, metastore.ErrNoSuchTable)
		s.createTable(t1)
	}, Transactions},
	{"Close is idempotent, and nothing works after it", func(t *testing.T, s suite) {
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Databases(s.ctx, ""); err == nil {
			t.Fatal("reading works after Close")
		}
		if err := s.store.Update(s.ctx, func(metastore.Tx) error { return nil }); err == nil {
			t.Fatal("Update works after Close")
		}
	}, 0},
}

// incrementAtOnce lets many writers increment at the same time, and returns what waits for them.
func (s suite) incrementAtOnce(workers, rounds int) (wait func()) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				err := s.store.Update(s.ctx, func(tx metastore.Tx) error {
					return increment(s.ctx, tx, t1, partitions.Values{strconv.Itoa(w*rounds + i)})
				})
				if err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	return wg.Wait
}

// increment adds a partition and one to a counter among the table's parameters, in one
// transaction: the two must always agree.
func increment(ctx context.Context, tx metastore.Tx, name metastore.TableName, v partitions.Values) error {
	table, err := tx.Table(ctx, name)
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(table.Parameters["n"])
	table.Parameters["n"] = strconv.Itoa(n + 1)
	if err := tx.AlterTable(ctx, name, table); err != nil {
		return err
	}
	return tx.AddPartitions(ctx, name, parts(v), false)
}

func counter(t testing.TB, table *metastore.Table) int {
	t.Helper()
	text, ok := table.Parameters["n"]
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
