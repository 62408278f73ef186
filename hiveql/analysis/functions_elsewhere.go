package analysis

import "strings"

// elsewhere says how what a function of Athena's, Spark's or another SQL does is written in HiveQL; "" where
// nothing is known of it.
func elsewhere(name string) string { return functionsElsewhere()[strings.ToLower(name)] }

func functionsElsewhere() map[string]string {
	return map[string]string{
		"approx_percentile":      "percentile_approx(x, p)",
		"array_agg":              "collect_list(x)",
		"arbitrary":              "max(x)",
		"any_value":              "max(x)",
		"bool_and":               "min(x)",
		"bool_or":                "max(x)",
		"charindex":              "locate(part, text)",
		"contains":               "array_contains(array, x)",
		"count_if":               "sum(if(condition, 1, 0))",
		"date_diff":              "datediff(end, start), in days",
		"date_parse":             "from_unixtime(unix_timestamp(text, 'yyyy-MM-dd'))",
		"date_trunc":             "trunc(date, 'MM') or floor(timestamp TO HOUR)",
		"element_at":             "x[1]; the first element of an array is x[0]",
		"from_iso8601_timestamp": "CAST(text AS TIMESTAMP)",
		"from_iso8601_date":      "CAST(text AS DATE)",
		"getdate":                "current_timestamp",
		"group_concat":           "concat_ws(',', collect_list(x))",
		"json_extract":           "get_json_object(text, '$.a')",
		"json_extract_scalar":    "get_json_object(text, '$.a')",
		"json_parse":             "get_json_object(text, '$.a'), of the text itself",
		"json_value":             "get_json_object(text, '$.a')",
		"len":                    "length(text)",
		"listagg":                "concat_ws(',', collect_list(x))",
		"map_agg":                "str_to_map(concat_ws(',', collect_list(concat(k, ':', v))))",
		"now":                    "current_timestamp",
		"regexp_like":            "text RLIKE pattern",
		"split_part":             "split(text, ',')[0]",
		"starts_with":            "text LIKE 'x%'",
		"string_agg":             "concat_ws(',', collect_list(x))",
		"strpos":                 "instr(text, part)",
		"to_iso8601":             "date_format(x, \"yyyy-MM-dd'T'HH:mm:ss\")",
		"to_timestamp":           "CAST(text AS TIMESTAMP)",
		"to_unixtime":            "unix_timestamp(x)",
		"try_cast":               "CAST(x AS type), which is NULL where it cannot be",
		"try":                    "the expression itself, which is NULL where it cannot be",
		"url_extract_host":       "parse_url(text, 'HOST')",
		"url_extract_parameter":  "parse_url(text, 'QUERY', name)",
		"at_timezone":            "from_utc_timestamp(x, zone)",
		"input_file_name":        "INPUT__FILE__NAME",
		"to_char":                "date_format(x, 'yyyy-MM-dd')",
		"day_of_week":            "dayofweek(date)",
		"codepoint":              "ascii(text)",
		"sequence":               "posexplode(split(space(n - 1), ' '))",
		"generate_series":        "posexplode(split(space(n - 1), ' '))",
	}
}
