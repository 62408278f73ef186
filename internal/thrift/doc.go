// Package thrift speaks Apache Thrift without generated code: structs carry their field numbers
// in tags, and everything else follows from the types.
//
//	type Table struct {
//		Name    string            `thrift:"1"`
//		Props   map[string]string `thrift:"9"`
//		CatName *string           `thrift:"17"`
//		Unknown thrift.Unknown
//	}
//
// Every field is optional when read: a pointer, slice or map says whether it was there. Fields
// that the struct does not have are kept in a field of type Unknown, if it has one, and written
// again; lists are accepted for sets and the other way round. So one struct serves all versions
// of a peer.
//
// The tag is the number, then options: "set" (a slice that is a set on the wire), "map" (a slice
// of structs with fields Key and Value, for keys that Go's maps cannot have), "omitempty" (the
// zero value is not written). Booleans, numbers and strings are written always, the rest unless
// nil. Kinds: bool, int8 to int64, float64, string, []byte, slices, maps, structs, pointers to
// them, *Spool, and Value for what is not known beforehand.
//
// Protocols are TBinary, strict and not, and TCompact; a Server finds out by the first bytes of
// a connection which of them a client speaks, and in what it wraps them: nothing, frames, SASL
// PLAIN, HTTP, each in TLS or not. What comes from the net is never trusted: Limits bound the
// size of a message, its nesting and its containers, and no memory is set aside because of a
// length that has only been claimed.
//
// The formats are described in the specifications thrift-binary-protocol, thrift-compact-protocol
// and thrift-rpc of the Thrift project. The package knows no service.
package thrift
