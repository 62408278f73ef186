package analysis

import "github.com/skepdata/skep/hivetype"

func textFunctions() []*Function {
	text1, number1 := sig("string->string"), sig("string->int")
	return []*Function{
		scalar("ascii", "ascii(str) - Returns the code of the first character of str", number1),
		scalar("base64", "base64(bin) - Converts binary to a base 64 string", sig("binary->string")),
		scalar("chr", "chr(n) - Returns the character with code n modulo 256", bindChr),
		scalar("concat", "concat(v1, v2, ...) - Returns the concatenation of its arguments, NULL if one is NULL", bindConcatAll),
		scalar("concat_ws", "concat_ws(separator, [string | array(string)]+) - Returns the strings joined by the separator", bindConcatWith),
		scalar("crc32", "crc32(v) - Computes a cyclic redundancy check value", bindDigest(bigint)),
		scalar("decode", "decode(bin, charset) - Decodes bytes by a character set", sig("binary string->string")),
		scalar("elt", "elt(n, str1, str2, ...) - Returns the n-th string", sig("int string string*->string")),
		scalar("encode", "encode(str, charset) - Encodes a string by a character set", sig("string string->binary")),
		scalar("field", "field(v, v1, v2, ...) - Returns the index of v in the others, 0 if it is not there", bindFieldFunction),
		scalar("find_in_set", "find_in_set(str, list) - Returns the index of str in a comma-delimited list", sig("string string->int")),
		scalar("format_number", "format_number(x, d or pattern) - Formats x like '#,###,###.##', rounded to d places", bindFormatNumber),
		scalar("hex", "hex(n, bin or str) - Converts to hexadecimal", bindHex),
		scalar("initcap", "initcap(str) - Returns str with the first letter of each word in upper case", text1),
		scalar("instr", "instr(str, substr[, pos[, n]]) - Returns the index of the n-th occurrence of substr in str, from pos on", sig("string string int? int?->int")),
		scalar("length", "length(str or bin) - Returns the length in characters or bytes", bindLength),
		scalar("character_length char_length", "character_length(str or bin) - Returns the number of characters", bindLength),
		scalar("levenshtein", "levenshtein(str1, str2) - Returns the edit distance of two strings", sig("string string->int")),
		scalar("locate position", "locate(substr, str[, pos]) - Returns the index of substr in str, from pos on", sig("string string int?->int")),
		scalar("lower lcase", "lower(str) - Returns str with all characters in lower case", bindCase),
		scalar("lpad", "lpad(str, len, pad) - Returns str, left-padded with pad to a length of len", sig("string int string?->string")),
		scalar("ltrim", "ltrim(str) - Removes leading spaces", sig("string string?->string")),
		scalar("mask", "mask(value[, upper[, lower[, digit[, other[, number[, day[, month[, year]]]]]]]]) - Replaces upper case letters by X, lower case ones by x, digits by n", bindMask(8)),
		scalar("mask_first_n", "mask_first_n(value[, n[, upper ...]]) - Masks the first n characters, 4 by default", bindMask(9)),
		scalar("mask_hash", "mask_hash(str) - Returns a hash of str, NULL for what is no text", bindMaskHash),
		scalar("mask_last_n", "mask_last_n(value[, n[, upper ...]]) - Masks the last n characters, 4 by default", bindMask(9)),
		scalar("mask_show_first_n", "mask_show_first_n(value[, n[, upper ...]]) - Masks all but the first n characters, 4 by default", bindMask(9)),
		scalar("mask_show_last_n", "mask_show_last_n(value[, n[, upper ...]]) - Masks all but the last n characters, 4 by default", bindMask(9)),
		scalar("md5", "md5(str or bin) - Calculates an MD5 checksum", bindDigest(text)),
		scalar("octet_length", "octet_length(str or bin) - Returns the number of bytes", bindLength),
		scalar("printf format_string", "printf(format, ...) - Returns the arguments formatted as by printf", sig("string any*->string")),
		scalar("quote", "quote(str) - Returns str quoted for SQL", text1),
		scalar("repeat", "repeat(str, n) - Repeats str n times", sig("string int->string")),
		scalar("replace", "replace(str, search, rep) - Replaces all occurrences of search by rep", sig("string string string->string")),
		scalar("reverse", "reverse(str) - Reverses str", text1),
		scalar("rpad", "rpad(str, len, pad) - Returns str, right-padded with pad to a length of len", sig("string int string?->string")),
		scalar("rtrim", "rtrim(str) - Removes trailing spaces", sig("string string?->string")),
		scalar("sha1 sha", "sha1(str or bin) - Calculates a SHA-1 digest", bindDigest(text)),
		scalar("sha2", "sha2(str or bin, bits) - Calculates a SHA-2 digest of 224, 256, 384 or 512 bits", bindSha2),
		scalar("soundex", "soundex(str) - Returns the soundex code of str", text1),
		scalar("space", "space(n) - Returns n spaces", sig("int->string")),
		scalar("str_to_map", "str_to_map(text[, pairs, keys]) - Splits text into a map", sig("string string? string?->map<string,string>")),
		scalar("substr substring mid", "substr(str or bin, pos[, len]) - Returns the part of str that starts at pos", bindSubstr),
		scalar("substring_index", "substring_index(str, delim, count) - Returns the part of str before count occurrences of delim", sig("string string int->string")),
		scalar("translate", "translate(input, from, to) - Replaces characters", sig("string string string->string")),
		scalar("trim", "trim(str) - Removes leading and trailing spaces", sig("string string?->string")),
		scalar("unbase64", "unbase64(str) - Converts a base 64 string to binary", sig("string->binary")),
		scalar("unhex", "unhex(str) - Converts hexadecimal to binary", sig("string->binary")),
		scalar("upper ucase", "upper(str) - Returns str with all characters in upper case", bindCase),
	}
}

