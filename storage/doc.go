// Package storage is what every kind of store looks like to the rest of skep: a flat,
// ordered namespace of immutable objects that appear whole or not at all.
//
// S3 buckets, local directory trees and the local block store differ in almost everything
// except what a copy or a query needs of them, and that is written down here once, as the
// contract of [Bucket]. The sub-packages implement it (filestore, blockstore, s3store), and
// storagetest proves each sentence of it on every one of them.
//
//	b, prefix, err := opener.Open(ctx, "s3://lake/flights/")
//	for o, err := range b.List(ctx, prefix) {
//		...
//	}
//
// Powers that only some stores have (copying on the server, uploading parts, being readable
// in place as local files) are one-method interfaces found with [As], which also looks
// through wrappers.
//
// The package knows nothing of any particular store, of Hive, or of what the bytes mean.
package storage
