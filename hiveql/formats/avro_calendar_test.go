package formats_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// TestAvroCalendars reads the day 1012-02-27, which is 1012-02-21 in the Julian calendar, and an instant of it out of files
// that say differently in which calendar they are.
func TestAvroCalendars(t *testing.T) {
	schema := avro.MustParse(`{"type":"record","name":"r","fields":[{"name":"d","type":{"type":"int","logicalType":"date"}},
		{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}}]}`)
	at := time.Date(1012, 2, 27, 15, 8, 9, 123e6, time.UTC)
	angeles, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	const old, now, clock = "1012-02-21 | 1012-02-21T07:08:09.123Z\n", "1012-02-27 | 1012-02-27T07:15:11.123Z\n", "1012-02-27 | 1012-02-27T15:08:09.123Z\n"
	for _, c := range []struct {
		notes map[string]string
		spec  func(*formats.Spec)
		want  string
	}{
		{nil, nil, old},
		{map[string]string{"writer.proleptic": "false", "writer.time.zone": "America/Los_Angeles"}, nil, old},
		{map[string]string{"writer.proleptic": "true"}, nil, now},
		{map[string]string{"writer.date.proleptic": "true"}, nil, now},
		{map[string]string{"writer.time.zone": "America/Los_Angeles"}, nil, now},
		{map[string]string{"writer.time.zone": "UTC"}, nil, clock},
		{map[string]string{"org.apache.spark.version": "3.5"}, nil, now},
		{nil, func(s *formats.Spec) { s.AvroProleptic = true }, now},
		{nil, func(s *formats.Spec) { s.AvroProleptic, s.AvroClocks = true, true }, clock},
	} {
		notes := map[string][]byte{}
		for k, v := range c.notes {
			notes[k] = []byte(v)
		}
		var out bytes.Buffer
		w, err := ocf.NewWriter(&out, schema, ocf.WithMetadata(notes))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Encode(map[string]any{"d": at, "t": at}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		tab := table{spec: avroSpec(nil), projection: []int{0, 1}, fields: []formats.Field{
			{Name: "d", Type: hivetype.Of(hivetype.Date)}, {Name: "t", Type: hivetype.Of(hivetype.Timestamp)}}}
		if tab.spec.Zone = angeles; c.spec != nil {
			c.spec(&tab.spec)
		}
		if got := readAll(t, tab, out.String()); got != c.want {
			t.Errorf("%v: %q, not %q", c.notes, got, c.want)
		}
	}
}
