// Package s3store is S3 as a storage.Bucket: Amazon's, MinIO, and whatever else speaks the
// same protocol.
//
//	c, err := s3store.New(s3store.Config{Endpoint: "http://127.0.0.1:9000", AccessKey: id, SecretKey: secret})
//	b := c.Bucket("lake")
//	for o, err := range b.List(ctx, "flights/") {
//		...
//	}
//
// # What is carried, and what is checked
//
// Every object is written with its CRC32C, and the server is made to compute it too: a small
// object is one PUT that names the checksum up front, a larger one is a multipart upload
// whose parts each name theirs and whose end names the checksum of the whole (S3 calls that
// FULL_OBJECT). A Commit that succeeds has therefore been checked by the server against the
// bytes this process was given. Reading a whole object asks for the checksum and verifies it
// at the end. Objects that others wrote may have a checksum of checksums (COMPOSITE) or
// none; theirs is unknown, and their reads rest on TCP, TLS and the length.
//
// # What it costs
//
// On small objects the price of a copy is the number of requests and of new connections; on
// big ones it is hashing. So: no HEAD where a listing or a response has said it already, as
// many idle connections as there are workers, no MD5, and no SHA-256 of a payload whose
// CRC32C the server checks.
//
// # Attributes, versions, batches
//
// Storage class, headers, tags, ACLs and encryption travel with the request that writes an
// object; none costs one of its own. A customer's key (SSE-C) belongs to the Client. Reading
// tells all of them but tags and ACL, which [Bucket.Tags] and [Bucket.ACL] ask for. Copies on
// the server keep metadata and tags unless they are told otherwise.
//
// MinIO takes many small objects by one request ([Bucket.WriteBatch]). It keeps no CRC32C of
// these: each is checked by its MD5 when it is written, and by nothing when it is read.
//
// # Limits
//
// Parts are at least 5 MiB and at most 10,000 of them make an object. Writers hold one part
// in memory, from a pool that all writers of a Client share. Keys are UTF-8 of at most 1024
// bytes, for that is what the protocol can carry.
//
// MinIO keeps objects in directories. It takes no key with "//", "." or ".." in it and takes
// "/a" for "a"; such keys are refused here, except at Amazon, which holds them. An object
// below another one ("a/b" beside "a") can be written and read at MinIO, but is not listed
// until the upper one is gone: data laid out like that cannot be copied from there by
// listing it.
//
// The package is the only one that knows minio-go. It knows nothing of other stores, and
// copies on the server only between buckets of one endpoint and one set of credentials.
package s3store
