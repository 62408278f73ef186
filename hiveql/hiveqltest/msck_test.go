package hiveqltest_test

import (
	"strings"
	"testing"

	"github.com/skepdata/skep/hivetype"
)

// TestMsckEmptyDirectories: on local disks a directory is a partition also when nothing is in it.
func TestMsckEmptyDirectories(t *testing.T) {
	dir := t.TempDir()
	session := target(t, executor(t), "file://"+dir, map[string]string{}).Engine.NewSession()
	defer func() {
		if err := session.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	run := func(sql string) string {
		t.Helper()
		var lines []string
		for r, err := range session.Execute(t.Context(), sql) {
			if err != nil {
				t.Fatal(err)
			}
			for r.Rows != nil && r.Rows.Next() {
				lines = append(lines, string(hivetype.AppendText(nil, r.Rows.Row()[0], r.Rows.Columns()[0].Type)))
			}
		}
		return strings.Join(lines, "|")
	}
	at := "file://" + dir + "/t"
	run("CREATE TABLE t (a INT) PARTITIONED BY (y INT, m STRING)")
	run("dfs -mkdir -p " + at + "/y=1/m=a/below; dfs -mkdir " + at + "/y=1/m=b " + at + "/y=2 " + at + "/_tmp/m=c; dfs -test -d " + at + "/y=2")
	run("dfs -mkdir file://" + dir + "/elsewhere; ALTER TABLE t ADD PARTITION (y=9, m='x') LOCATION 'file://" + dir + "/elsewhere'")
	if got := run("MSCK REPAIR TABLE t SYNC PARTITIONS; SHOW PARTITIONS t"); !strings.HasSuffix(got, "|y=1/m=a|y=1/m=b|y=9/m=x") {
		t.Errorf("partitions: %s", got)
	}
	run("dfs -rmdir " + at + "/y=1/m=b file://" + dir + "/elsewhere")
	if got := run("MSCK REPAIR TABLE t SYNC PARTITIONS; SHOW PARTITIONS t; SELECT count(*) FROM t"); !strings.HasSuffix(got, "m=b|y=1/m=a|0") {
		t.Errorf("partitions: %s", got)
	}
	run("INSERT INTO t PARTITION (y=3, m='c') VALUES (1); ALTER TABLE t DROP PARTITION (y=3, m='c')")
	if got := run("MSCK TABLE t"); got != "" {
		t.Errorf("a partition that was dropped is still found: %s", got)
	}
}
