package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/partitions"
)

func openStore(t *testing.T, url string) *sqlstore.Store { return openURL(t, url).(*sqlstore.Store) }

// fill puts something of every kind into a metastore.
func fill(t *testing.T, s metastore.Store) {
	t.Helper()
	ctx := metastore.WithUser(t.Context(), "zoë")
	createCounted(t, s)
	orders := metastore.TableName{Database: "sales", Name: "orders"}
	err := s.Update(ctx, func(tx metastore.Tx) error {
		var err error
		try := func(e error) {
			if err == nil {
				err = e
			}
		}
		try(tx.CreateDatabase(ctx, &metastore.Database{Name: "sales", Comment: "größer \"x\"\n", Parameters: map[string]string{"a": "<&>"}}))
		try(tx.CreateTable(ctx, &metastore.Table{
			TableName: orders, Type: metastore.External, Owner: "zoë", OwnerType: "USER",
			Storage: metastore.StorageDescriptor{
				Columns: []metastore.Column{{Name: "größe", Type: hivetype.Of(hivetype.Int)}}, Location: "s3://lake/orders",
				SerDe: metastore.SerDe{Parameters: map[string]string{"field.delim": "\x00\x01"}},
			},
			PartitionKeys: []metastore.Column{{Name: "ds", Type: hivetype.Of(hivetype.String)}},
		}))
		try(tx.CreateTable(ctx, &metastore.Table{
			TableName: metastore.TableName{Database: "sales", Name: "projected"}, Type: metastore.External,
			Storage: metastore.StorageDescriptor{
				Columns: []metastore.Column{{Name: "a", Type: hivetype.Of(hivetype.Int)}}, Location: "s3://lake/projected",
				Skewed: &metastore.Skewed{Columns: []string{"a"}, Values: [][]string{{"1"}},
					Locations: []metastore.SkewedLocation{{Values: []string{"1"}, Location: "s3://lake/one"}}},
			},
			PartitionKeys: []metastore.Column{{Name: "n", Type: hivetype.Of(hivetype.Int)}},
			Parameters:    map[string]string{"projection.enabled": "true", "projection.n.type": "integer", "projection.n.range": "1,9", "skep.generation": "x"},
		}))
		try(tx.CreateFunction(ctx, &metastore.Function{Database: "default", Name: "twice", Type: "MACRO", Text: "(x int) x * 2"}))
		try(tx.Note(ctx, orders, partitions.Values{"v 7%/é"}, map[string]string{"files": "1"}))
		try(tx.AddConstraints(ctx, metastore.TableName{Database: "sales", Name: "projected"}, []metastore.Constraint{
			{Name: "fk", Kind: metastore.ForeignKey, Columns: []string{"a"}, Parent: orders, References: []string{"größe"}},
			{Name: "ck", Kind: metastore.Check, Expression: "a > 0", Enable: true},
		}))
		try(tx.AddConstraints(ctx, orders, []metastore.Constraint{{Name: "pk", Kind: metastore.PrimaryKey, Columns: []string{"größe"}}}))
		try(tx.SetStatistics(ctx, orders, &metastore.Statistics{Columns: []metastore.ColumnStatistics{{Column: "größe", Kind: "long", Low: "1"}}}))
		for i := range 2300 {
			p := &metastore.Partition{Values: partitions.Values{fmt.Sprintf("v %d%%/é", i)}}
			p.Storage.Location = fmt.Sprintf("s3://lake/orders/ds=v %d%%25%%2Fé", i)
			if i%3 == 0 {
				p.Storage.Location = "s3://elsewhere/" + fmt.Sprint(i)
				p.Storage.Parameters = map[string]string{"n": fmt.Sprint(i % 400)}
			}
			try(tx.AddPartitions(ctx, orders, []*metastore.Partition{p}, false))
		}
		try(tx.SetStatistics(ctx, orders, &metastore.Statistics{
			Values: partitions.Values{"v 7%/é"}, Columns: []metastore.ColumnStatistics{{Column: "größe", Kind: "long", High: "9", BitVector: []byte{1}}},
		}))
		zoe := metastore.Principal{Type: metastore.UserPrincipal, Name: "zoë"}
		try(tx.CreateRole(ctx, &metastore.Role{Name: "analysts & co", Owner: "zoë"}))
		try(tx.CreateRole(ctx, &metastore.Role{Name: "a", Owner: "zoë"}))
		try(tx.GrantRole(ctx, &metastore.RoleGrant{Role: "analysts & co", To: metastore.Principal{Type: metastore.RolePrincipal, Name: "a"}, Grantor: zoe, GrantOption: true}))
		for _, on := range []metastore.Securable{
			{Kind: metastore.OnEverything}, {Kind: metastore.OnDatabase, Database: "sales"}, {Kind: metastore.OnTable, Database: "sales", Table: "orders"},
			{Kind: metastore.OnPartition, Database: "sales", Table: "orders", Values: partitions.Values{"v 7%/é"}},
			{Kind: metastore.OnColumn, Database: "sales", Table: "orders", Column: "größe"},
			{Kind: metastore.OnPartitionColumn, Database: "sales", Table: "orders", Values: partitions.Values{"v 7%/é"}, Column: "größe"},
		} {
			try(tx.GrantPrivileges(ctx, []*metastore.Privilege{
				{Name: "SELECT", On: on, To: zoe, Grantor: zoe, Authorizer: "SQL"},
				{Name: "INSERT", On: on, To: metastore.Principal{Type: metastore.RolePrincipal, Name: "a"}, Grantor: zoe, GrantOption: true},
			}))
		}
		try(tx.CreateFunction(ctx, &metastore.Function{Database: "sales", Name: "half", Class: "org.Half", Type: "JAVA"}))
		try(tx.CreateTable(ctx, &metastore.Table{
			TableName: metastore.TableName{Database: "sales", Name: "v"}, Type: metastore.View, ViewOriginalText: "select 1", ViewExpandedText: "SELECT 1",
		}))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func export(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestExportGoesRound takes a metastore from SQLite to PostgreSQL to MariaDB to SQLite, and finds the
// same bytes at each stop.
func TestExportGoesRound(t *testing.T) {
	t.Parallel()
	ds := databases()
	first := openStore(t, ds[0].url(t)(t))
	fill(t, first)
	want := export(t, first)
	if n := strings.Count(want, "\n"); n < 5000 {
		t.Fatalf("only %d lines", n)
	}
	if err := first.KeepChanges(t.Context(), 45); err != nil {
		t.Fatal(err)
	}
	want = export(t, first)
	for _, d := range []database{ds[1], ds[2], ds[0]} {
		s := openStore(t, d.url(t)(t))
		n, err := s.Import(t.Context(), strings.NewReader(want))
		if err != nil || n.Partitions != 2300 {
			t.Fatalf("%s: %+v, %v", d.name, n, err)
		}
		if got := export(t, s); got != want {
			at := 0
			for at < len(got) && got[at] == want[at] {
				at++
			}
			t.Fatalf("%s: differs at byte %d: %.300s", d.name, at, got[max(0, at-80):])
		}
		if problems, err := s.Check(t.Context(), false); err != nil || len(problems) != 0 {
			t.Errorf("%s: %v, %v", d.name, problems, err)
		}
		// Work goes on where it ended.
		last, err := s.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, d.name) }); err != nil {
			t.Fatal(err)
		}
		if now, err := s.LastChange(t.Context()); err != nil || now <= last {
			t.Errorf("%s: the last change was %d and is %d, %v", d.name, last, now, err)
		}
		if _, err := s.Import(t.Context(), strings.NewReader(want)); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("%s: a second import: %v", d.name, err)
		}
	}
}

