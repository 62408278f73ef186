package duck

import (
	"strings"
	"unicode"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
)

func textRules() map[string]rule {
	return map[string]rule{
		"ascii": as("skep_ascii($1)"), "base64": as("base64($1)"), "chr": as("skep_chr($1)"),
		"concat": func(l *lowerer, _ *analysis.Call, args []string) string {
			if len(args) == 0 {
				return quote("")
			}
			return "(" + strings.Join(args, " || ") + ")"
		},
		"concat_ws": concatWith, "crc32": as("skep_crc32($1)"),
		"decode": charset("skep_utf8($1)", decodeText), "encode": charset("skep_bytes($1)", encodeText),
		"elt": elt, "find_in_set": as("skep_find_in_set($1, $2)"),
		"format_number": formatNumber, "hex": as("skep_hex($1)"),
		"initcap": initcap, "instr": byCount("", "skep_locate($2, $1)", "skep_instr($1, $2, $3, 1::INTEGER)", "skep_instr($1, $2, $3, $4)"),
		"length": length, "character_length": length,
		"octet_length": func(l *lowerer, x *analysis.Call, args []string) string {
			if x.Args[0].Type().Kind == hivetype.Binary {
				return l.fill("octet_length($1)::INTEGER", x, args)
			}
			return l.fill("strlen($1)::INTEGER", x, args)
		},
		"levenshtein": as("skep_levenshtein($1, $2)"),
		"locate":      locate, "lower": as("lower($1)"), "upper": as("upper(replace($1, 'ß', 'SS'))"),
		"lpad": byCount("", "skep_lpad($1, $2, ' ')", "skep_lpad($1, $2, $3)"),
		"rpad": byCount("", "skep_rpad($1, $2, ' ')", "skep_rpad($1, $2, $3)"),
		"trim": as("trim($*)"), "ltrim": as("ltrim($*)"), "rtrim": as("rtrim($*)"),
		"md5": as("md5($1)"), "sha1": as("sha1($1)"), "sha2": as("skep_sha2($1, $2)"),
		"mask": maskRule, "mask_hash": maskHash,
		"mask_first_n": maskRule, "mask_last_n": maskRule, "mask_show_first_n": maskRule, "mask_show_last_n": maskRule,
		"quote":  as(`('''' || replace($1, '''', '\''') || '''')`),
		"repeat": as("skep_repeat($1, $2)"), "replace": replace, "reverse": as("reverse($1)"),
		"soundex": as("skep_soundex($1)"), "space": as("skep_repeat(' ', $1)"),
		"str_to_map": strToMapRule,
		"substr":     substr, "substring_index": as("skep_substring_index($1, $2, $3)"),
		"translate": as("translate($1, $2, $3)"), "unbase64": as("skep_unbase64($1)"), "unhex": as("skep_unhex($1)"),
	}
}

// initcap leaves to Go what has other letters than ASCII's.
func initcap(l *lowerer, x *analysis.Call, args []string) string {
	f := computedCall(x, func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			start := true
			return strings.Map(func(r rune) rune {
				at := start
				start = unicode.IsSpace(r)
				if at {
					return unicode.ToTitle(r)
				}
				return r
			}, args[0].(string)), nil
		}
	})
	lower := "lower(" + args[0] + ")"
	return "CASE WHEN strlen(" + args[0] + ") = length(" + args[0] + ") THEN skep_initcap(" + lower + ") ELSE " + l.compute(f, []string{lower}) + " END"
}

// locate finds nothing from a place that is NULL.
func locate(l *lowerer, x *analysis.Call, args []string) string {
	if len(args) == 2 {
		return l.fill("skep_locate($1, $2)", x, args)
	}
	if _, ok := constantInt(x, 2); ok {
		return l.fill("skep_locate($1, $2, $3)", x, args)
	}
	return l.fill("CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN coalesce(skep_locate($1, $2, $3), 0) END", x, args)
}

// replace of nothing, as Java has it, puts the replacement between all characters.
func replace(l *lowerer, x *analysis.Call, args []string) string {
	plain := l.fill("replace($1, $2, $3)", x, args)
	if s, ok := constantText(x, 1); ok && s != "" {
		return plain
	}
	return l.fill("CASE WHEN $2 = '' THEN skep_between($1, $3) ELSE ", x, args) + plain + " END"
}

func maskHash(l *lowerer, x *analysis.Call, args []string) string {
	if !x.T.Text() || !x.Args[0].Type().Text() {
		return "NULL::" + l.sqlType(x.T)
	}
	return l.fill("skep_sha2($1, 256::INTEGER)", x, args)
}

// substr leaves to DuckDB what means the same there: from a place that is counted from the beginning.
func substr(l *lowerer, x *analysis.Call, args []string) string {
	from, known := constantInt(x, 1)
	plain := known && from > 0 && x.Args[0].Type().Kind != hivetype.Binary
	if len(args) == 3 {
		n, known := constantInt(x, 2)
		plain = plain && known && n >= 0
	}
	if plain {
		return l.fill("substring($*)", x, args)
	}
	return l.fill("skep_substr($*)", x, args)
}

func length(l *lowerer, x *analysis.Call, args []string) string {
	if x.Args[0].Type().Kind == hivetype.Binary {
		return l.fill("octet_length($1)::INTEGER", x, args)
	}
	return l.fill("length($1)::INTEGER", x, args)
}

