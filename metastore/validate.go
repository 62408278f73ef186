package metastore

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
)

// Validate reports ErrInvalid, with the reason, for a database that no store may accept.
func (d *Database) Validate() error {
	if err := validName("database", d.Name); err != nil {
		return err
	}
	return validTexts("database "+d.Name, d.Parameters, d.Comment, d.Location, d.Owner)
}

// Validate reports ErrInvalid, with the reason, for a table that no store may accept: one
// without a name, of an unknown type, with two columns of the same name, with a type that
// cannot be written down, with a partition key that is not of a primitive type, or with text
// that is not UTF-8.
func (t *Table) Validate() error {
	if err := validName("database", t.Database); err != nil {
		return err
	}
	if err := validName("table", t.Name); err != nil {
		return err
	}
	switch t.Type {
	case Managed, External, View:
	default:
		return fmt.Errorf("%w table type %q", ErrInvalid, t.Type)
	}
	seen := map[string]bool{}
	for _, c := range t.Storage.Columns {
		if err := validColumn(c, seen); err != nil {
			return err
		}
	}
	for _, c := range t.PartitionKeys {
		if err := validColumn(c, seen); err != nil {
			return err
		}
		if !c.Type.Primitive() || c.Type.Kind == hivetype.Void {
			return fmt.Errorf("%w partition key %s: the type %s cannot be that of a key", ErrInvalid, c.Name, c.Type)
		}
	}
	if err := t.Storage.Validate(); err != nil {
		return err
	}
	return validTexts("table", t.Parameters, t.Owner, t.ViewOriginalText, t.ViewExpandedText)
}

// Validate reports ErrInvalid, with the reason, for a descriptor that cannot be stored.
func (d *StorageDescriptor) Validate() error {
	for _, c := range d.Columns {
		if err := validColumn(c, map[string]bool{}); err != nil {
			return err
		}
	}
	texts := append([]string{d.Location, d.InputFormat, d.OutputFormat, d.SerDe.Name, d.SerDe.Library},
		d.BucketColumns...)
	if err := validTexts("storage descriptor", d.Parameters, texts...); err != nil {
		return err
	}
	return validTexts("serde", d.SerDe.Parameters)
}

func validName(what, name string) error {
	if name == "" {
		return fmt.Errorf("%w name: a %s needs one", ErrInvalid, what)
	}
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || r == '.' || r == '/' || r == utf8.RuneError }
	if strings.ContainsFunc(name, bad) {
		return fmt.Errorf("%w %s name %q: dots, slashes and control characters are not allowed",
			ErrInvalid, what, name)
	}
	return nil
}

func validColumn(c Column, seen map[string]bool) error {
	name := strings.ToLower(c.Name)
	switch {
	case name == "":
		return fmt.Errorf("%w column: it has no name", ErrInvalid)
	case seen[name]:
		return fmt.Errorf("%w columns: %s is there twice", ErrInvalid, c.Name)
	case !utf8.ValidString(c.Name) || !utf8.ValidString(c.Comment):
		return fmt.Errorf("%w column %q: name or comment is not UTF-8", ErrInvalid, c.Name)
	}
	seen[name] = true
	if again, err := hivetype.Parse(c.Type.String()); err != nil || !again.Equal(c.Type) {
		return fmt.Errorf("%w column %s: the type %s cannot be written down", ErrInvalid, c.Name, c.Type)
	}
	return nil
}

func validTexts(what string, parameters map[string]string, texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%w %s: %q is not UTF-8", ErrInvalid, what, s)
		}
	}
	for key, value := range parameters {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("%w %s: the parameter %q is not UTF-8", ErrInvalid, what, key)
		}
	}
	return nil
}
