package metastore

import "strings"

// MatchPattern reports whether a name matches a pattern as in SHOW TABLES: * stands for any
// text, | separates alternatives, case does not matter, and the empty pattern matches all.
func MatchPattern(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	name = strings.ToLower(name)
	for alternative := range strings.SplitSeq(strings.ToLower(pattern), "|") {
		if matchStars(strings.TrimSpace(alternative), name) {
			return true
		}
	}
	return false
}

func matchStars(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	last := len(parts) - 1
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, part := range parts[1:last] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[last])
}
