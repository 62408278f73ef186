// Package partitions knows how Hive lays a table out in directories: the keys of PARTITIONED BY,
// names such as ds=2024-01-01/hr=3 and their escaping, specs as in PARTITION (ds='x', hr), and
// conditions on keys.
//
//	keys := partitions.Keys{{Name: "ds", Type: hivetype.Of(hivetype.String)}}
//	name, err := keys.Name(partitions.Values{"2024-01-01"})      // ds=2024-01-01
//	p, err := partitions.ParseFilter("ds >= '2024-01-01' AND ds LIKE '%-01'")
//	ok, err := keys.Match(p, partitions.Values{"2024-02-01"})    // true
//	dirs := keys.Prefixes(p)                                     // worth listing
//
// Values are text, as they are in directory names; the type of a key says how they compare. The
// text of a value is canonical when Normalize leaves it alone, but values found in directories
// need not be: hr=03 is the partition 3 of an int key, and stays "03" so that its directory is
// found again.
//
// Conditions written as text are parsed with the grammar of xwb1989/sqlparser, which sees only
// words, operators and numbered literals: strings are decoded here, in Hive's way.
//
// The package does no I/O and knows no storage: Discover reads a sequence of object names.
package partitions
