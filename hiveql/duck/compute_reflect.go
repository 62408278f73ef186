package duck

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

// reflectRule is a call of one of the static methods of Java that analysis knows. What Java has an exception for is NULL.
func reflectRule(l *lowerer, x *analysis.Call, args []string) string {
	class, _ := constantText(x, 0)
	method, _ := constantText(x, 1)
	switch method {
	case "decode":
		return l.reflected(x, args, decodeURL)
	case "encode":
		return l.reflected(x, args, encodeURL)
	case "randomUUID":
		return "uuid()::VARCHAR"
	case "md5Hex":
		return l.fill("md5($3)", x, args)
	case "sha1Hex":
		return l.fill("sha1($3)", x, args)
	case "sha256Hex", "sha384Hex", "sha512Hex":
		return l.fill("skep_sha2($3, "+method[len("sha"):len("sha256")]+"::INTEGER)", x, args)
	}
	return l.fail(unsupported("calling %s.%s", class, method))
}

// reflected has Go carry out a method of a text and the name of a character set, which is UTF-8 where it is left out.
func (l *lowerer) reflected(x *analysis.Call, args []string, do func(string, *formats.Charset) (string, bool)) string {
	class, _ := constantText(x, 0)
	f := computedCall(x, func() compute {
		known := map[string]*formats.Charset{}
		return func(args []hivetype.Value) (hivetype.Value, error) {
			name := "UTF-8"
			if len(args) > 1 {
				name = args[1].(string)
			}
			set, ok := known[name]
			if !ok {
				var err error
				if set, err = formats.CharsetOf(name); err != nil {
					set = nil
				}
				if len(known) >= 100 {
					clear(known)
				}
				known[name] = set
			}
			if set == nil {
				return nil, nil
			}
			if s, ok := do(args[0].(string), set); ok {
				return s, nil
			}
			return nil, nil
		}
	})
	f.name, f.args = "reflect "+class, f.args[2:]
	return l.compute(f, args[2:])
}

// decodeURL is java.net.URLDecoder: + is a blank, and a sequence of %XX bytes of a character set.
func decodeURL(s string, set *formats.Charset) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '%' {
			if s[i] == '+' {
				b.WriteByte(' ')
			} else {
				b.WriteByte(s[i])
			}
			i++
			continue
		}
		start := i
		for i < len(s) && s[i] == '%' {
			if i += len("%XX"); i > len(s) {
				return "", false
			}
		}
		bytes, err := url.PathUnescape(s[start:i])
		if err != nil {
			return "", false
		}
		b.WriteString(set.Decode([]byte(bytes)))
	}
	return b.String(), true
}

// encodeURL is java.net.URLEncoder.
func encodeURL(s string, set *formats.Charset) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if c := s[i]; plainInURL(c) || c == ' ' {
			if c == ' ' {
				c = '+'
			}
			b.WriteByte(c)
			i++
			continue
		}
		start := i
		for i < len(s) && !plainInURL(s[i]) && s[i] != ' ' {
			i++
		}
		for _, c := range set.Encode(s[start:i]) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String(), true
}

func plainInURL(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-*_", c) >= 0
}
