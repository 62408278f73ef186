// Package footer reads what a Parquet file says of itself: its columns, where the parts of each lie,
// and between which values they are.
//
//	f, err := footer.Read(file, size)
//	for _, g := range f.Groups {
//		c := g.Chunks[f.Columns[0].Leaf]
//		bounds := f.Columns[0].Range(c, hivetype.Of(hivetype.BigInt))
//	}
//
// It is for planning: which row groups a query needs, what to fetch of them, and what can be
// answered without fetching. Only who writes files has Pages read values,
// to count the different ones. What a file does not say, or
// says in a way that is not understood, is not known, and whoever asks must do without.
//
// The format is that of parquet.thrift of the Apache Parquet project. The package knows files and
// Hive's types; it knows no store, no query and no engine.
package footer
