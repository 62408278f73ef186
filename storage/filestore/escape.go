package filestore

import (
	"fmt"
	"strings"
)

// The names that keys have as files, version 1. A key is any bytes and a path is not, so some keys
// are escaped. Segments between slashes are taken one by one, and those that can be names of
// files and have no caret stay as they are. Of others
//
//  1. NUL becomes "^@", and n carets before an '@', or before a NUL, become twice as many;
//  2. a name that cannot be, or is hidden, gets a caret in front, and so does such a name with
//     carets before it: "" is "^", "." is "^.", ".." is "^..", "^" is "^^";
//  3. a name of more than 255 bytes, or of 255 the last of which is a caret, becomes a directory
//     called like its first 254 bytes and a caret, which holds the rest, by the rules from 2 on.
//
// Each step can be undone, and each name that it could not have made stands for itself, so names
// that others have chosen are what they were, unless they look like an escape.
const (
	mark    = '^'
	nul     = '@'
	maxName = 255 // bytes, on the file systems of Linux
)

// PathOf is the path of a key below the root, without a slash in front. A key that ends with
// a slash is a file called "^".
func PathOf(key string) string {
	plain := true
	for segment := range strings.SplitSeq(key, "/") {
		plain = plain && isPlain(segment)
	}
	if plain {
		return key
	}
	path := make([]byte, 0, len(key)+16)
	for segment := range strings.SplitSeq(key, "/") {
		path = append(appendNames(path, segment), '/')
	}
	return string(path[:len(path)-1])
}

// isPlain tells whether a segment is surely its own name; there are others that are.
func isPlain(segment string) bool {
	return segment != "" && len(segment) < maxName && segment[0] != '.' &&
		strings.IndexByte(segment, mark) < 0 && strings.IndexByte(segment, 0) < 0
}

// appendNames appends the name of a segment, or the names of the directories and the file that
// it takes.
func appendNames(path []byte, segment string) []byte {
	if isPlain(segment) {
		return append(path, segment...)
	}
	name := shield(escapeNUL(segment))
	for len(name) > maxName || isHead(name) {
		path = append(append(path, name[:maxName-1]...), mark, '/')
		name = shield(name[maxName-1:])
	}
	return append(path, name...)
}

// isHead tells whether a directory of this name holds the rest of a longer one.
func isHead(name string) bool { return len(name) == maxName && name[maxName-1] == mark }

// shield makes a name of what may not be one.
func shield(s string) string {
	if unfit(strings.TrimLeft(s, string(mark))) {
		return string(mark) + s
	}
	return s
}

// unshield undoes shield.
func unshield(name string) string {
	if name[0] == mark && unfit(strings.TrimLeft(name, string(mark))) {
		return name[1:]
	}
	return name
}

// unfit tells whether s cannot be a name of an object's file.
func unfit(s string) bool { return s == "" || s == "." || s == ".." || isHidden(s) }

func escapeNUL(s string) string {
	if strings.IndexByte(s, 0) < 0 && !strings.Contains(s, string([]byte{mark, nul})) {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	marks := 0 // just before
	for i := range len(s) {
		switch c := s[i]; c {
		case mark:
			marks++
			out = append(out, c)
			continue
		case 0, nul:
			for range marks {
				out = append(out, mark)
			}
			if c == 0 {
				out = append(out, mark)
			}
			out = append(out, nul)
		default:
			out = append(out, c)
		}
		marks = 0
	}
	return string(out)
}

// unescapeNUL undoes escapeNUL.
func unescapeNUL(s string) string {
	if !strings.Contains(s, string([]byte{mark, nul})) {
		return s
	}
	out := make([]byte, 0, len(s))
	marks := 0 // just before
	for i := range len(s) {
		c := s[i]
		switch c {
		case mark:
			marks++
			out = append(out, c)
			continue
		case nul:
			out = out[:len(out)-(marks+1)/2]
			if marks%2 == 1 {
				c = 0
			}
		}
		out = append(out, c)
		marks = 0
	}
	return string(out)
}

// KeyOf is the key of the file at a path below the root, which has no slash in front. One that
// ends with a slash gives what the keys of all files below it begin with.
func KeyOf(path string) string {
	if strings.IndexByte(path, mark) < 0 {
		return path
	}
	var key []byte
	for rest := path; rest != ""; {
		var segment string
		segment, rest = cutSegment(rest)
		key = append(append(key, unescapeNUL(segment)...), '/')
	}
	if !strings.HasSuffix(path, "/") {
		key = key[:len(key)-1]
	}
	return string(key)
}

// cutSegment takes the names of one segment from the front of a path. What is left is empty, or is
// what follows the slash.
func cutSegment(path string) (segment, rest string) {
	name, rest, more := strings.Cut(path, "/")
	switch {
	case more && isHead(name) && rest != "":
		tail, rest := cutSegment(rest)
		return unshield(name[:maxName-1] + tail), rest
	case name == "":
		return "", rest
	}
	return unshield(name), rest
}

// misnamed is the error about a file whose name looks like an escape and is none.
func misnamed(path string) error {
	return fmt.Errorf("the name of %q looks like an escaped one and is none; rename it", path)
}
