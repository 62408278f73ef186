package s3store

// Bucket is one bucket of a Client, as a storage.Bucket. It is safe for concurrent use.
type Bucket struct {
	c    *Client
	name string
}

// Bucket returns the bucket of the given name, which need not exist yet.
func (c *Client) Bucket(name string) *Bucket { return &Bucket{c: c, name: name} }

// URL is "s3://name/".
func (b *Bucket) URL() string { return "s3://" + b.name + "/" }
