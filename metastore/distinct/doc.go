// Package distinct estimates how many different values a column has, from little, and so that the
// estimates of parts can be put together: the HyperLogLog sketches that Hive keeps as the bit vectors
// of statistics of columns, in Hive's bytes and with Hive's hashes.
//
//	var a, b distinct.Sketch
//	a.AddLong(1)
//	b.AddLong(1)
//	b.AddLong(2)
//	a.Merge(&b)
//	n := a.Count() // 2
//	kept := a.Bytes()
//
// Up to 153 different values a sketch has an entry for each, of 5 bytes at most, and Count is exact
// but for one case in three thousand. From then on it has 1,024 registers in 384 to 768 bytes, and
// Count is within 3.3 % in two of three cases, and within 10 % in 997 of 1,000.
//
// The bytes are those of HyperLogLogUtils of Hive 3 and 4, at the precision of 10 bits that Hive itself
// writes; sketches of more bits, which older versions wrote, can be read. The hash is the first half of Murmur3 of 128
// bits in Hive's variant. The counting is by O. Ertl's improved estimator ("New cardinality estimation
// algorithms for HyperLogLog sketches", 2017), which needs no tables and is as good as theirs.
//
// The package knows values and bytes. It knows no column, no file and no metastore.
package distinct
