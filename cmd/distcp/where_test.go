package main

import (
	"testing"

	copier "github.com/skepdata/skep/copy"
)

func TestWhere(t *testing.T) {
	const none, unclear, all = copier.DirsNone, copier.DirsUnclear, copier.DirsAll
	for _, c := range []struct {
		condition, dir string
		want           copier.DirsVerdict
	}{
		{`dt >= "2024-01-01" and country = "de"`, "", unclear},
		{`dt >= "2024-01-01" and country = "de"`, "dt=2023-12-31/", none},
		{`dt >= "2024-01-01" and country = "de"`, "dt=2024-01-01/", unclear},
		{`dt >= "2024-01-01" and country = "de"`, "dt=2024-01-01/country=de/", all},
		{`dt >= "2024-01-01" and country = "de"`, "x/DT=2024-01-01/country=de/deeper/", all},
		{`dt >= "2024-01-01" and country = "de"`, "dt=2024-01-01/country=fr/", none},
		{`dt >= "2024-01-01" and country = "de"`, "country=de/", unclear},
		{`dt >= "2024-01-01" and country = "de"`, "country=fr/", none},
		{`dt = 1 or hr = 2`, "dt=1/", all},
		{`dt = 1 or hr = 2`, "dt=2/", unclear},
		{`dt = 1 or hr = 2`, "dt=2/hr=3/", none},
		{`not (dt = 1 and hr = 2)`, "dt=2/", all},
		{`hr = 3`, "hr=03/", all},
		{`hr between 9 and 11`, "hr=10/", all},
		{`hr < 10`, "hr=9/", all},
		{`hr < "x"`, "hr=10/", all},
		{`x in (1.5, 2)`, "x=1.50/", all},
		{`x in ("a/b", "c")`, "x=a%2Fb/", all},
		{`x in (1.5, 2)`, "x=1.7/", none},
		{`x > 9007199254740992`, "x=9007199254740993/", all},
		{`x in ("a/b", "c")`, "x=a/", none},
		{`dt <> "1"`, "dt=__HIVE_DEFAULT_PARTITION__/", none},
		{`dt is null`, "dt=__HIVE_DEFAULT_PARTITION__/", all},
		{`not dt = "1"`, "dt=__HIVE_DEFAULT_PARTITION__/", none},
		{`dt = "1"`, ".staging/dt=1/", none},
		{`dt = "1"`, "_tmp/", none},
		{`_d = "1"`, "_d=1/", all},
		{`true`, "", all},
		{`false`, "", none},
	} {
		w, err := parseWhere(c.condition)
		if err != nil {
			t.Fatalf("%s: %v", c.condition, err)
		}
		if got := w.verdict(c.dir); got != c.want {
			t.Errorf("%s of %q: got %d, want %d", c.condition, c.dir, got, c.want)
		}
	}
}
