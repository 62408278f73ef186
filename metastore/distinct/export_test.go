package distinct

// HashLong is Hive's hash of a number.
func HashLong(n int64) uint64 { return hashLong(n) }
