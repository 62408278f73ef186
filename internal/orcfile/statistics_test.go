package orcfile

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func integers(least, most, sum int64) Message {
	return Message(nil).Number(1, 1).Bytes(2, Message(nil).Signed(1, least).Signed(2, most).Signed(3, sum)).Number(10, 0)
}

func text(least, most string, sum int64, fields ...protowire.Number) Message {
	m := Message(nil).Bytes(fields[0], []byte(least)).Bytes(fields[1], []byte(most)).Signed(3, sum)
	return Message(nil).Number(1, 1).Bytes(4, m).Number(10, 0)
}

func decimalsOf(least, most, sum string) Message {
	return Message(nil).Number(1, 1).Bytes(6, Message(nil).Bytes(1, []byte(least)).Bytes(2, []byte(most)).Bytes(3, []byte(sum)))
}

func doublesOf(least, most, sum float64) Message {
	return Message(nil).Number(1, 1).Bytes(3, Message(nil).Double(1, least).Double(2, most).Double(3, sum)).Number(10, 0)
}

// TestStatistics puts parts together in both orders.
func TestStatistics(t *testing.T) {
	nulls := Message(nil).Number(1, 0).Number(10, 1)
	instants := func(least, most int64, nanos ...uint64) Message {
		m := Message(nil).Signed(3, least).Signed(4, most)
		for i, n := range nanos {
			m = m.Number(protowire.Number(5+i), n)
		}
		return Message(nil).Number(1, 1).Bytes(9, m).Number(10, 0)
	}
	collection := Message(nil).Number(1, 2).Bytes(12, Message(nil).Number(1, 3).Number(2, 4).Number(3, 7)).Number(11, 50)
	days := Message(nil).Number(1, 2).Bytes(7, Message(nil).Signed(1, -3).Signed(2, 4)).Number(10, 0)
	for name, c := range map[string]struct {
		parts []Message
		want  string
	}{
		"integers":          {[]Message{integers(1, 5, 6), integers(-2, 3, 1)}, "1:2 2:{1:3 2:10 3:14} 10:0"},
		"sum without room":  {[]Message{integers(1, 5, math.MaxInt64), integers(2, 3, 1)}, "1:2 2:{1:2 2:10} 10:0"},
		"sum far below":     {[]Message{integers(1, 5, math.MinInt64), integers(2, 3, -1)}, "1:2 2:{1:2 2:10} 10:0"},
		"NULL":              {[]Message{integers(1, 5, 6), nulls}, "1:1 2:{1:2 2:10 3:12} 10:1"},
		"only NULL":         {[]Message{nulls, nulls}, "1:0 10:1"},
		"unknown NULL":      {[]Message{integers(1, 1, 1), Message(nil).Number(1, 0)}, "1:1 2:{1:2 2:2 3:2}"},
		"nothing of values": {[]Message{integers(1, 5, 6), Message(nil).Number(1, 7).Number(10, 0)}, "1:8 10:0"},
		"nothing at all":    {[]Message{integers(1, 5, 6), nil}, ""},
		"other kinds":       {[]Message{integers(1, 5, 6), decimalsOf("1", "2", "3")}, "1:2"},
		"doubles":           {[]Message{doublesOf(1, 2, 3), doublesOf(-1, 1.5, .5)}, fmt.Sprintf("1:2 3:{1:%d 2:%d 3:%d} 10:0", math.Float64bits(-1), math.Float64bits(2), math.Float64bits(3.5))},
		"no number":         {[]Message{doublesOf(1, 2, 3), doublesOf(math.NaN(), math.NaN(), .5)}, fmt.Sprintf("1:2 3:{3:%d} 10:0", math.Float64bits(3.5))},
		"text":              {[]Message{text("b", "c", 7, 1, 2), text("a", "bb", 5, 1, 2)}, `1:2 4:{1:"a" 2:"c" 3:24} 10:0`},
		"cut text":          {[]Message{text("b", "c", 7, 4, 5), text("bb", "d", 5, 1, 2)}, `1:2 4:{2:"d" 3:24 4:"b"} 10:0`},
		"cut at one end":    {[]Message{text("a", "c", 7, 1, 5), text("bb", "bbb", 5, 1, 2)}, `1:2 4:{1:"a" 3:24 5:"c"} 10:0`},
		"decimals":          {[]Message{decimalsOf("-1.5", "2", "0.50"), decimalsOf("-1.50001", "1.99", "-3.505")}, `1:2 6:{1:"-1.50001" 2:"2" 3:"-3.005"}`},
		"many digits":       {[]Message{decimalsOf("1", "2", strings.Repeat("9", 38)), decimalsOf("1", "2", "1")}, `1:2 6:{1:"1" 2:"2"}`},
		"digits behind":     {[]Message{decimalsOf("1", "2", strings.Repeat("9", 37)), decimalsOf("1", "2", "1.00")}, `1:2 6:{1:"1" 2:"2" 3:"1` + strings.Repeat("0", 37) + `"}`},
		"odd decimals":      {[]Message{decimalsOf("1", "2", "3"), decimalsOf("1e3", "--5", "")}, `1:2 6:{}`},
		"days":              {[]Message{days, days}, "1:4 7:{1:5 2:8} 10:0"},
		"instants":          {[]Message{instants(5, 9, 6, 9), instants(5, 9, 3, 10)}, "1:2 9:{3:10 4:18 5:3 6:10} 10:0"},
		"less of instants":  {[]Message{instants(5, 9, 6, 9), instants(5, 9)}, "1:2 9:{3:10 4:18} 10:0"},
		"collections":       {[]Message{collection, collection}, "1:4 12:{1:3 2:4 3:14} 11:100"},
		"true": {[]Message{Message(nil).Number(1, 3).Bytes(5, Message(nil).Packed(1, 2)), Message(nil).Number(1, 3).Bytes(5, Message(nil).Number(1, 1))},
			`1:6 5:{1:"\x03"}`},
	} {
		for _, order := range [][]Message{c.parts, {c.parts[1], c.parts[0]}} {
			var s Statistics
			for _, p := range order {
				if err := s.Add(p); err != nil {
					t.Fatal(err)
				}
			}
			if got := fieldsOf(s.Encoded(), true); got != c.want {
				t.Errorf("%s: got %s, want %s", name, got, c.want)
			}
		}
	}
}

// fieldsOf shows a message, and those within it.
func fieldsOf(m []byte, nested bool) string {
	var list []string
	_ = Fields(m, func(f Field) error {
		switch {
		case f.Bytes == nil:
			list = append(list, fmt.Sprintf("%d:%d", f.Number, f.N))
		case nested:
			list = append(list, fmt.Sprintf("%d:{%s}", f.Number, fieldsOf(f.Bytes, false)))
		default:
			list = append(list, fmt.Sprintf("%d:%q", f.Number, f.Bytes))
		}
		return nil
	})
	return strings.Join(list, " ")
}

// FuzzStatistics puts anything together with itself, and that with what comes of it.
func FuzzStatistics(f *testing.F) {
	f.Add([]byte(integers(1, 2, 3)))
	f.Add([]byte(text("a", "b", 3, 1, 5)))
	f.Add([]byte(decimalsOf("1.5", "2", "0.50")))
	f.Add([]byte(doublesOf(1, math.Inf(1), 3)))
	f.Fuzz(func(t *testing.T, m []byte) {
		var s Statistics
		for range 2 {
			if s.Add(m) != nil {
				return
			}
		}
		if err := s.Add(s.Encoded()); err != nil {
			t.Fatal(err)
		}
	})
}
