package hiveql

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
)

func TestWriteIDs(t *testing.T) {
	id := newWriteID(0x2a)
	for name, want := range map[string]string{
		"000000_0_" + id:              id,
		"ds=1/000000_0_" + id + ".gz": id,
		"part_" + id + ".c000.snappy": id,
		"000000_0":                    "",
		"notes_0123456789abcdeg":      "",
		"dir_" + id + "/file":         "",
		"x_" + id + "_copy":           "",
	} {
		got, version := idOf(name)
		if got != want || want != "" && version != 0x2a {
			t.Errorf("idOf(%q) = %q, %d", name, got, version)
		}
	}
	for base, want := range map[string]string{
		"kv1.txt":                           "kv1_" + id + ".txt",
		"a.csv.gz":                          "a_" + id + ".csv.gz",
		"noext":                             "noext_" + id,
		".hidden.txt":                       ".hidden_" + id + ".txt",
		loadName("x.txt", newWriteID(7), 0): "x_" + id + ".txt", // what came from another table
	} {
		got := loadName(base, id, 0)
		if got != want {
			t.Errorf("loadName(%q) = %q, want %q", base, got, want)
		}
		if found, _ := idOf(got); found != id {
			t.Errorf("%q has no id", got)
		}
	}
}

func TestOwners(t *testing.T) {
	me := thisProcess()
	back, ok := parseOwner(me.String())
	if !ok || back != me {
		t.Errorf("%q parses as %+v, %v", me, back, ok)
	}
	if me.dead() {
		t.Error("this process is dead")
	}
	if me.start != "" {
		reused := me
		reused.start = "1"
		if !reused.dead() {
			t.Error("an older process with our number is alive")
		}
	}
	gone := me
	gone.pid = 1 << 30
	if !gone.dead() {
		t.Error("a process that never was is alive")
	}
	if me.boot != "" {
		rebooted := me
		rebooted.boot = "another"
		if !rebooted.dead() {
			t.Error("a process of before the machine was started is alive")
		}
		rebooted.life.token = "t" // which may be one of another machine of the name
		if rebooted.dead() {
			t.Error("a process of a machine of our name is dead")
		}
	}
	lives := me
	lives.start, lives.life = "", life{"token", time.UnixMilli(1_700_000_000_123), 5 * time.Minute}
	if back, ok := parseOwner(lives.String()); !ok || !back.life.since.Equal(lives.life.since) || back.life.term != lives.life.term ||
		back.life.token != "token" || back.start != "" || back.boot != me.boot {
		t.Errorf("%q parses as %+v, %v", lives, back, ok)
	}
	if old, ok := parseOwner("host/pid:[1] 12 345"); !ok || old != (owner{place: "host/pid:[1]", pid: 12, start: "345"}) {
		t.Errorf("an owner of an older version: %+v, %v", old, ok)
	}
	elsewhere := gone
	elsewhere.place = "otherhost/pid:[1]"
	if elsewhere.dead() {
		t.Error("a process on another machine is dead")
	}
	if parent := os.Getppid(); parent > 1 {
		p := owner{place: me.place, pid: parent, start: startOf(parent)}
		if p.dead() {
			t.Error("the parent is dead")
		}
	}
}

func TestReport(t *testing.T) {
	e := &Error{Phase: Analysis, Code: 10001, Pos: syntax.Pos{Offset: 14, Line: 1, Col: 15}, Msg: "Table not found 'x'",
		Hint: "did you mean 'y'?", Source: "SELECT * FROM x"}
	want := strings.Join([]string{
		"FAILED: SemanticException [Error 10001]: Line 1:14 Table not found 'x'",
		"SELECT * FROM x", "              ^", "HINT: did you mean 'y'?",
	}, "\n")
	if got := e.Report(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	e = &Error{Phase: Execution, Code: 2, Task: queryTask, Msg: "two\nlines"}
	if got := e.Report(); strings.Contains(got, "\n") {
		t.Errorf("the report of one error has several lines: %q", got)
	}
}
