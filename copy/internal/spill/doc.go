// Package spill keeps on disk what there may be too much of for memory: a Sorter puts records in order
// and a Store keeps pieces of bytes until they are asked for. Little is kept in memory, without a file.
//
//	s := spill.NewSorter("", 16<<20)
//	defer s.Close()
//	err := s.Add(key, value) // again and again
//	r, err := s.Read()
//	for key, value, err := r.Next(); err == nil; key, value, err = r.Next() {
//		...
//	}
//
// A Sorter sorts what fits into memory and writes it to a file, a run, compressed. Sixteen runs are merged into
// a longer one, sixteen of those into one that is longer still, so that few files are open however
// much there is, and each record is written once more for sixteen times as many records.
//
// The files are without names from the moment they are made: they are gone with the process, however
// it ends.
//
// The package knows bytes, and neither objects nor copies.
package spill
