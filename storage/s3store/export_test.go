package s3store

import "context"

// SetCopyLimit makes objects beyond n bytes be copied in parts.
func (c *Client) SetCopyLimit(n int64) { c.copyLimit = n }

// PendingUploads lists the keys of unfinished multipart uploads.
func (b *Bucket) PendingUploads(ctx context.Context) ([]string, error) {
	r, err := b.c.core.ListMultipartUploads(ctx, b.name, "", "", "", "", 1000)
	var keys []string
	for _, u := range r.Uploads {
		keys = append(keys, u.Key)
	}
	return keys, err
}
