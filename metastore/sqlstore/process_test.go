package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/partitions"
)

// The tests of this file run the test binary again as another process, which finds what to do
// in its environment: "hammer", "forever" or "open", a file, a name and a number.
const childVariable = "SQLSTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	task := os.Getenv(childVariable)
	if task == "" {
		os.Exit(m.Run())
	}
	if err := child(strings.Split(task, "|")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var counted = metastore.TableName{Database: "default", Name: "counted"}

// child runs rounds updates, or updates until it is killed, and prints a line after each.
func child(task []string) (err error) {
	what, path, name := task[0], task[1], task[2]
	rounds, err := strconv.Atoi(task[3])
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, "sqlite://"+path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if what == "open" {
		_, err := s.Database(ctx, metastore.DefaultDatabase)
		return err
	}
	for i := 0; what == "forever" || i < rounds; i++ {
		if err := s.Update(ctx, func(tx metastore.Tx) error { return count(ctx, tx, fmt.Sprint(name, i)) }); err != nil {
			return err
		}
		if err := consistent(ctx, s); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(os.Stdout, i); err != nil {
			return err
		}
	}
	return nil
}

// batch is how many partitions a transaction adds with one step of the counter.
const batch = 20

func count(ctx context.Context, tx metastore.Tx, name string) error {
	table, err := tx.Table(ctx, counted)
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(table.Parameters["n"])
	table.Parameters["n"] = strconv.Itoa(n + 1)
	if err := tx.AlterTable(ctx, counted, table); err != nil {
		return err
	}
	for i := range batch {
		p := &metastore.Partition{Values: partitions.Values{name, strconv.Itoa(i)}}
		if err := tx.AddPartitions(ctx, counted, []*metastore.Partition{p}, false); err != nil {
			return err
		}
	}
	return nil
}

// consistent checks that every partition is there with all of its transaction.
func consistent(ctx context.Context, s metastore.Store) error {
	batches := map[string]int{}
	for p, err := range s.Partitions(ctx, counted, nil) {
		if err != nil {
			return err
		}
		batches[p.Values[0]]++
	}
	for name, n := range batches {
		if n != batch {
			return fmt.Errorf("%d of the %d partitions of %s are visible", n, batch, name)
		}
	}
	return nil
}

func counter(t *testing.T, s metastore.Store) int {
	t.Helper()
	table, err := s.Table(t.Context(), counted)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(table.Parameters["n"])
	return n
}

func partitionCount(t *testing.T, s metastore.Store) int {
	t.Helper()
	n := 0
	for _, err := range s.Partitions(t.Context(), counted, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func createCounted(t *testing.T, s metastore.Store) {
	t.Helper()
	table := &metastore.Table{TableName: counted, Type: metastore.Managed, PartitionKeys: []metastore.Column{
		{Name: "who", Type: hivetype.Of(hivetype.String)}, {Name: "i", Type: hivetype.Of(hivetype.Int)},
	}}
	if err := s.Update(t.Context(), func(tx metastore.Tx) error { return tx.CreateTable(t.Context(), table) }); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, what, path, name string, rounds int) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s|%d", childVariable, what, path, name, rounds))
	cmd.Stderr = os.Stderr
	return cmd
}

func TestProcessesDoNotLoseUpdates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	s := open(t, path)
	createCounted(t, s)
	const processes, rounds = 3, 15
	var wg sync.WaitGroup
	for i := range processes {
		cmd := start(t, "hammer", path, string(rune('a'+i)), rounds)
		wg.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		})
	}
	for i := range rounds { // this process takes part
		err := s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, fmt.Sprint("me", i)) })
		if err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	const total = (processes + 1) * rounds
	if n := counter(t, s); n != total {
		t.Errorf("the counter is %d, want %d: updates were lost", n, total)
	}
	if n := partitionCount(t, s); n != total*batch {
		t.Errorf("%d partitions, want %d", n, total*batch)
	}
}

func TestProcessesOpenANewFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "on the way?", "m #1.db")
	escaped := strings.NewReplacer("?", "%3F", "#", "%23").Replace(path)
	var wg sync.WaitGroup
	for i := range 4 {
		cmd := start(t, "open", escaped, "x", 0)
		wg.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}

func TestKilledProcessLeavesWholeTransactions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	s := open(t, path)
	createCounted(t, s)
	for round := range 4 {
		cmd := start(t, "forever", path, string(rune('a'+round)), 0)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		reported := 0
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if reported++; reported == 3+5*round {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		before := counter(t, s)
		_ = cmd.Wait() // killed
		if err := consistent(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		n := counter(t, s)
		if n < before || n < reported {
			t.Fatalf("the counter is %d after %d commits were reported", n, reported)
		}
		if parts := partitionCount(t, s); parts != n*batch {
			t.Fatalf("%d partitions with the counter at %d", parts, n)
		}
	}
	// The store is as good as before.
	if err := s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, "end") }); err != nil {
		t.Fatal(err)
	}
}
