// Package storagetest proves that a store keeps the contract of [storage.Bucket], and holds
// the buckets that other packages test with.
//
// [Run] is the conformance suite: one subtest for each sentence of the contract. Every store
// passes it, on the real thing (a MinIO server, a disk), and each store's hookup is a few lines:
//
//	func TestBucket(t *testing.T) {
//		storagetest.Run(t, storagetest.Config{
//			New: func(t testing.TB) storage.Bucket { return mystore.New(t.TempDir()) },
//		})
//	}
//
// [RunBenchmarks] measures the same operations on any store.
//
// [Mem] is a complete Bucket in memory: it passes the suite, so it stands wherever a test
// needs some store and not a particular one. [Faulty] makes chosen operations of any bucket
// fail, and [Counting] tells which operations a piece of code cost:
//
//	c := storagetest.NewCounting(storagetest.NewMem("mem://lake/"))
//	... // run a query for one day
//	c.Opens() // the keys that were read, and no others
//
// The package is imported by tests alone, and knows no particular store.
package storagetest
