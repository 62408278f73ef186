package hms_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore/hms"
)

// TestMethods calls every method that is served, as the versions of Hive that have it do, and compares the answers, the
// exceptions and their texts. What Hive has and is not served is unknown, which is an answer that clients fall back on.
func TestMethods(t *testing.T) {
	versions := hiveMethods(t)
	config := hms.Config{Store: openStore(t), Files: directories{}, Warehouse: "file://" + t.TempDir()}
	client, err := thrift.Dialer{Address: serve(t, config)}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session := methodSession{client: client, numbers: map[string]int64{}, warehouse: config.Warehouse}
	called := map[string]bool{}
	datadriven.RunTest(t, "testdata/methods", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			method, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			called[method] = true
			if versions[method] == "" {
				t.Errorf("no version of Hive has %s", method)
			}
			fmt.Fprintf(&out, "%s (%s): %s\n", method, versions[method], session.call(t, strings.TrimSpace(line)))
		}
		return out.String()
	})
	served := hms.New(config).Thrift().Methods()
	for method := range versions {
		if slices.Contains(served, method) != called[method] {
			t.Errorf("%s: is it served? %v. Is it in the test? %v", method, slices.Contains(served, method), called[method])
		}
		if called[method] {
			continue
		}
		if got, want := session.call(t, method), fmt.Sprintf("TApplicationException 1: Invalid method name: '%s'", method); got != want {
			t.Errorf("%s: %s", method, got)
		}
	}
	for _, method := range served {
		if versions[method] == "" && method != "skep_client" {
			t.Errorf("%s is served, and no Hive has it", method)
		}
	}
}

// hiveMethods says which versions of Hive have a method.
func hiveMethods(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/hive_methods.txt")
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if method, of, ok := strings.Cut(strings.TrimSpace(line), " "); ok && method != "#" {
			versions[method] = of
		}
	}
	return versions
}

// methodSession makes calls that are written as text. $lock and $txn are numbers of earlier answers.
type methodSession struct {
	client    *thrift.Client
	numbers   map[string]int64
	warehouse string
}

// call makes the call of a line, a method and its arguments as ID=VALUE, and describes the answer.
func (s *methodSession) call(t *testing.T, line string) string {
	t.Helper()
	method, rest, _ := strings.Cut(line, " ")
	for name, n := range s.numbers {
		rest = strings.ReplaceAll(rest, "$"+name, strconv.FormatInt(n, 10)+"L")
	}
	p := &valueParser{text: rest + "}"}
	args := p.fields()
	if p.text != "" || p.bad {
		t.Fatalf("%s: the arguments are wrong before %q", line, p.text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	head, answer, err := s.client.Forward(ctx, thrift.Message{Name: method, Type: thrift.Call, Seq: 7}, args)
	if err != nil || head.Name != method || head.Seq != 7 {
		t.Fatalf("%s: %v, %v", line, head, err)
	}
	if head.Type == thrift.Exception {
		return fmt.Sprintf("TApplicationException %d: %s", number(answer[1]), answer[0].Value)
	}
	if len(answer) == 0 {
		return "nothing"
	}
	text := fmt.Sprintf("exception %d", answer[0].ID)
	switch v := answer[0].Value.(type) {
	case thrift.Fields:
		if answer[0].ID == 0 {
			s.remember(method, v)
			return "a struct"
		}
		if len(v) > 0 {
			text += fmt.Sprintf(": %s", v[0].Value)
		}
	case thrift.Items:
		return fmt.Sprintf("%d in a list", len(v.Values))
	case thrift.Entries:
		return fmt.Sprintf("%d in a map", len(v.Pairs))
	case []byte:
		text = s.plain(method, string(v))
	default:
		text = s.plain(method, fmt.Sprint(v))
	}
	for name, n := range s.numbers {
		text = strings.ReplaceAll(text, strconv.FormatInt(n, 10), "$"+name)
	}
	return strings.ReplaceAll(text, s.warehouse, "file:///w")
}

// plain is the text of what differs from day to day.
func (s *methodSession) plain(method, text string) string {
	switch method {
	case "getName", "aliveSince", "get_metastore_db_uuid":
		return fmt.Sprintf("text of %d", min(len(text), 10))
	}
	return strconv.Quote(text)
}

func (s *methodSession) remember(method string, answer thrift.Fields) {
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
			out.Pairs = append(out.Pairs, thrift.Entry{Key: k, Value: p.value()})
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
