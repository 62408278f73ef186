package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
)

// Asker makes calls that are written as text: a method, and its arguments as ID=VALUE with the values "text", 1 (i32), 1L
// (i64), 1s (i16), true, [a list], {1=a struct} and <a:map>. $lock and $txn are the numbers of the last lock and transaction.
type Asker struct {
	client    *thrift.Client
	numbers   map[string]int64
	warehouse string
}

// NewAsker makes one that asks a metastore whose warehouse is at a URL, which answers show as file:///w.
func NewAsker(client *thrift.Client, warehouse string) *Asker {
	return &Asker{client, map[string]int64{}, warehouse}
}

// ErrNoNumber is the error of a call with the number of something that the metastore has not given.
var ErrNoNumber = errors.New("there is no lock or transaction yet")

// Ask makes a call and describes the answer in short, without what differs from day to day. It fails where the connection does, or
// the text is wrong.
func (s *Asker) Ask(ctx context.Context, line string) (string, error) {
	method, rest, _ := strings.Cut(line, " ")
	for name, n := range s.numbers {
		rest = strings.ReplaceAll(rest, "$"+name, strconv.FormatInt(n, 10)+"L")
	}
	if strings.Contains(rest, "$") {
		return "", ErrNoNumber
	}
	p := &valueParser{text: rest + "}"}
	args := p.fields()
	if p.text != "" || p.bad {
		return "", fmt.Errorf("%s: the arguments are wrong before %q", line, p.text)
	}
	head, answer, err := s.client.Forward(ctx, thrift.Message{Name: method, Type: thrift.Call, Seq: 7}, args)
	if err != nil || head.Name != method || head.Seq != 7 {
		return "", fmt.Errorf("%s: the answer is %v; %w", line, head, err)
	}
	if head.Type == thrift.Exception {
		return fmt.Sprintf("TApplicationException %d: %s", number(answer[1]), answer[0].Value), nil
	}
	if len(answer) == 0 {
		return "nothing", nil
	}
	if answer[0].ID == 0 && Whole(method) {
		return text(answer[0].Value), nil
	}
	text := fmt.Sprintf("exception %d", answer[0].ID)
	switch v := answer[0].Value.(type) {
	case thrift.Fields:
		if answer[0].ID == 0 {
			s.remember(method, v)
			return "a struct", nil
		}
		if len(v) > 0 {
			text += fmt.Sprintf(": %s", v[0].Value)
		}
	case thrift.Items:
		return fmt.Sprintf("%d in a list", len(v.Values)), nil
	case thrift.Entries:
		return fmt.Sprintf("%d in a map", len(v.Pairs)), nil
	case []byte:
		text = s.plain(method, string(v))
	default:
		text = s.plain(method, fmt.Sprint(v))
	}
	for name, n := range s.numbers {
		text = strings.ReplaceAll(text, fmt.Sprintf("%sid:%d", name, n), fmt.Sprintf("%sid:$%s", name, name))
	}
	return strings.ReplaceAll(text, s.warehouse, "file:///w"), nil
}

// Whole reports whether all of a method's answer is described: of those for roles and privileges.
func Whole(method string) bool {
	switch method {
	case "list_roles", "get_role_names", "get_principals_in_role", "get_role_grants_for_principal", "list_privileges", "get_privilege_set":
		return true
	}
	return false
}

// text writes a value as the arguments of calls are written, but for times, lists that nobody orders, and names of catalogs, which came
// with Hive 3.
func text(v thrift.Value) string {
	var parts []string
	switch v := v.(type) {
	case thrift.Fields:
		for _, f := range v {
			if c := text(f.Value); c != `"hive"` {
				parts = append(parts, fmt.Sprintf("%d=%s", f.ID, c))
			}
		}
		return "{" + strings.Join(parts, " ") + "}"
	case thrift.Items:
		for _, item := range v.Values {
			parts = append(parts, text(item))
		}
		slices.Sort(parts)
		return "[" + strings.Join(parts, " ") + "]"
	case thrift.Entries:
		for _, e := range v.Pairs {
			parts = append(parts, text(e.Key)+":"+text(e.Value))
		}
		slices.Sort(parts)
		return "<" + strings.Join(parts, " ") + ">"
	case []byte:
		return strconv.Quote(string(v))
	case int32:
		if v > 1e9 {
			return "time"
		}
	}
	return fmt.Sprint(v)
}