// concatWith skips NULLs, but those in arrays are the word null.
func concatWith(l *lowerer, x *analysis.Call, args []string) string {
	lists := make([]string, 0, len(args))
	nested := false
	for i, a := range args[1:] {
		if x.Args[i+1].Type().Kind == hivetype.Array {
			nested = true
			e := l.fresh("e")
			lists = append(lists, "list_transform(coalesce("+a+", []), lambda "+e+": coalesce("+e+", 'null'))")
		} else {
			lists = append(lists, "["+a+"]")
		}
	}
	if !nested {
		return l.fill("concat_ws($*)", x, args)
	}
	joined := lists[0]
	for _, s := range lists[1:] {
		joined = "list_concat(" + joined + ", " + s + ")"
	}
	return "CASE WHEN " + args[0] + " IS NOT NULL THEN coalesce(array_to_string(" + joined + ", " + args[0] + "), '') END"
}

// charset is a rule for a function of a character set: template is what it does in UTF-8, in others Go
// does it.
func charset(template string, other func(*formats.Charset) compute) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		set, ok := constantText(x, 1)
		if !ok {
			return l.fail(unsupported("%s with a character set that is not a constant", x.Func.Name))
		}
		if s := strings.ToUpper(set); s == "UTF-8" || s == "UTF8" {
			return l.fill(template, x, args)
		}
		c, err := formats.CharsetOf(set)
		if err != nil {
			return l.fail(unsupported("the character set %s in %s", set, x.Func.Name))
		}
		f := &computed{name: x.Func.Name + " in " + set, args: []hivetype.Type{x.Args[0].Type()}, result: x.T,
			start: func() compute { return other(c) }}
		return l.compute(f, args[:1])
	}
}

func decodeText(c *formats.Charset) compute {
	return func(args []hivetype.Value) (hivetype.Value, error) { return c.Decode(args[0].([]byte)), nil }
}

func encodeText(c *formats.Charset) compute {
	return func(args []hivetype.Value) (hivetype.Value, error) { return c.Encode(args[0].(string)), nil }
}

func elt(_ *lowerer, _ *analysis.Call, args []string) string {
	return "CASE WHEN " + args[0] + " > 0 THEN ([" + strings.Join(args[1:], ", ") + "])[" + args[0] + "] END"
}

func patternRules() map[string]rule {
	return map[string]rule{
		"get_json_object": getJSONObject,
		"parse_url":       as("skep_parse_url($*)"),
		"regexp_extract": backtracking(groupOf, func(l *lowerer, x *analysis.Call, args []string) string {
			if len(args) == 2 {
				return "regexp_extract(" + args[0] + ", " + l.pattern(x) + ", 1)"
			}
			return "regexp_extract(" + args[0] + ", " + l.pattern(x) + ", " + args[2] + ")"
		}),
		"regexp_replace": backtracking(replaced, func(l *lowerer, x *analysis.Call, args []string) string {
			return "regexp_replace(" + args[0] + ", " + l.pattern(x) + ", " + replacement(x, args[2]) + ", 'g')"
		}),
		"split": backtracking(between, func(l *lowerer, x *analysis.Call, args []string) string {
			if p, ok := constantText(x, 1); ok && p != "" && !strings.ContainsAny(p, `\.[]{}()*+-?^$|`) {
				return l.fill("string_split($1, $2)", x, args)
			}
			if p, ok := constantText(x, 1); ok && p == "" { // between all characters, and before the end
				return l.fill("CASE WHEN $1 = '' THEN [''] ELSE list_append(string_split($1, ''), '') END", x, args)
			}
			return "string_split_regex(" + args[0] + ", " + l.pattern(x) + ")"
		}),
	}
}

func rlike(l *lowerer, x *analysis.Call, args []string) string {
	if p, ok := constantText(x, 1); ok {
		if p == "" { // which Hive finds nowhere
			return l.fill("CASE WHEN $1 IS NOT NULL THEN FALSE END", x, args)
		}
		if re, err := translateRegexp(p); err == nil && len(re.ends) == 1 && p[re.ends[0]:] == "$" {
			// Whether there is a match does not depend on where it ends.
			return "regexp_matches(" + args[0] + ", " + quote(strings.TrimSuffix(re.text, "$")+lastLineEnd) + ")"
		}
	}
	return backtracking(found, func(l *lowerer, x *analysis.Call, args []string) string {
		return "regexp_matches(" + args[0] + ", " + l.pattern(x) + ")"
	})(l, x, args)
}

// lastLineEnd takes what ends the last line of a text, if anything does, and is at its end.
const lastLineEnd = `(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z`

// pattern is the second argument, a constant regular expression of Java's, in RE2's syntax.
func (l *lowerer) pattern(x *analysis.Call) string {
	p, _ := constantText(x, 1)
	re, err := translateRegexp(p)
	if err != nil {
		return l.fail(err)
	}
	return quote(re.text)
}

// replacement writes groups as \1 instead of $1.
func replacement(x *analysis.Call, arg string) string {
	s, ok := constantText(x, 2)
	if !ok {
		return `regexp_replace(replace(` + arg + `, '\', '\\'), '\$(\d)', '\\\1', 'g')`
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case c == '$' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			b.WriteByte('\\')
		default:
			b.WriteByte(c)
		}
	}
	return quote(b.String())
}
