package metastore

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// CheckTypeChanges reports ErrInvalid where a column would get a type in which the files that are
// there cannot be read, as Hive's metastore does while
// hive.metastore.disallow.incompatible.col.type.changes is true. Columns are compared by their
// position; what comes after the end of either list does not count. A type may become another of
// its own kind (decimal(5,2) decimal(9,4), any struct any other), a wider number, or text; text may
// become double or decimal.
func CheckTypeChanges(before, after []Column) error {
	var wrong []string
	for i := range before[:min(len(before), len(after))] {
		if !compatible(before[i].Type.Kind, after[i].Type.Kind) {
			wrong = append(wrong, after[i].Name)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: The following columns have types incompatible with the existing columns in their respective positions :\n%s",
		ErrInvalid, strings.Join(wrong, ","))
}

func compatible(from, to hivetype.Kind) bool {
	text := func(k hivetype.Kind) bool {
		return k == hivetype.String || k == hivetype.Varchar || k == hivetype.Char
	}
	width := func(k hivetype.Kind) int {
		switch k {
		case hivetype.TinyInt:
			return 1
		case hivetype.SmallInt:
			return 2
		case hivetype.Int:
			return 3
		case hivetype.BigInt:
			return 4
		case hivetype.Decimal:
			return 5
		case hivetype.Float:
			return 6
		case hivetype.Double:
			return 7
		}
		return 0
	}
	primitive := hivetype.Of(from).Primitive() && hivetype.Of(to).Primitive()
	switch {
	case from == to:
		return true
	case !primitive:
		return false
	case from == hivetype.Void || text(from) && text(to):
		return true
	case width(from) > 0 && width(to) > 0:
		return width(from) < width(to)
	case text(from):
		return to == hivetype.Double || to == hivetype.Decimal
	}
	return text(to) && (width(from) > 0 || from == hivetype.Date || from == hivetype.Timestamp || from == hivetype.TimestampLocalTZ)
}