// plain is the text of what differs from day to day.
func (s *Asker) plain(method, text string) string {
	switch method {
	case "getName", "aliveSince", "get_metastore_db_uuid":
		return fmt.Sprintf("text of %d", min(len(text), 10))
	}
	return strconv.Quote(text)
}

func (s *Asker) remember(method string, answer thrift.Fields) {
	switch method {
	case "lock":
		s.numbers["lock"] = int64(number(answer[0]))
	case "open_txns":
		s.numbers["txn"], _ = answer[0].Value.(thrift.Items).Values[0].(int64)
	}
}

func number(f thrift.Field) int64 {
	switch v := f.Value.(type) {
	case int32:
		return int64(v)
	case int64:
		return v
	}
	return 0
}

// valueParser reads values: "text", 1 (i32), 1L (i64), 1s (i16), true, [a list], {1=a struct}, <a:map>.
type valueParser struct {
	text string
	bad  bool
}

func (p *valueParser) skip(token string) bool {
	p.text = strings.TrimLeft(p.text, " ")
	rest, ok := strings.CutPrefix(p.text, token)
	if ok {
		p.text = rest
	}
	return ok
}

// more reports whether a list goes on.
func (p *valueParser) more(end string) bool {
	if p.text == "" {
		p.bad = true
	}
	return !p.bad && !p.skip(end)
}

func (p *valueParser) fields() thrift.Fields {
	out := thrift.Fields{}
	for p.more("}") {
		id, _ := p.value().(int32)
		p.bad = p.bad || !p.skip("=")
		v := p.value()
		out = append(out, thrift.Field{ID: int16(id), Type: typeOf(v), Value: v})
	}
	return out
}

func (p *valueParser) value() thrift.Value {
	switch {
	case p.skip("{"):
		return p.fields()
	case p.skip("["):
		out := thrift.Items{Type: thrift.String}
		for p.more("]") {
			v := p.value()
			out.Type, out.Values = typeOf(v), append(out.Values, v)
		}
		return out
	case p.skip("<"):
		out := thrift.Entries{Key: thrift.String, Value: thrift.String}
		for p.more(">") {
			k := p.value()
			p.bad = p.bad || !p.skip(":")
			v := p.value()
			out.Value, out.Pairs = typeOf(v), append(out.Pairs, thrift.Entry{Key: k, Value: v})
		}
		return out
	case p.skip("true"):
		return true
	case p.skip("false"):
		return false
	case strings.HasPrefix(p.text, `"`):
		quoted, err := strconv.QuotedPrefix(p.text)
		text, _ := strconv.Unquote(quoted)
		p.bad, p.text = p.bad || err != nil, p.text[len(quoted):]
		return []byte(text)
	}
	n := 0
	for n < len(p.text) && strings.IndexByte("-0123456789", p.text[n]) >= 0 {
		n++
	}
	v, err := strconv.ParseInt(p.text[:n], 10, 64)
	p.bad, p.text = p.bad || err != nil, p.text[n:]
	switch {
	case p.skip("L"):
		return v
	case p.skip("s"):
		return int16(v)
	}
	return int32(v)
}

func typeOf(v thrift.Value) thrift.Type {
	switch v.(type) {
	case bool:
		return thrift.Bool
	case int16:
		return thrift.I16
	case int32:
		return thrift.I32
	case int64:
		return thrift.I64
	case []byte:
		return thrift.String
	case thrift.Items:
		return thrift.List
	case thrift.Entries:
		return thrift.Map
	}
	return thrift.Struct
}

// Reconnect goes on with another connection.
func (s *Asker) Reconnect(client *thrift.Client) { s.client = client }
