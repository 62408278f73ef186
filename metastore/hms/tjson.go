package hms

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/skepdata/skep/internal/thrift"
)

// tjson writes a struct of the wire in Thrift's TJSONProtocol, the form in which objects stand in
// the messages of Hive's notifications, and in the files of EXPORT.
func tjson(v any) (string, error) {
	data, err := thrift.Marshal(v, thrift.Binary)
	if err != nil {
		return "", err
	}
	var fields thrift.Fields
	if err := thrift.Unmarshal(data, &fields, thrift.Binary, thrift.Limits{}); err != nil {
		return "", err
	}
	return string(appendTJSON(nil, fields)), nil
}

// tjsonTypes are the names of the types.
var tjsonTypes = map[thrift.Type]string{
	thrift.Bool: "tf", thrift.Byte: "i8", thrift.I16: "i16", thrift.I32: "i32", thrift.I64: "i64", thrift.Double: "dbl",
	thrift.String: "str", thrift.Struct: "rec", thrift.Map: "map", thrift.List: "lst", thrift.Set: "set",
}

func appendTJSON(b []byte, v thrift.Value) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return append(b, '1')
		}
		return append(b, '0')
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case []byte:
		return appendText(b, string(v))
	case thrift.Fields:
		b = append(b, '{')
		for i, f := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `"%d":{"%s":`, f.ID, tjsonTypes[f.Type])
			b = append(appendTJSON(b, f.Value), '}')
		}
		return append(b, '}')
	case thrift.Items:
		b = fmt.Appendf(b, `["%s",%d`, tjsonTypes[v.Type], len(v.Values))
		for _, item := range v.Values {
			b = appendTJSON(append(b, ','), item)
		}
		return append(b, ']')
	case thrift.Entries:
		b = fmt.Appendf(b, `["%s","%s",%d,{`, tjsonTypes[v.Key], tjsonTypes[v.Value], len(v.Pairs))
		for i, pair := range v.Pairs {
			if i > 0 {
				b = append(b, ',')
			}
			if text, ok := pair.Key.([]byte); ok {
				b = appendText(b, string(text))
			} else {
				b = fmt.Appendf(b, `"%v"`, pair.Key)
			}
			b = appendTJSON(append(b, ':'), pair.Value)
		}
		return append(b, "}]"...)
	}
	return fmt.Append(b, v) // an integer
}

// appendText writes text; bytes that are none become base64, as they do for all binary there.
func appendText(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		text = []byte(`"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"`)
	}
	return append(b, text...)
}
