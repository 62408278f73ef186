package copier

import (
	"encoding/json"
	"unicode/utf8"
)

// exactText is text of any bytes in JSON, which has UTF-8 alone: a string where it can be, and
// otherwise an object with the bytes in base64. Names of local files and in block stores are such.
type exactText string

type exactBytes struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (t exactText) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(exactBytes{[]byte(t)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *exactText) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '{' {
		var b exactBytes
		err := json.Unmarshal(text, &b)
		*t = exactText(b.Base64)
		return err
	}
	return json.Unmarshal(text, (*string)(t))
}

// manifestBytes are the fields of a line whose text is not UTF-8, and which other programs see with
// signs in the place of what is not.
type manifestBytes struct {
	Path     []byte `json:"path,omitempty"`
	BaseName []byte `json:"baseName,omitempty"`
	SrcDir   []byte `json:"srcDir,omitempty"`
	Output   []byte `json:"output,omitempty"`
}

// keepBytes makes a line tell all bytes of its names.
func (l *manifestLine) keepBytes() {
	var b manifestBytes
	inexact := false
	for _, f := range l.names(&b) {
		if !utf8.ValidString(*f.text) {
			*f.bytes, inexact = []byte(*f.text), true
		}
	}
	if inexact {
		l.Bytes = &b
	}
}

// restoreBytes undoes keepBytes.
func (l *manifestLine) restoreBytes() {
	if l.Bytes == nil {
		return
	}
	for _, f := range l.names(l.Bytes) {
		if len(*f.bytes) > 0 {
			*f.text = string(*f.bytes)
		}
	}
}

type exactName struct {
	text  *string
	bytes *[]byte
}

func (l *manifestLine) names(b *manifestBytes) []exactName {
	return []exactName{{&l.Path, &b.Path}, {&l.BaseName, &b.BaseName}, {&l.SrcDir, &b.SrcDir}, {&l.Output, &b.Output}}
}