// TestImportOfOldFormat moves what older exports have in parameters.
func TestImportOfOldFormat(t *testing.T) {
	source := openStore(t, "sqlite://"+filepath.Join(t.TempDir(), "a.db"))
	name := metastore.TableName{Database: "default", Name: "t"}
	if err := source.Update(t.Context(), func(tx metastore.Tx) error {
		return tx.CreateTable(t.Context(), &metastore.Table{
			TableName: name, Type: metastore.External,
			Storage: metastore.StorageDescriptor{Columns: []metastore.Column{{Name: "a", Type: hivetype.Of(hivetype.Int)}}},
			Parameters: map[string]string{
				"skep.constraints":  `[{"name":"nn","kind":"NOT NULL","columns":["a"]}]`,
				"skep.column_stats": `{"a":{"num_nulls":"3"}}`,
			},
		})
	}); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, "sqlite://"+filepath.Join(t.TempDir(), "b.db"))
	if _, err := s.Import(t.Context(), strings.NewReader(oldFormat(t, export(t, source)))); err != nil {
		t.Fatal(err)
	}
	if roles, err := s.Roles(t.Context()); err != nil || len(roles) != 2 {
		t.Errorf("%v: %v", err, roles)
	}
	table, err := s.Table(t.Context(), name)
	if err != nil || len(table.Parameters) != 0 {
		t.Errorf("%v: %v", err, table.Parameters)
	}
	constraints, err := s.Constraints(t.Context(), name)
	if err != nil || len(constraints) != 1 {
		t.Errorf("%v: %v", err, constraints)
	}
	stats, err := s.TableStatistics(t.Context(), name)
	if err != nil || len(stats.Columns) != 1 || stats.Columns[0].Nulls != 3 {
		t.Errorf("%v: %+v", err, stats)
	}
}

// oldFormat is an export as it was before there were roles and privileges, and details of their own.
func oldFormat(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, `{"role`) && !strings.HasPrefix(line, `{"privilege`) {
			b.WriteString(line)
		}
	}
	old := strings.NewReplacer(`"format":3`, `"format":1`, `,"roles":2,"privileges":1`, "").Replace(b.String())
	if strings.Contains(old, "privileges") {
		t.Fatalf("this is not old: %s", old)
	}
	return old
}

