package storagetest

import (
	"context"
	"fmt"
	"maps"

	"github.com/skepdata/skep/storage"
)

// CopyFrom implements storage.ServerCopier, from any Mem.
func (m *Mem) CopyFrom(
	ctx context.Context, key string, src storage.Bucket, srcObject storage.Object,
) (storage.Object, error) {
	return m.CopyWith(ctx, key, src, srcObject, storage.CopyOptions{})
}

// CopyWith implements storage.OptionCopier, from any Mem.
func (m *Mem) CopyWith(
	ctx context.Context, key string, src storage.Bucket, srcObject storage.Object, opts storage.CopyOptions,
) (storage.Object, error) {
	from, ok := storage.As[*Mem](src)
	if !ok {
		return storage.Object{}, m.fail("copy", key, storage.ErrUnsupported)
	}
	if opts.To.Encryption != (storage.Encryption{}) {
		return storage.Object{}, m.fail("copy", key, fmt.Errorf("encryption is %w", storage.ErrUnsupported))
	}
	old, err := from.get(ctx, "copy", srcObject.Key)
	if err != nil {
		return storage.Object{}, err
	}
	if srcObject.ETag != "" && srcObject.ETag != old.ETag {
		return storage.Object{}, from.fail("copy", srcObject.Key, storage.ErrChanged)
	}
	v := &version{Object: withOwnMetadata(old.Object), content: old.content, tags: old.tags, acl: opts.To.ACL}
	v.Key, v.StorageClass = key, opts.To.StorageClass
	if opts.ReplaceMetadata {
		v.describe(opts.To)
	}
	if opts.ReplaceTags {
		v.tags = maps.Clone(opts.To.Tags)
	}
	return m.put(v)
}

// Tags implements storage.AttributeReader.
func (m *Mem) Tags(ctx context.Context, key, versionID string) (map[string]string, error) {
	v, err := m.attributes(ctx, key, versionID)
	if err != nil {
		return nil, err
	}
	return maps.Clone(v.tags), nil
}

// ACL implements storage.AttributeReader.
func (m *Mem) ACL(ctx context.Context, key, versionID string) (string, error) {
	v, err := m.attributes(ctx, key, versionID)
	if err != nil {
		return "", err
	}
	return v.acl, nil
}

func (m *Mem) attributes(ctx context.Context, key, versionID string) (*version, error) {
	if err := (storage.ReadOptions{VersionID: versionID}).Demands(); err != nil {
		return nil, m.fail("stat", key, err)
	}
	return m.get(ctx, "stat", key)
}
