package copier

import (
	"context"
	"maps"
	"path"
	"strings"

	"github.com/skepdata/skep/storage"
)

// Attributes are what outputs have besides their content. Where the destination cannot keep the
// storage class, the encryption or the ACL, each output fails with ErrUnsupported.
type Attributes struct {
	StorageClass string // as the destination spells it; empty is its default
	// Encryption and ACL are also those of the manifest and of the records of a grouping job.
	Encryption storage.Encryption
	ACL        string // a canned one
	// Metadata is added to each output. Keys are in lower case.
	Metadata map[string]string
	// ContentType is that of all outputs, if not empty.
	ContentType string
	// DetectType gives outputs the content type that the suffix of their names stands for, where
	// the source has none, as local files do.
	DetectType bool

	// Sources of their own keep their content type, headers, metadata and tags. These leave
	// them out.
	DropMetadata, DropTags bool
	// PreserveTimes and PreserveMode give outputs of one source the time and the permissions that it
	// has as a local file, or those that its metadata tells, where they are local files. Other
	// outputs have them in their metadata: "mtime" and "mode". Set-user-ID and the like are not kept.
	PreserveTimes, PreserveMode bool
	// PreserveACL gives outputs of one source its ACL, if it is a canned one. It costs a
	// request for each.
	PreserveACL bool
}

// private are the options of what a job writes for itself.
func (a Attributes) private(contentType string, durable bool) storage.CreateOptions {
	return storage.CreateOptions{ContentType: contentType, Encryption: a.Encryption, ACL: a.ACL, Durable: durable}
}

// plain reports whether a copy by a server is the output wanted without saying more.
func (a Attributes) plain() bool {
	return a.StorageClass == "" && a.Encryption == (storage.Encryption{}) && a.ACL == "" && len(a.Metadata) == 0 &&
		a.ContentType == "" && !a.DropMetadata && !a.DropTags && !a.PreserveACL
}

// onServer reports whether servers can give outputs what they are to have of their sources.
func (j *job) onServer() bool {
	return !j.opts.Attributes.preserves() || !isFiles(j.src.Bucket) && !isFiles(j.dest.Bucket)
}

// createOptions are those of the output of t, of which the first source has been opened.
func (j *job) createOptions(ctx context.Context, t Task, first storage.Object) (storage.CreateOptions, error) {
	a := j.opts.Attributes
	opts := storage.CreateOptions{
		Size: t.Size(), Durable: j.opts.DeleteOnSuccess || j.ledger != nil,
		StorageClass: a.StorageClass, Encryption: a.Encryption, ACL: a.ACL,
	}
	if !t.raw() {
		opts.Size = 0
	}
	single := t.Sources.Len() == 1
	if !a.DropMetadata && t.raw() {
		opts.ContentType = first.ContentType
	}
	if !a.DropMetadata && single {
		opts.Metadata, opts.Headers = first.Metadata, first.Headers
	}
	if single {
		a.preserve(&opts, first)
	}
	var err error
	if single && !a.DropTags && first.TagCount > 0 && !isFiles(j.dest.Bucket) { // files have none
		opts.Tags, err = j.tags(ctx, t.Sources.First(), first)
	}
	if single && a.PreserveACL && err == nil {
		opts.ACL, err = j.acl(ctx, t.Sources.First(), first)
	}
	j.override(&opts, t.Key)
	return opts, err
}

// override sets what the options say of all outputs.
func (j *job) override(opts *storage.CreateOptions, key string) {
	a := j.opts.Attributes
	if len(a.Metadata) > 0 {
		all := maps.Clone(opts.Metadata)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, a.Metadata)
		opts.Metadata = all
	}
	if opts.ContentType == "" && a.DetectType {
		opts.ContentType = detectType(key)
	}
	if a.ContentType != "" {
		opts.ContentType = a.ContentType
	}
}

func (j *job) tags(ctx context.Context, s Source, o storage.Object) (map[string]string, error) {
	r, ok := storage.As[storage.AttributeReader](j.bucketOf(s))
	if !ok {
		return nil, nil
	}
	return r.Tags(ctx, s.Key, o.VersionID)
}

// acl is the canned ACL of a source, or that of the options where there is none.
func (j *job) acl(ctx context.Context, s Source, o storage.Object) (string, error) {
	r, ok := storage.As[storage.AttributeReader](j.bucketOf(s))
	if !ok {
		return j.opts.Attributes.ACL, nil
	}
	acl, err := r.ACL(ctx, s.Key, o.VersionID)
	if acl == "" {
		acl = j.opts.Attributes.ACL
	}
	return acl, err
}

// types are the content types that suffixes stand for, the same on every machine.
var types = map[string]string{
	".avro": "application/avro", ".bz2": "application/x-bzip2", ".csv": "text/csv", ".gz": "application/gzip",
	".css": "text/css; charset=utf-8", ".gif": "image/gif", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8",
	".png": "image/png", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8", ".json": "application/json", ".jsonl": "application/x-ndjson",
	".ndjson": "application/x-ndjson", ".orc": "application/vnd.apache.orc", ".parquet": "application/vnd.apache.parquet",
	".pdf": "application/pdf", ".tar": "application/x-tar", ".tsv": "text/tab-separated-values", ".txt": "text/plain; charset=utf-8",
	".log": "text/plain; charset=utf-8", ".xml": "application/xml", ".zip": "application/zip", ".zst": "application/zstd",
}

// detectType is the content type that the suffix of a name stands for, or nothing.
func detectType(name string) string {
	return types[strings.ToLower(path.Ext(name))]
}

// copyOnServer asks the destination for a copy of one source with the attributes wanted.
func (j *job) copyOnServer(ctx context.Context, t Task) (storage.Object, error) {
	s, a := t.Sources.First(), j.opts.Attributes
	key := j.dir + t.Key
	if a.plain() {
		return j.serverCopier.CopyFrom(ctx, key, j.src.Bucket, s.Object)
	}
	oc, ok := storage.As[storage.OptionCopier](j.dest.Bucket)
	if !ok {
		return storage.Object{}, storage.ErrUnsupported
	}
	opts := storage.CopyOptions{
		To:          storage.CreateOptions{StorageClass: a.StorageClass, Encryption: a.Encryption, ACL: a.ACL},
		ReplaceTags: a.DropTags, ReplaceMetadata: a.DropMetadata || len(a.Metadata) > 0 || a.ContentType != "",
	}
	if a.PreserveACL {
		acl, err := j.acl(ctx, s, s.Object)
		if err != nil {
			return storage.Object{}, err
		}
		opts.To.ACL = acl
	}
	if opts.ReplaceMetadata {
		if !a.DropMetadata || a.preserves() { // the server keeps all or nothing
			o, err := statSource(ctx, j.src.Bucket, s.Object)
			if err != nil {
				return storage.Object{}, err
			}
			if !a.DropMetadata {
				opts.To.ContentType, opts.To.Metadata, opts.To.Headers = o.ContentType, o.Metadata, o.Headers
			}
			a.preserve(&opts.To, o)
		}
		j.override(&opts.To, t.Key)
	}
	return oc.CopyWith(ctx, key, j.src.Bucket, s.Object, opts)
}
