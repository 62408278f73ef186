package thrift

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

type sharedPart struct {
	Names []string `thrift:"1"`
	Count int32    `thrift:"6"`
	Flag  bool     `thrift:"20"`
}

type sharing struct {
	Common *Shared
	Place  string `thrift:"2,omitempty"`
	Late   int64  `thrift:"21"`
}

type shared struct {
	Names []string `thrift:"1"`
	Place string   `thrift:"2,omitempty"`
	Count int32    `thrift:"6"`
	Flag  bool     `thrift:"20"`
	Late  int64    `thrift:"21"`
}

// TestShared writes structs that have fields in common, each protocol in turn, and reads them as if they had none.
func TestShared(t *testing.T) {
	part := &sharedPart{Names: []string{strings.Repeat("x", 100), "y"}, Count: 7, Flag: true}
	common := Share(part)
	for _, proto := range []Protocol{Binary, Compact, Binary} {
		for _, place := range []string{"", "here"} {
			data, err := Marshal(&sharing{common, place, 3}, proto)
			if err != nil {
				t.Fatal(err)
			}
			var got shared
			if err := Unmarshal(data, &got, proto, Limits{}); err != nil {
				t.Fatal(err)
			}
			if got.Place != place || got.Count != 7 || !got.Flag || got.Late != 3 || len(got.Names) != 2 || got.Names[0] != part.Names[0] {
				t.Errorf("%s: got %+v", proto, got)
			}
		}
	}
}

// TestSharedSpool sends a list whose elements share most of their bytes, as many as fit into memory and more, and
// compares it with the same list without sharing.
func TestSharedSpool(t *testing.T) {
	for _, proto := range []Protocol{Binary, Compact} {
		for _, n := range []int{0, 1, 1000, 300_000} {
			c := &call{proto: proto}
			ctx := context.WithValue(t.Context(), callKey{}, c)
			spool := NewSpool[*sharing](ctx)
			var want struct {
				List []shared `thrift:"1"`
			}
			want.List = []shared{}
			part := &sharedPart{Names: []string{strings.Repeat("x", 100)}}
			common := Share(part)
			for i := range n {
				if i%1000 == 999 {
					part = &sharedPart{Names: []string{strings.Repeat("z", i%70)}, Count: int32(i)}
					common = Share(part)
				}
				if err := spool.Add(&sharing{common, "", int64(i)}); err != nil {
					t.Fatal(err)
				}
				want.List = append(want.List, shared{Names: part.Names, Count: part.Count, Late: int64(i)})
			}
			var out bytes.Buffer
			e := &encoder{proto: proto, sink: &out}
			e.any(&struct {
				List *Spool `thrift:"1"`
			}{spool})
			e.flush()
			if e.err != nil {
				t.Fatal(e.err)
			}
			if large := n == 300_000; large != (spool.file != nil) {
				t.Errorf("%s, %d: is it in a file? %v", proto, n, spool.file != nil)
			}
			for _, s := range c.spools {
				s.close()
			}
			expected, err := Marshal(&want, proto)
			if err != nil {
				t.Fatal(err)
			}
			if int64(out.Len())-spool.size > 16 || len(expected) != out.Len() {
				t.Errorf("%s, %d: %d bytes were sent, %d counted, %d expected", proto, n, out.Len(), spool.size, len(expected))
			}
			var got struct {
				List []shared `thrift:"1"`
			}
			d := newDecoder(&out, proto, Limits{})
			d.any(&got)
			if d.err != nil && !errors.Is(d.err, io.EOF) {
				t.Fatal(d.err)
			}
			for i := range got.List {
				if g, w := got.List[i], want.List[i]; g.Late != w.Late || g.Count != w.Count || g.Names[0] != w.Names[0] {
					t.Fatalf("%s: %d is %+v, not %+v", proto, i, g, w)
				}
			}
			if len(got.List) != n {
				t.Errorf("%s: %d of %d", proto, len(got.List), n)
			}
		}
	}
}