func patternFunctions() []*Function {
	return []*Function{
		scalar("get_json_object", "get_json_object(json, path) - Extracts a json object by a path such as $.a.b[0]", sig("string string->string")),
		scalar("parse_url", "parse_url(url, part[, key]) - Extracts HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO of a URL", sig("string string string?->string")),
		scalar("regexp_extract", "regexp_extract(str, regexp[, idx]) - Extracts the group idx that matches regexp", sig("string string int?->string")),
		scalar("regexp_replace", "regexp_replace(str, regexp, rep) - Replaces all parts of str that match regexp", sig("string string string->string")),
		scalar("split", "split(str, regexp) - Splits str around matches of regexp", sig("string string->array<string>")),
	}
}

func textOrBinary(i int, a Arg) (hivetype.Type, error) {
	switch {
	case a.Type.Kind == hivetype.Binary:
		return a.Type, nil
	case accepts(a.Type, text):
		return text, nil
	}
	return hivetype.Type{}, &TypeError{Index: i, Want: "a string or binary", Got: a.Type}
}

// bindChr takes integers as bigint, and all else as double.
func bindChr(args []Arg) (Binding, error) {
	if len(args) == 1 && (args[0].Type.Integer() || args[0].Type.Kind == hivetype.Void) {
		return bound(text, bigint)
	}
	return sig("double->string")(args)
}

// bindMaskHash gives NULL for what is no text.
func bindMaskHash(args []Arg) (Binding, error) {
	if err := arity(args, 1, 1); err != nil {
		return Binding{}, err
	}
	t := args[0].Type
	switch {
	case !t.Primitive():
		return Binding{}, &TypeError{Index: 0, Want: "a primitive value", Got: t}
	case t.Text() || t.Kind == hivetype.Void:
		return bound(text, text)
	}
	return bound(t, t)
}

func bindLength(args []Arg) (Binding, error) { return bindDigest(hivetype.Of(hivetype.Int))(args) }

// bindDigest binds a function of one string or binary.
func bindDigest(result hivetype.Type) func([]Arg) (Binding, error) {
	return func(args []Arg) (Binding, error) {
		if err := arity(args, 1, 1); err != nil {
			return Binding{}, err
		}
		t, err := textOrBinary(0, args[0])
		return Binding{Args: []hivetype.Type{t}, Result: result}, err
	}
}