func TestImportRefuses(t *testing.T) {
	source := openStore(t, "sqlite://"+filepath.Join(t.TempDir(), "a.db"))
	createCounted(t, source)
	good := export(t, source)
	lines := strings.SplitAfter(good, "\n")
	for want, text := range map[string]string{
		"ends early":         strings.Join(lines[:len(lines)-2], ""),
		"lines are missing":  lines[0] + strings.Join(lines[2:], ""),
		"no export":          "{}\n",
		"use a newer skep":   strings.Replace(good, `"format":3`, `"format":99`, 1),
		"or one of a newer":  strings.Replace(good, `"keep_days"`, `"keep_weeks"`, 1),
		"something after":    good + lines[1],
		"already exists":     strings.Replace(good, lines[len(lines)-2], lines[2]+lines[len(lines)-2], 1),
		"is no export, or o": "hello",
	} {
		s := openStore(t, "sqlite://"+filepath.Join(t.TempDir(), "b.db"))
		if _, err := s.Import(t.Context(), strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one that says %q", err, want)
		}
		if names, err := s.Tables(t.Context(), "default", ""); err != nil || len(names) != 0 {
			t.Errorf("%s: left %v, %v", want, names, err)
		}
	}
}

// TestCheckFinds breaks a metastore in every way that Check knows.
func TestCheckFinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	s := openStore(t, "sqlite://"+path)
	createCounted(t, s)
	if err := s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, "x") }); err != nil {
		t.Fatal(err)
	}
	if problems, err := s.Check(t.Context(), false); err != nil || len(problems) != 0 {
		t.Fatalf("got %v, %v", problems, err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range []string{
		`INSERT INTO partitions SELECT 99, name, k0, k1, k2, k3, descriptor_id, location, parameters, created FROM partitions LIMIT 1`,
		`UPDATE partitions SET name = 'who=x/i=1/j=2' WHERE name = 'who=x/i=1' AND table_id <> 99`,
		`UPDATE partitions SET name = 'who=x/i=two' WHERE name = 'who=x/i=2' AND table_id <> 99`,
		`UPDATE partitions SET k1 = 'zzz' WHERE name = 'who=x/i=3' AND table_id <> 99`,
		`UPDATE partitions SET descriptor_id = 12345 WHERE name = 'who=x/i=4' AND table_id <> 99`,
		`INSERT INTO functions VALUES (77, 'f', '{}')`,
		`INSERT INTO table_constraints VALUES (77, 'c', '', '', '{}')`,
		`INSERT INTO column_stats VALUES (77, '', 'c', '{}')`,
		`INSERT INTO locks VALUES (500, 1, '{}')`,
		`INSERT INTO privileges VALUES (300, 'TABLE', 0, 77, '', '', 'USER', 'u', '', '{}')`,
		`INSERT INTO privileges SELECT 301, 'PARTITION', 0, id, 'gone=1', '', 'USER', 'u', '', '{}' FROM tables`,
		`INSERT INTO privileges VALUES (302, 'GLOBAL', 0, 0, '', '', 'ROLE', 'gone', '', '{}')`,
		`INSERT INTO role_grants VALUES ('gone', 'USER', 'u', '{}')`,
		`UPDATE store SET last_change = 0`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var all strings.Builder
	problems, err := s.Check(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Do == "" {
			t.Errorf("nobody says what to do about %+v", p)
		}
		fmt.Fprintf(&all, "%s: %s\n", p.Object, p.What)
	}
	for _, want := range []string{
		"partitions: 1 rows: partitions of a table that does not exist",
		"has 3 parts, but there are 2 partition keys", `"two" is not a valid int`, "i=3: its key 2 is kept under another value",
		"i=4: its storage descriptor is missing", "functions: 1 rows", "table_constraints: 1 rows", "column_stats: 1 rows",
		"next_id is", "last_change is 0",
		"1 rows: privileges on a database or table", "1 rows: privileges on a partition", "1 rows: privileges of a role", "role_grants: 1 rows", "1 locks have expired",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("nothing says %q:\n%s", want, all.String())
		}
	}
	again, err := s.Check(context.Background(), false)
	if err != nil || len(again) != len(problems)-10 {
		t.Errorf("after the repair: %v, %v", again, err)
	}
}

func TestChangesAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	s := openStore(t, "sqlite://"+path)
	createCounted(t, s)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	old := time.Now().AddDate(0, 0, -10).UnixMicro()
	if _, err := db.ExecContext(t.Context(), `UPDATE changes SET at = ?`, old); err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]int64{20: 1, 0: 1} {
		if err := s.KeepChanges(t.Context(), days); err != nil {
			t.Fatal(err)
		}
		if i, err := s.Info(t.Context()); err != nil || i.Counts.Changes != want || i.KeepDays != int64(days) {
			t.Errorf("%d days: %+v, %v", days, i, err)
		}
	}
	if err := s.KeepChanges(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if i, err := s.Info(t.Context()); err != nil || i.Counts.Changes != 0 || i.LastChange != 1 {
		t.Errorf("got %+v, %v", i, err)
	}
}
