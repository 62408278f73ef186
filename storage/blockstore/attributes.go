package blockstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/skepdata/skep/storage"
)

// Besides its content type and metadata an object has headers and tags, in the column more.

// rareAttributes are what the column more holds.
type rareAttributes struct {
	Headers rareHeaders       `json:"headers,omitzero"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// rareHeaders are storage.Headers with the names that they have in the namespace.
type rareHeaders struct {
	CacheControl       string `json:"cacheControl,omitempty"`
	ContentDisposition string `json:"contentDisposition,omitempty"`
	ContentEncoding    string `json:"contentEncoding,omitempty"`
	ContentLanguage    string `json:"contentLanguage,omitempty"`
	Expires            string `json:"expires,omitempty"`
}

// parse reads the columns metadata and more.
func (r *fileRow) parse(metadata, text string) error {
	if metadata != "" {
		if err := json.Unmarshal([]byte(metadata), &r.Metadata); err != nil {
			return fmt.Errorf("metadata of %q: %w", r.Key, err)
		}
	}
	if text == "" {
		return nil
	}
	var more rareAttributes
	if err := json.Unmarshal([]byte(text), &more); err != nil {
		return fmt.Errorf("attributes of %q: %w", r.Key, err)
	}
	r.Headers = storage.Headers(more.Headers)
	r.tags, r.TagCount = more.Tags, len(more.Tags)
	return nil
}

// attributes are the columns metadata and more.
func (r *fileRow) attributes() (metadata, more string, err error) {
	if len(r.Metadata) > 0 {
		text, err := json.Marshal(r.Metadata)
		if err != nil {
			return "", "", err
		}
		metadata = string(text)
	}
	if r.Headers != (storage.Headers{}) || len(r.tags) > 0 {
		text, err := json.Marshal(rareAttributes{rareHeaders(r.Headers), r.tags})
		if err != nil {
			return "", "", err
		}
		more = string(text)
	}
	return metadata, more, nil
}

// describe gives an object the content type, metadata and headers that the options tell.
func (r *fileRow) describe(opts storage.CreateOptions) {
	r.ContentType, r.Headers, r.Metadata = opts.ContentType, opts.Headers, nil
	if len(opts.Metadata) > 0 {
		r.Metadata = map[string]string{}
		for k, v := range opts.Metadata {
			r.Metadata[strings.ToLower(k)] = v
		}
	}
}

func (r *fileRow) tag(tags map[string]string) { r.tags, r.TagCount = maps.Clone(tags), len(tags) }

// Tags implements storage.AttributeReader.
func (b *Bucket) Tags(ctx context.Context, key, versionID string) (map[string]string, error) {
	row, err := b.attributesOf(ctx, key, versionID)
	return row.tags, err
}

// ACL implements storage.AttributeReader: there are none.
func (b *Bucket) ACL(ctx context.Context, key, versionID string) (string, error) {
	_, err := b.attributesOf(ctx, key, versionID)
	return "", err
}

func (b *Bucket) attributesOf(ctx context.Context, key, versionID string) (fileRow, error) {
	if err := (storage.ReadOptions{VersionID: versionID}).Demands(); err != nil {
		return fileRow{}, b.fail(ctx, "stat", key, err)
	}
	return b.stat(ctx, key)
}
