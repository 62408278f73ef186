package hiveql_test

import (
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	s := newWorld(t).plain()
	must(t, s, "CREATE TABLE visits (who STRING, pages INT) PARTITIONED BY (`the day` STRING)")
	must(t, s, "CREATE TABLE villages (name STRING)")
	must(t, s, "CREATE DATABASE other; CREATE TABLE other.things (colour STRING)")
	cases := []struct {
		text string
		want string // the candidates, or with ... at the end those it begins with
		not  string // what is not among them
	}{
		{"SELECT * FROM vi", "view|views|villages|visits", ""},
		{"SELECT * FROM VIS", "visits", ""},
		{"SELECT * FROM visits WHERE pag", "pages", ""},
		{"SELECT * FROM visits v WHERE v.", "`the day`|pages|who", ""},
		{"SELECT * FROM visits v WHERE v.w", "who", ""},
		{"SELECT * FROM visits v JOIN villages AS w ON v.who = w.", "name", ""},
		{"SELECT * FROM visits, villages x WHERE x.n", "name", ""},
		{"SELECT * FROM other.th", "things", ""},
		{"SELECT * FROM other.things WHERE col", "collect_list(|collect_set(|collection|colour|column|columns", ""},
		{"SELECT * FROM (SELECT a FROM visits) q WHERE na", "named_struct(", "name"},
		{"USE o", "other", ""},
		{"DESCRIBE FORMATTED vis", "visits", ""},
		{"INSERT INTO vil", "villages", ""},
		{"SELECT 1; SELECT * FROM vill", "villages", ""},
		{"SELECT 'vi", "", ""},
		{"SELECT 1 -- vi", "", ""},
		{"SELECT concat_", "concat_ws(", ""},
		{"sel", "select", ""},
		{"SEL", "SELECT", ""},
		{"SELECT * FROM visits WHERE `the", "`the day`", ""},
		{"set hive.exec.comp", "hive.exec.compress.output", ""},
		{"SELECT * FROM nosuch.", "", ""},
		{"", "ABORT...", ""},
	}
	for _, c := range cases {
		got := s.Complete(t.Context(), c.text)
		all := strings.Join(got.Candidates, "|")
		want, prefix := strings.CutSuffix(c.want, "...")
		if all != want && !(prefix && strings.HasPrefix(all, want)) {
			t.Errorf("%q: %.200s, want %s", c.text, all, c.want)
		}
		if !strings.HasSuffix(c.text, got.Word) || c.not != "" && slices.Contains(got.Candidates, c.not) {
			t.Errorf("%q: the word %q, %.200s", c.text, got.Word, all)
		}
	}
}
