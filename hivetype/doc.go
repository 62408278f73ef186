// Package hivetype is Hive's type system: parsing and printing types and values, comparing
// values, and the rules by which one type becomes another.
//
//	t, err := hivetype.Parse("array<struct<a:int,b:decimal(10,2)>>")
//	c, ok := hivetype.Common(hivetype.Of(hivetype.Int), hivetype.Of(hivetype.String))
//
// It is a leaf: it knows no table, no expression and no engine, and imports only the standard
// library. The order of kinds, the spelling of types and the rules of conversion are those of
// Hive 3 and 4; where the two differ the function's comment says which one is followed.
package hivetype
