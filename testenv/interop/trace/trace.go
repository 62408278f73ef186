// Package trace keeps what clients of a Hive Metastore and the metastore said to each other, and
// says it again to another metastore, to see whether that answers the same.
//
//	calls, err := trace.Read("spark.jsonl.gz", "/DIR", dir)
//	different, err := trace.Replay(ctx, address, calls)
//
// A file is a JSON object a line. Times are compared as times: a number of seconds that lies
// between the first and the last call is the time of the call. The package knows no method.
package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/internal/thrift"
)

// Call is a call and its answer.
type Call struct {
	Conn   int                `json:"conn"` // which of the client's connections, from 1 on
	Time   int64              `json:"time"` // of the answer, in seconds since 1970
	Method string             `json:"method"`
	Args   thrift.Fields      `json:"args"`
	Type   thrift.MessageType `json:"type"` // of the answer
	Answer thrift.Fields      `json:"answer"`
}

// Read reads a file, compressed by gzip. In its texts, old is replaced by now.
func Read(path, old, now string) ([]Call, error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var calls []Call
	lines := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(data, []byte(old), []byte(now))))
	for {
		var c Call
		switch err := lines.Decode(&c); {
		case err == io.EOF:
			return calls, nil
		case err != nil:
			return nil, fmt.Errorf("%s: call %d: %w", path, len(calls)+1, err)
		}
		calls = append(calls, c)
	}
}

// Answer is what a metastore said to a call.
type Answer struct {
	Type   thrift.MessageType
	Fields thrift.Fields
}

// Replay makes the calls in their order, each on a connection as the client had it, and gives the
// answers.
func Replay(ctx context.Context, address string, calls []Call) ([]Answer, error) {
	conns := map[int]*thrift.Client{}
	defer func() {
		for _, c := range conns {
			_ = c.Close() // nothing is on its way
		}
	}()
	answers := make([]Answer, len(calls))
	for i, call := range calls {
		c := conns[call.Conn]
		if c == nil {
			var err error
			if c, err = (thrift.Dialer{Address: address}).Dial(ctx); err != nil {
				return nil, err
			}
			conns[call.Conn] = c
		}
		if call.Method == "shutdown" { // after which a client leaves
			continue
		}
		head, fields, err := c.Forward(ctx, thrift.Message{Name: call.Method, Type: thrift.Call, Seq: int32(i)}, call.Args)
		if err != nil {
			return nil, fmt.Errorf("call %d, %s: %w", i+1, call.Method, err)
		}
		answers[i] = Answer{head.Type, fields}
	}
	return answers, nil
}

// Recorded are the answers of the calls.
func Recorded(calls []Call) []Answer {
	answers := make([]Answer, len(calls))
	for i, c := range calls {
		if c.Method != "shutdown" {
			answers[i] = Answer{c.Type, c.Answer}
		}
	}
	return answers
}

// Span is a span of time whose moments are all alike: that in which the calls were made.
type Span struct{ From, To int64 }

// SpanOf is the span of recorded calls.
func SpanOf(calls []Call) Span {
	if len(calls) == 0 {
		return Span{}
	}
	return Span{calls[0].Time - 60, calls[len(calls)-1].Time + 60}
}

// Since is the span from a moment on.
func Since(t time.Time) Span { return Span{t.Unix() - 60, time.Now().Unix() + 60} }

// Plain makes answers comparable: moments of the span are one, and maps are in order. change may
// replace a value, or leave it, and is told the way to it, the numbers of fields separated by dots.
func (s Span) Plain(a Answer, change func(path string, v thrift.Value) thrift.Value) Answer {
	v, _ := s.plain("", a.Fields, change).(thrift.Fields)
	return Answer{a.Type, v}
}

func (s Span) plain(path string, v thrift.Value, change func(string, thrift.Value) thrift.Value) thrift.Value {
	if change != nil {
		v = change(path, v)
	}
	switch v := v.(type) {
	case thrift.Fields:
		out := thrift.Fields{}
		for _, f := range v {
			f.Value = s.plain(strings.TrimPrefix(path+"."+strconv.Itoa(int(f.ID)), "."), f.Value, change)
			if f.Value != nil {
				out = append(out, f)
			}
		}
		slices.SortStableFunc(out, func(a, b thrift.Field) int { return int(a.ID) - int(b.ID) })
		return out
	case thrift.Items:
		out := thrift.Items{Type: v.Type, Values: make([]thrift.Value, len(v.Values))}
		for i, item := range v.Values {
			out.Values[i] = s.plain(path, item, change)
		}
		return out
	case thrift.Entries:
		out := thrift.Entries{Key: v.Key, Value: v.Value}
		for _, p := range v.Pairs {
			out.Pairs = append(out.Pairs, thrift.Entry{Key: s.plain(path, p.Key, change), Value: s.plain(path, p.Value, change)})
		}
		slices.SortFunc(out.Pairs, func(a, b thrift.Entry) int { return strings.Compare(fmt.Sprint(a.Key), fmt.Sprint(b.Key)) })
		return out
	case int32:
		return int32(s.moment(int64(v)))
	case int64:
		return s.moment(v)
	case []byte:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && s.moment(n) != n {
			return []byte("1")
		}
	}
	return v
}

// moment is 1 for every moment of the span, in seconds or milliseconds.
func (s Span) moment(n int64) int64 {
	if n >= s.From && n <= s.To || n >= s.From*1000 && n <= s.To*1000 {
		return 1
	}
	return n
}

// Text shows an answer.
func (a Answer) Text() string {
	data, err := json.Marshal(a.Fields)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", a.Type, data)
}

// Equal reports whether two answers, made plain, are the same.
func (a Answer) Equal(b Answer) bool { return a.Type == b.Type && thrift.Equal(a.Fields, b.Fields) }
