// Package metastoretest is the contract of metastore.Store as a test. Every implementation runs
// it:
//
//	metastoretest.Run(t, metastoretest.Config{New: func(t testing.TB) metastore.Store {
//		return open(t) // fresh and empty but for the default database; closed by the caller
//	}})
//
// Each subtest is one sentence of the contract and gets a store of its own. Bench measures what
// matters in use. The package knows no implementation.
package metastoretest
