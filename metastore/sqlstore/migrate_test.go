package sqlstore_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
)

// rawDatabase opens a database of ours with its driver.
func rawDatabase(t testing.TB, location string) *sql.DB {
	t.Helper()
	driver, name := "pgx", location
	if path, ok := strings.CutPrefix(location, "sqlite://"); ok {
		driver, name = "sqlite", path
	}
	if rest, ok := strings.CutPrefix(location, "mysql://"); ok {
		login, place, _ := strings.Cut(rest, "@")
		cfg := mysql.NewConfig()
		cfg.User, cfg.Passwd, _ = strings.Cut(login, ":")
		cfg.Net = "tcp"
		cfg.Addr, cfg.DBName, _ = strings.Cut(place, "/")
		driver, name = "mysql", cfg.FormatDSN()
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// oldSchemas are the versions of a schema that programs have made, with the steps that make them.
func oldSchemas(t testing.TB, dialect string) map[string][]string {
	t.Helper()
	names, err := filepath.Glob("migrations/" + dialect + "/*.sql")
	if err != nil || len(names) < 3 {
		t.Fatalf("%v: %v", names, err)
	}
	slices.Sort(names)
	old := map[string][]string{}
	var steps []string
	for i, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 && dialect != "sqlite" { // what 0001 was at first
			first := string(text)
			for k := 1; k <= 3; k++ {
				first = strings.ReplaceAll(first, fmt.Sprintf("(table_id, k%d, k0", k), fmt.Sprintf("(table_id, k%d", k))
			}
			old["first 1"] = []string{first}
		}
		steps = append(steps, string(text))
		if i < len(names)-1 {
			old[fmt.Sprint(i+1)] = slices.Clone(steps)
		}
	}
	return old
}

// makeOld makes an old schema, and in it a table whose details are in parameters.
func makeOld(t testing.TB, db *sql.DB, dialect string, steps []string) {
	t.Helper()
	for _, step := range steps {
		if dialect != "mysql" {
			run(t, db, step)
			continue
		}
		for statement := range strings.SplitSeq(step, ";\n") {
			if strings.Contains(statement, "TABLE") || strings.Contains(statement, "INSERT") {
				run(t, db, statement)
			}
		}
	}
	constraints := `[{"name":"nn","kind":"NOT NULL","columns":["a"]},{"name":"ck","kind":"CHECK","text":"a > 0","disabled":true},` +
		`{"name":"fk","kind":"FOREIGN KEY","columns":["a"],"parent":"default.other","parent_columns":["b"]}]`
	stats := `{"a":{"min":"-3","max":"4","num_nulls":"1","distinct_count":"2","bit_vector":"HL"},"gone":{"min":"1"}}`
	quote := func(text string) string { return strings.ReplaceAll(text, `"`, `\"`) }
	parameters := fmt.Sprintf(`{"x":"y","skep.constraints":"%s","skep.column_stats":"%s"}`, quote(constraints), quote(stats))
	body := `{"columns":[{"name":"a","type":"int"}],"serde":{},"parameters":{"p":"q","skep.skewed":"` +
		quote(`{"columns":["a"],"values":[["1"],["2"]],"directories":true}`) + `"}}`
	ofPartition := fmt.Sprintf(`{"skep.column_stats":"%s"}`, quote(strings.ReplaceAll(stats, `"2"`, `"9"`)))
	if dialect == "mysql" { // which has escapes in texts
		parameters, body, ofPartition = strings.ReplaceAll(parameters, `\`, `\\`), strings.ReplaceAll(body, `\`, `\\`), strings.ReplaceAll(ofPartition, `\`, `\\`)
	}
	dbs, more, values := "dbs", ", owner_type", ", ''"
	base, noBase := ", base", ", ''"
	if dialect == "sqlite" && len(steps) == 1 {
		dbs, more, values, base, noBase = "databases", "", "", "", ""
	}
	run(t, db,
		`CREATE TABLE schema_version (version INTEGER NOT NULL)`, fmt.Sprintf(`INSERT INTO schema_version VALUES (%d)`, len(steps)),
		`INSERT INTO `+dbs+` (id, name, comment, location, owner, parameters, created`+more+`) VALUES (1, 'default', '', '', '', '{}', 1`+values+`)`,
		`INSERT INTO tables (id, database_id, name, type, owner, created, descriptor_id, location, partition_keys, parameters, view_original, view_expanded, version`+more+`)
VALUES (2, 1, 't', 'EXTERNAL_TABLE', 'me', 1, 3, 'file:///t', '[{"name":"ds","type":"string"}]', '`+parameters+`', '', '', 5`+values+`)`,
		`INSERT INTO descriptors (id, table_id, hash, body`+base+`) VALUES (3, 2, 'h', '`+body+`'`+noBase+`)`,
		`INSERT INTO partitions (table_id, name, k0, descriptor_id, location, parameters, created) VALUES (2, 'ds=1', '1', 3, 'file:///t/ds=1', '`+ofPartition+`', 1)`,
	)
	if dialect != "sqlite" || len(steps) > 1 {
		run(t, db, `UPDATE store SET next_id = 4`)
	}
}

// TestMigrateOld brings every schema that there ever was up to date, on each database.
func TestMigrateOld(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			fresh := d.url(t)
			dialect := strings.Replace(d.name, "mariadb", "mysql", 1)
			location := fresh(t)
			want := schemaOf(t, openURL(t, location), location)
			for name, steps := range oldSchemas(t, dialect) {
				t.Run(name, func(t *testing.T) {
					location := fresh(t)
					db := rawDatabase(t, location)
					makeOld(t, db, dialect, steps)
					s := openURL(t, location)
					check := func(s metastore.Store) {
						checkRoles(t, s)
						if !strings.Contains(strings.Join(steps, ""), "migrate_details.go") { // which has not run yet
							checkMoved(t, s)
						}
					}
					check(s)
					if got := schemaOf(t, s, location); got != want {
						t.Errorf("the schema is\n%s\nwant\n%s", got, want)
					}
					// As if it had been cut off before the last step was noted.
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					run(t, db, `UPDATE schema_version SET version = version - 1`)
					again := openURL(t, location)
					check(again)
					if err := again.Update(t.Context(), func(tx metastore.Tx) error {
						return tx.CreateTable(t.Context(), &metastore.Table{
							TableName: metastore.TableName{Database: "default", Name: "new"}, Type: metastore.External,
						})
					}); err != nil {
						t.Error(err)
					}
					if found, err := again.(*sqlstore.Store).Check(t.Context(), false); err != nil || len(found) > 0 {
						t.Errorf("%v %v", found, err)
					}
				})
			}
		})
	}
}

func checkRoles(t testing.TB, s metastore.Store) {
	t.Helper()
	roles, err := s.Roles(t.Context())
	if err != nil || len(roles) != 2 || roles[0].Name != metastore.AdminRole || roles[1].Name != metastore.PublicRole {
		t.Errorf("%v: the roles are %+v", err, roles)
	}
	n := 0
	for p, err := range s.Privileges(t.Context(), metastore.PrivilegeFilter{}) {
		if n++; err != nil || n > 1 || p.Name != "All" || p.To.Name != metastore.AdminRole {
			t.Errorf("%v: a privilege is %+v", err, p)
		}
	}
	if n != 1 {
		t.Errorf("there are %d privileges", n)
	}
}

func checkMoved(t testing.TB, s metastore.Store) {
	t.Helper()
	name := metastore.TableName{Database: "default", Name: "t"}
	table, err := s.Table(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(table.Parameters, table.Storage.Parameters) != "map[x:y] map[p:q]" || table.Version != 5 {
		t.Errorf("the parameters are %v and %v", table.Parameters, table.Storage.Parameters)
	}
	if k := table.Storage.Skewed; k == nil || fmt.Sprint(*k) != "{[a] [[1] [2]] true []}" {
		t.Errorf("skewed is %+v", k)
	}
	constraints, err := s.Constraints(t.Context(), name)
	if err != nil || len(constraints) != 3 || constraints[0].Enable || constraints[0].Expression != "a > 0" ||
		constraints[1].Parent.Name != "other" || constraints[1].References[0] != "b" || !constraints[2].Enable {
		t.Errorf("%v: the constraints are %+v", err, constraints)
	}
	stats, err := s.TableStatistics(t.Context(), name)
	if err != nil || len(stats.Columns) != 1 {
		t.Fatalf("%v: the statistics are %+v", err, stats)
	}
	if c := stats.Columns[0]; c.Column != "a" || c.Kind != "long" || c.Low != "-3" || c.Nulls != 1 || c.Distinct != 2 || c.Trues != -1 {
		t.Errorf("the statistics are %+v", c)
	}
	for p, err := range s.Statistics(t.Context(), name, nil) {
		if err != nil || p.Values[0] != "1" || p.Columns[0].Distinct != 9 {
			t.Errorf("%v: the statistics of a partition are %+v", err, p)
		}
	}
	p, err := s.Partition(t.Context(), name, []string{"1"})
	if err != nil || len(p.Parameters) != 0 || p.Storage.Skewed == nil {
		t.Errorf("%v: the partition is %+v", err, p)
	}
}

// schemaOf is a text that says what columns and indexes there are.
func schemaOf(t testing.TB, _ metastore.Store, location string) string {
	t.Helper()
	query := `SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || coalesce(collation_name, '') AS line
 FROM information_schema.columns WHERE table_schema = current_schema()
 UNION ALL SELECT regexp_replace(indexdef, 's[0-9]+[.]', '') FROM pg_indexes WHERE schemaname = current_schema() ORDER BY line`
	switch {
	case strings.HasPrefix(location, "sqlite:"):
		query = `SELECT m.name || ' ' || c.name || ' ' || c.type || ' ' || c."notnull" || c.pk AS line FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'
 UNION ALL SELECT m.tbl_name || ' ' || m.name || ' ' || i.seqno || i.name FROM sqlite_master m, pragma_index_info(m.name) i WHERE m.type = 'index'
 UNION ALL SELECT tbl || ' ' || idx || ' ' || stat FROM sqlite_stat1 ORDER BY line`
	case strings.HasPrefix(location, "mysql:"):
		query = `SELECT concat(table_name, ' ', column_name, ' ', column_type, ' ', is_nullable) AS line FROM information_schema.columns WHERE table_schema = database()
 UNION ALL SELECT concat(table_name, ' ', index_name, ' ', seq_in_index, ' ', column_name) FROM information_schema.statistics WHERE table_schema = database() ORDER BY line`
	}
	rows, err := rawDatabase(t, location).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if rows.Err() != nil || len(lines) < 50 {
		t.Fatalf("%v: %d lines", rows.Err(), len(lines))
	}
	return strings.Join(lines, "\n")
}

// TestNewerSchemaIsRefused: by whatever opens it, on each database.
func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			location := d.url(t)(t)
			if err := openURL(t, location).Close(); err != nil {
				t.Fatal(err)
			}
			run(t, rawDatabase(t, location), `UPDATE schema_version SET version = version + 1`)
			if _, err := sqlstore.Open(t.Context(), location); err == nil || !strings.Contains(err.Error(), "use a newer skep") {
				t.Fatalf("got %v", err)
			}
		})
	}
}
