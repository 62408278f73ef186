package metastore

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/hivetype"
)

// MaxName is the length of the name of a database, table, function or constraint, in bytes.
const MaxName = 256

// MaxPartitionName is the length of the name of a partition, with its escapes, in bytes: that of a
// key of S3.
const MaxPartitionName = 1024

// Validate reports ErrInvalid, with the reason, for a database that no store may accept.
func (d *Database) Validate() error {
	if err := validName("database", d.Name); err != nil {
		return err
	}
	return validTexts("database "+d.Name, d.Parameters, d.Comment, d.Location, d.Owner, d.OwnerType)
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
	return validTexts("table", t.Parameters, t.Owner, t.OwnerType, t.ViewOriginalText, t.ViewExpandedText)
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
	if k := d.Skewed; k != nil {
		texts = append(texts, k.Columns...)
		for _, v := range k.Values {
			if len(v) != len(k.Columns) {
				return fmt.Errorf("%w storage descriptor: %d skewed values for %d skewed columns", ErrInvalid, len(v), len(k.Columns))
			}
			texts = append(texts, v...)
		}
		for _, l := range k.Locations {
			texts = append(append(texts, l.Values...), l.Location)
		}
	}
	if err := validTexts("storage descriptor", d.Parameters, texts...); err != nil {
		return err
	}
	return validTexts("serde", d.SerDe.Parameters)
}

// Validate reports ErrInvalid, with the reason, for a function that no store may accept.
func (f *Function) Validate() error {
	if err := validName("database", f.Database); err != nil {
		return err
	}
	if err := validName("function", f.Name); err != nil {
		return err
	}
	return validTexts("function", nil, f.Class, f.Owner, f.OwnerType, f.Type, f.Text)
}

// Validate reports ErrInvalid, with the reason, for a constraint that no store may accept.
func (c *Constraint) Validate() error {
	if err := validName("constraint", c.Name); err != nil {
		return err
	}
	switch c.Kind {
	case ForeignKey:
		if c.Parent.Name == "" || len(c.References) != len(c.Columns) {
			return fmt.Errorf("%w constraint %s: a foreign key refers to as many columns of a table as it has", ErrInvalid, c.Name)
		}
	case PrimaryKey, Unique, NotNull, Default, Check:
	default:
		return fmt.Errorf("%w constraint %s: unknown kind %q", ErrInvalid, c.Name, c.Kind)
	}
	return validTexts("constraint", nil, append(append([]string{c.Expression}, c.Columns...), c.References...)...)
}

func validName(what, name string) error {
	if name == "" {
		return fmt.Errorf("%w name: a %s needs one", ErrInvalid, what)
	}
	if len(name) > MaxName {
		return fmt.Errorf("%w %s name: it has %d bytes, and the limit is %d", ErrInvalid, what, len(name), MaxName)
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
		if strings.Contains(s, "\x00") { // PostgreSQL cannot keep it
			return fmt.Errorf("%w %s: %q contains a NUL character", ErrInvalid, what, s)
		}
	}
	for key, value := range parameters {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("%w %s: the parameter %q is not UTF-8", ErrInvalid, what, key)
		}
	}
	return nil
}
