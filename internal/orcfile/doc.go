// Package orcfile reads and writes what an ORC file says of itself: its postscript, its footer, the statistics of stripes
// and of the whole, and the compression that these and all streams have in common.
//
//	tail, err := orcfile.Read(readAt, size)
//	for i, s := range tail.Footer.Stripes { ... }
//
// Messages of Protocol Buffers are taken apart field by field ([Fields]) and put together by appending ([Message]);
// nobody generates code. What a stripe holds is the business of package orc, and of nobody here.
package orcfile
