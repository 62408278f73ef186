package partitions

import "github.com/skepdata/skep/hivetype"

// DefaultName is the directory name that stands for NULL, and for the empty string, which
// Hive cannot tell from it: ds=__HIVE_DEFAULT_PARTITION__.
const DefaultName = "__HIVE_DEFAULT_PARTITION__"

// Key is one column of PARTITIONED BY.
type Key struct {
	Name string // lower case
	Type hivetype.Type
}

// Keys are the partition columns of a table, in order. They give Values their meaning.
type Keys []Key

// Values are the values of one partition, one for each key in order, unescaped, in Hive's
// text form of the key's type. NULL is DefaultName.
type Values []string

// Spec is what stands between the parentheses of PARTITION (ds='2024-01-01', hr): a value for
// every static key; keys without one are dynamic.
type Spec []SpecField

// SpecField is one entry of a Spec.
type SpecField struct {
	Name  string // lower case
	Value string // unescaped; DefaultName for NULL
	Set   bool   // false for a dynamic key
}

// Predicate is a condition on partition keys: one of True, And, Or, Not, Compare, In, Like and
// IsNull. Conditions have three values, as in SQL: a comparison with the NULL partition is
// unknown, and a partition matches only where the whole is true. String prints the condition
// in the form that ParseFilter reads.
type Predicate interface {
	String() string
	predicate()
}

// Op is a comparison operator, spelled as in SQL.
type Op string

// The operators of Compare.
const (
	Eq Op = "="
	Ne Op = "<>"
	Lt Op = "<"
	Le Op = "<="
	Gt Op = ">"
	Ge Op = ">="
)

type (
	// True matches every partition. A nil Predicate means the same.
	True struct{}
	// And holds where all of its operands do; empty, it is True.
	And []Predicate
	// Or holds where at least one of its operands does; empty, it matches nothing.
	Or []Predicate
	// Not is the negation; not unknown is unknown.
	Not struct{ P Predicate }
	// Compare compares a key with a value by the key's type: numbers as numbers, dates as
	// dates, text by bytes.
	Compare struct {
		Key   string
		Op    Op
		Value string
	}
	// In holds where the key equals one of the values.
	In struct {
		Key    string
		Values []string
	}
	// Like matches SQL's % and _ against the key's text; \ escapes.
	Like struct {
		Key     string
		Pattern string
	}
	// IsNull holds for the DefaultName partition.
	IsNull struct{ Key string }
)

func (True) predicate()    {}
func (And) predicate()     {}
func (Or) predicate()      {}
func (Not) predicate()     {}
func (Compare) predicate() {}
func (In) predicate()      {}
func (Like) predicate()    {}
func (IsNull) predicate()  {}
