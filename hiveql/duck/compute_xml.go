package duck

import (
	"math"
	"strings"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// xmlRules are the functions of XML and XPath 1.0. An empty document or path gives NULL; a
// document or path that is malformed fails the query, as in Hive.
func xmlRules() map[string]rule {
	all := map[string]rule{
		"xpath": onXML(xpathNodes),
		"xpath_boolean": onXML(func(p *xpath.Expr, doc xpath.NodeNavigator) (hivetype.Value, error) {
			return xpathBoolean(p.Evaluate(doc)), nil
		}),
		"xpath_string": onXML(func(p *xpath.Expr, doc xpath.NodeNavigator) (hivetype.Value, error) {
			return xpathText(p.Evaluate(doc)), nil
		}),
	}
	numbers := map[string]func(float64) hivetype.Value{
		"xpath_double": func(f float64) hivetype.Value { return f },
		"xpath_float":  func(f float64) hivetype.Value { return float32(f) },
		"xpath_long":   func(f float64) hivetype.Value { return saturated(f, math.MinInt64, math.MaxInt64) },
		"xpath_int":    func(f float64) hivetype.Value { return saturated(f, math.MinInt32, math.MaxInt32) },
		"xpath_short": func(f float64) hivetype.Value {
			return int64(int16(saturated(f, math.MinInt32, math.MaxInt32)))
		},
	}
	for name, number := range numbers {
		all[name] = onXML(func(p *xpath.Expr, doc xpath.NodeNavigator) (hivetype.Value, error) {
			return number(xpathNumber(p.Evaluate(doc))), nil
		})
	}
	return all
}

// onXML is a rule for a function of a document and a path. Paths are compiled once where they
// repeat.
func onXML(call func(*xpath.Expr, xpath.NodeNavigator) (hivetype.Value, error)) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		start := func() compute {
			paths := map[string]*xpath.Expr{}
			return func(args []hivetype.Value) (hivetype.Value, error) {
				document, path := args[0].(string), args[1].(string)
				if document == "" || path == "" {
					return nil, nil
				}
				p := paths[path]
				if p == nil {
					var err error
					if p, err = xpath.Compile(path); err != nil {
						return nil, &Error{Op: "run", Msg: "invalid XPath expression '" + path + "'", Err: err}
					}
					paths[path] = p
				}
				doc, err := xmlquery.Parse(strings.NewReader(document))
				if err != nil {
					return nil, &Error{Op: "run", Msg: "the text is no XML: " + err.Error(), Err: err}
				}
				return call(p, xmlquery.CreateXPathNavigator(doc))
			}
		}
		return l.compute(computedCall(x, start), args)
	}
}

// xpathNodes are the values of attributes and texts; elements have none.
func xpathNodes(p *xpath.Expr, doc xpath.NodeNavigator) (hivetype.Value, error) {
	list := []any{}
	nodes, ok := p.Evaluate(doc).(*xpath.NodeIterator)
	if !ok {
		return list, nil
	}
	for nodes.MoveNext() {
		switch n := nodes.Current(); n.NodeType() {
		case xpath.TextNode, xpath.AttributeNode, xpath.CommentNode:
			list = append(list, n.Value())
		}
	}
	return list, nil
}

// xpathText is XPath's string().
func xpathText(v any) string {
	switch v := v.(type) {
	case *xpath.NodeIterator:
		if v.MoveNext() {
			return v.Current().Value()
		}
		return ""
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case float64:
		s := string(hivetype.AppendText(nil, v, hivetype.Of(hivetype.Double)))
		return strings.TrimSuffix(s, ".0")
	}
	return ""
}

// xpathNumber is XPath's number().
func xpathNumber(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	}
	f, ok := hivetype.ParseValue(strings.TrimSpace(xpathText(v)), hivetype.Of(hivetype.Double))
	if n, isFloat := f.(float64); ok && isFloat {
		return n
	}
	return math.NaN()
}

// xpathBoolean is XPath's boolean().
func xpathBoolean(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	case *xpath.NodeIterator:
		return v.MoveNext()
	}
	return false
}

// saturated is Java's conversion of a double to an integer: NaN is 0, and what is out of range
// the nearest that is in it.
func saturated(f float64, least, most int64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f <= float64(least):
		return least
	case f >= float64(most):
		return most
	}
	return int64(f)
}
