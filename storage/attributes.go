package storage

import (
	"context"
	"fmt"
)

// Headers are what HTTP tells of a representation besides its type. Stores that keep them
// give them back as they were given.
type Headers struct {
	CacheControl       string
	ContentDisposition string
	ContentEncoding    string
	ContentLanguage    string
	Expires            string // a date as HTTP has it
}

// EncryptionMode is who holds the key of an object that the store encrypts.
type EncryptionMode string

// The modes that S3 knows. With a customer's key (SSE-C) an object can be read only by who
// has it, so that key belongs to the whole client and not to one object.
const (
	EncryptDefault EncryptionMode = ""        // as the bucket is set up
	EncryptS3      EncryptionMode = "AES256"  // the store's key
	EncryptKMS     EncryptionMode = "aws:kms" // a key of the key management service
)

// Encryption is how a store is to encrypt one object. The zero value leaves it to the store.
type Encryption struct {
	Mode  EncryptionMode
	KeyID string // for EncryptKMS; empty is the service's default key
}

// Demands reports, as ErrUnsupported, the first of the options that a store without storage
// classes, encryption and ACLs cannot honour. Such stores call it before anything else.
func (o CreateOptions) Demands() error {
	switch {
	case o.StorageClass != "":
		return fmt.Errorf("storage class %s is %w", o.StorageClass, ErrUnsupported)
	case o.Encryption != Encryption{}:
		return fmt.Errorf("encryption %s is %w", o.Encryption.Mode, ErrUnsupported)
	case o.ACL != "":
		return fmt.Errorf("ACL %s is %w", o.ACL, ErrUnsupported)
	}
	return nil
}

// Demands reports, as ErrUnsupported, the option that a store without versions cannot honour.
func (o ReadOptions) Demands() error {
	if o.VersionID != "" {
		return fmt.Errorf("version %s: versions of objects are %w", o.VersionID, ErrUnsupported)
	}
	return nil
}

// AttributeReader is a Bucket that keeps attributes which reading an object does not tell.
// Each method costs a request. An empty versionID means the newest version.
type AttributeReader interface {
	// Tags returns the tags of an object; Object.TagCount says whether asking is worth it.
	Tags(ctx context.Context, key, versionID string) (map[string]string, error)
	// ACL returns the canned ACL that an object's grants amount to, "" for those that none
	// does.
	ACL(ctx context.Context, key, versionID string) (string, error)
}

// CopyOptions say in what a copy within a store differs from its source. The zero value
// copies the content with its content type, headers, metadata and tags. Storage class,
// encryption and ACL are never copied: they are those of To.
type CopyOptions struct {
	To CreateOptions // Size and PartSize are not used

	ReplaceMetadata bool // content type, headers and metadata are those of To
	ReplaceTags     bool // the tags are those of To
}

// OptionCopier is a [ServerCopier] that can give the copy attributes of its own.
type OptionCopier interface {
	ServerCopier
	// CopyWith is CopyFrom with options. It reports ErrUnsupported, naming what, where the
	// store cannot do what they ask for. Of srcObject it honours VersionID too.
	CopyWith(ctx context.Context, key string, src Bucket, srcObject Object, opts CopyOptions) (Object, error)
}