func bindSha2(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	t, err := textOrBinary(0, args[0])
	if err == nil && !accepts(args[1].Type, hivetype.Of(hivetype.Int)) {
		err = &TypeError{Index: 1, Want: "int", Got: args[1].Type}
	}
	return Binding{Args: []hivetype.Type{t, hivetype.Of(hivetype.Int)}, Result: text}, err
}

func bindSubstr(args []Arg) (Binding, error) {
	if err := arity(args, 2, 3); err != nil {
		return Binding{}, err
	}
	t, err := textOrBinary(0, args[0])
	b := Binding{Args: []hivetype.Type{t}, Result: t}
	for i, a := range args[1:] {
		if !accepts(a.Type, hivetype.Of(hivetype.Int)) {
			err = &TypeError{Index: i + 1, Want: "int", Got: a.Type}
		}
		b.Args = append(b.Args, hivetype.Of(hivetype.Int))
	}
	return b, err
}

// bindHex takes integers as bigint and all else as bytes.
func bindHex(args []Arg) (Binding, error) {
	if err := arity(args, 1, 1); err != nil {
		return Binding{}, err
	}
	if args[0].Type.Integer() {
		return bound(text, bigint)
	}
	t, err := textOrBinary(0, args[0])
	return Binding{Args: []hivetype.Type{t}, Result: text}, err
}

// bindConcatAll gives binary where all arguments are, and char or varchar where all are of such a
// type and their lengths together are allowed.
func bindConcatAll(args []Arg) (Binding, error) {
	if len(args) == 0 {
		return Binding{Result: text}, nil
	}
	t, result := hivetype.Of(hivetype.Binary), args[0].Type
	for i, a := range args {
		k, err := textOrBinary(i, a)
		if err != nil {
			return Binding{}, err
		}
		if k.Kind != hivetype.Binary {
			t = text
		}
		if i > 0 {
			result = joined(result, a.Type)
		}
	}
	if bounded(result) {
		return same(args, text, result), nil
	}
	return same(args, t, t), nil
}

// bounded reports whether a type is char or varchar.
func bounded(t hivetype.Type) bool { return t.Kind == hivetype.Char || t.Kind == hivetype.Varchar }

// joined is the type of two values of bounded types behind each other, or else string.
func joined(a, b hivetype.Type) hivetype.Type {
	if !bounded(a) || !bounded(b) {
		return text
	}
	n := a.Length + b.Length
	switch {
	case a.Kind == hivetype.Char && b.Kind == hivetype.Char && n <= hivetype.MaxChar:
		return hivetype.CharOf(n)
	case (a.Kind == hivetype.Varchar || b.Kind == hivetype.Varchar) && n <= hivetype.MaxVarchar:
		return hivetype.VarcharOf(n)
	}
	return text
}

// bindCase binds upper and lower, which keep the type of a char or varchar.
func bindCase(args []Arg) (Binding, error) {
	b, err := sig("string->string")(args)
	if err == nil && bounded(args[0].Type) {
		b.Result = args[0].Type
	}
	return b, err
}

func bindConcatWith(args []Arg) (Binding, error) {
	if err := arity(args, 2, -1); err != nil {
		return Binding{}, err
	}
	b := same(args, text, text)
	for i, a := range args {
		switch {
		case i > 0 && a.Type.Kind == hivetype.Array && a.Type.Elem.Text():
			b.Args[i] = hivetype.ArrayOf(text)
		case !accepts(a.Type, text):
			return Binding{}, &TypeError{Index: i, Want: "a string or an array of strings", Got: a.Type}
		}
	}
	return b, nil
}

func bindFieldFunction(args []Arg) (Binding, error) {
	if err := arity(args, 2, -1); err != nil {
		return Binding{}, err
	}
	t, err := comparison(args)
	return same(args, t, hivetype.Of(hivetype.Int)), err
}
