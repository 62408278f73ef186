package partitions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// Escape writes s as part of a directory name: control characters and " # % ' * / : = ? \ DEL
// { [ ] ^ become %XX, and the empty string DefaultName. Blanks, } and everything beyond ASCII
// stay. The set is Hive's, so that both find each other's directories.
func Escape(s string) string {
	if s == "" {
		return DefaultName
	}
	n := 0
	for i := range len(s) {
		if escaped(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; escaped(c) {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

func escaped(c byte) bool {
	return c < ' ' || strings.IndexByte("\"#%'*/:=?\\\x7f{[]^", c) >= 0
}

// Unescape is the inverse of Escape. It is as tolerant as Hive: a % without two hexadecimal
// digits after it stands for itself, and %80 to %FF are the characters of these numbers.
func Unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if code, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteRune(rune(code))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Find returns the index of the key of that name, ignoring case, or -1.
func (k Keys) Find(name string) int {
	for i := range k {
		if strings.EqualFold(k[i].Name, name) {
			return i
		}
	}
	return -1
}

// Names lists the names of the keys, in order.
func (k Keys) Names() []string {
	names := make([]string, len(k))
	for i := range k {
		names[i] = k[i].Name
	}
	return names
}

// Name is the name of the partition with the values v, which is also its directory below the
// table's: ds=2024-01-01/hr=3. It fails only when there are not as many values as keys.
func (k Keys) Name(v Values) (string, error) {
	if len(v) != len(k) {
		return "", fmt.Errorf("%d values for the %d partition keys (%s)", len(v), len(k),
			strings.Join(k.Names(), ", "))
	}
	var b strings.Builder
	for i := range k {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(Escape(strings.ToLower(k[i].Name)))
		b.WriteByte('=')
		b.WriteString(Escape(v[i]))
	}
	return b.String(), nil
}

// ParseName reads a name made by Name, or a directory made by somebody else: names of keys in
// any case, fewer escapes, a slash at the end. The keys must be those of k, in order. An empty
// value is DefaultName.
func (k Keys) ParseName(name string) (Values, error) {
	rest := strings.TrimSuffix(name, "/")
	if n := strings.Count(rest, "/") + 1; n != len(k) {
		return nil, fmt.Errorf("partition name %q has %d parts, but there are %d partition keys (%s)", name,
			n, len(k), strings.Join(k.Names(), ", "))
	}
	v := make(Values, len(k))
	for i := range v {
		var field string
		field, rest, _ = strings.Cut(rest, "/")
		value, err := k[i].parseField(field)
		if err != nil {
			return nil, fmt.Errorf("partition name %q: %w", name, err)
		}
		v[i] = value
	}
	return v, nil
}

// parseField reads one directory of a name.
func (k Key) parseField(field string) (string, error) {
	key, value, ok := strings.Cut(field, "=")
	if !ok {
		return "", fmt.Errorf("%q is not of the form %s=value", field, k.Name)
	}
	if !strings.EqualFold(Unescape(key), k.Name) {
		return "", fmt.Errorf("found key %q where %q was expected", Unescape(key), k.Name)
	}
	if value == "" {
		return DefaultName, nil
	}
	return Unescape(value), nil
}

// Normalize puts values as a user writes them into the text Hive keeps: 007 of an int key is 7,
// 2024-1-5 of a date is 2024-01-05, and the empty string is DefaultName. A value that is not of
// its key's type is an error that names both.
func (k Keys) Normalize(v Values) (Values, error) {
	if len(v) != len(k) {
		return nil, fmt.Errorf("%d values for the %d partition keys (%s)", len(v), len(k),
			strings.Join(k.Names(), ", "))
	}
	out := make(Values, len(v))
	for i, value := range v {
		text, err := k[i].Normalize(value)
		if err != nil {
			return nil, err
		}
		out[i] = text
	}
	return out, nil
}

// Normalize is Keys.Normalize for one key.
func (k Key) Normalize(value string) (string, error) {
	if value == "" || value == DefaultName {
		return DefaultName, nil
	}
	parsed, ok := hivetype.ParseValue(value, k.Type)
	if ok && k.Type.Integer() {
		ok = strings.Trim(value, "+-0123456789") == "" // no silent cut of 1.5
	}
	if !ok {
		return "", fmt.Errorf("partition key %s: %q is not a valid %s", k.Name, value, k.Type)
	}
	switch k.Type.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Binary:
		if value != string(hivetype.AppendText(nil, parsed, k.Type)) {
			return "", fmt.Errorf("partition key %s: %q does not fit into %s", k.Name, value, k.Type)
		}
		return value, nil
	case hivetype.Char:
		text := strings.TrimRight(value, " ")
		if text != strings.TrimRight(parsed.(string), " ") {
			return "", fmt.Errorf("partition key %s: %q does not fit into %s", k.Name, value, k.Type)
		}
		return text, nil
	case hivetype.Decimal:
		text := string(hivetype.AppendText(nil, parsed, k.Type))
		if strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		return text, nil
	}
	return string(hivetype.AppendText(nil, parsed, k.Type)), nil
}
