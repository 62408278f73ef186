package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// attributeFlags say what outputs have besides their content.
type attributeFlags struct {
	class, encryption, kmsKey, acl string
	preserve, contentType          string
	metadata                       []string
}

func (a *attributeFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&a.class, "storageClass", "", "S3 storage `class` of the outputs, as STANDARD_IA")
	f.StringVar(&a.encryption, "s3ServerSideEncryption", "", "let S3 encrypt the outputs, with keys of `AES256` (its own, the default) or aws:kms")
	f.Lookup("s3ServerSideEncryption").NoOptDefVal = string(storage.EncryptS3)
	f.StringVar(&a.kmsKey, "kmsKeyId", "", "`id` of the key of AWS KMS to encrypt the outputs with")
	f.StringVar(&a.acl, "acl", "", "canned `ACL` of the outputs, as bucket-owner-full-control")
	f.StringVar(&a.preserve, "preserve", "meta,tags", "what outputs keep of their source: a `list` of meta, tags, times, mode and acl, or none")
	f.StringArrayVar(&a.metadata, "metadata", nil, "`name=value` to add to the metadata of each output; may be repeated")
	f.StringVar(&a.contentType, "contentType", "auto", "content `type` of the outputs; auto is the source's, or by the suffix; none is the source's")
}

// storageClasses are those that S3 knows.
func storageClasses() []string {
	return []string{
		"STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY",
		"GLACIER", "GLACIER_IR", "DEEP_ARCHIVE", "EXPRESS_ONEZONE", "OUTPOSTS", "SNOW",
	}
}

// cannedACLs are those that S3 knows for objects.
func cannedACLs() []string {
	return []string{
		"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
		"bucket-owner-read", "bucket-owner-full-control",
	}
}

// attributes are what the flags mean.
func (a *attributeFlags) attributes(f *pflag.FlagSet) (copier.Attributes, error) {
	out := copier.Attributes{StorageClass: a.class, ACL: a.acl, DetectType: a.contentType == "auto"}
	switch {
	case f.Changed("storageClass") && !slices.Contains(storageClasses(), a.class):
		return out, usagef("--storageClass: %q is not a storage class; use one of %s", a.class, strings.Join(storageClasses(), ", "))
	case f.Changed("acl") && !slices.Contains(cannedACLs(), a.acl):
		return out, usagef("--acl: %q is not a canned ACL; use one of %s", a.acl, strings.Join(cannedACLs(), ", "))
	case a.contentType == "":
		return out, usagef("--contentType is empty; use a type, auto or none")
	case strings.ContainsFunc(a.contentType, unicode.IsControl):
		return out, usagef("--contentType %q is not a content type", a.contentType)
	case a.contentType != "auto" && a.contentType != "none":
		out.ContentType = a.contentType
	}
	var err error
	if out.Encryption, err = a.encrypt(); err != nil {
		return out, err
	}
	if err := a.keep(&out); err != nil {
		return out, err
	}
	for _, pair := range a.metadata {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || strings.ContainsAny(name, " :\r\n") || strings.ContainsAny(value, "\r\n") {
			return out, usagef("--metadata %q: want name=value", pair)
		}
		if out.Metadata == nil {
			out.Metadata = map[string]string{}
		}
		out.Metadata[strings.ToLower(name)] = value
	}
	return out, nil
}

func (a *attributeFlags) encrypt() (storage.Encryption, error) {
	e := storage.Encryption{Mode: storage.EncryptionMode(a.encryption), KeyID: a.kmsKey}
	switch {
	case e.KeyID != "" && (e.Mode == "" || e.Mode == storage.EncryptS3):
		e.Mode = storage.EncryptKMS // EMR has two settings, of which the key decides
	case e.Mode != "" && e.Mode != storage.EncryptS3 && e.Mode != storage.EncryptKMS:
		return e, usagef("--s3ServerSideEncryption: %q is neither AES256 nor aws:kms", a.encryption)
	}
	return e, nil
}

func (a *attributeFlags) keep(out *copier.Attributes) error {
	out.DropMetadata, out.DropTags = true, true
	for word := range strings.SplitSeq(a.preserve, ",") {
		switch word {
		case "meta":
			out.DropMetadata = false
		case "tags":
			out.DropTags = false
		case "acl":
			out.PreserveACL = true
		case "times":
			out.PreserveTimes = true
		case "mode":
			out.PreserveMode = true
		case "none":
			if a.preserve != "none" {
				return usagef("--preserve: none stands alone")
			}
		case "owner":
			return usagef("--preserve: %s is not supported yet; use meta, tags, times, mode and acl", word)
		default:
			return usagef("--preserve: %q is not one of meta, tags, times, mode, acl and none", word)
		}
	}
	return nil
}

// checkDestination refuses what only S3 can keep at another destination.
func checkDestination(a copier.Attributes, dest storage.Location) error {
	if strings.HasPrefix(dest.Bucket.URL(), "s3://") {
		return checkMetadata(a.Metadata)
	}
	for flag, used := range map[string]bool{
		"storageClass": a.StorageClass != "", "s3ServerSideEncryption": a.Encryption != (storage.Encryption{}),
		"acl": a.ACL != "", "preserve=acl": a.PreserveACL,
	} {
		if used {
			return usagef("--%s is for s3:// destinations, %s is none", flag, dest.URL())
		}
	}
	return nil
}

// checkMetadata refuses metadata that S3 cannot keep.
func checkMetadata(metadata map[string]string) error {
	size := 0
	for name, value := range metadata {
		if strings.ContainsFunc(name, func(r rune) bool { return r > '~' || r <= ' ' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
			return usagef("--metadata: the name %q cannot be that of a header, which S3 makes of it", name)
		}
		size += len(name) + len(value)
	}
	if size > mostMetadata {
		return usagef("--metadata: %d bytes of names and values, of which S3 keeps %d", size, mostMetadata)
	}
	return nil
}

// mostMetadata is how many bytes of metadata an object of S3 has.
const mostMetadata = 2 << 10

// property sets what a generic option of Hadoop's stands for. It reports whether it is obeyed;
// one that tunes Hadoop, which is not there, is neither obeyed nor an error.
func (c *copyFlags) property(name, value string) (obeyed bool, err error) {
	boolean := func() (bool, error) {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return false, usagef("-D %s: %q is neither true nor false", name, value)
		}
		return on, nil
	}
	switch name {
	case "fs.s3.enableServerSideEncryption":
		on, err := boolean()
		if on && c.encryption == "" {
			c.encryption = string(storage.EncryptS3)
		}
		return true, err
	case "fs.s3.serverSideEncryptionAlgorithm", "fs.s3a.server-side-encryption-algorithm", "fs.s3a.encryption.algorithm":
		c.encryption = map[string]string{"SSE-S3": "AES256", "SSE-KMS": "aws:kms"}[value]
		if c.encryption == "" {
			c.encryption = value
		}
		return true, nil
	case "fs.s3.serverSideEncryption.kms.keyId", "fs.s3a.server-side-encryption.key", "fs.s3a.encryption.key":
		c.kmsKey = value
		return true, nil
	case "fs.s3.canned.acl", "fs.s3a.acl.default":
		c.acl = hadoopACL(value)
		if !slices.Contains(cannedACLs(), c.acl) {
			return false, usagef("-D %s: %q is not a canned ACL", name, value)
		}
		return true, nil
	case "fs.s3.endpoint", "fs.s3a.endpoint":
		if c.endpoint == "" {
			c.endpoint = value
		}
		return true, nil
	}
	if tunesHadoop.MatchString(name) {
		return false, nil
	}
	return false, usagef("the property %s is not supported yet", name)
}

// tunesHadoop matches the properties that tune a cluster, or the connections and the tries of Hadoop's own clients of S3.
// What decides which objects are there or how they are kept is not among them.
var tunesHadoop = regexp.MustCompile(
	`^(?:mapred|yarn\.|s3DistCp\.|fs\.s3\.(?:consistent|maxConnections|maxRetries|buffer\.dir|sleepTimeSeconds|multipart\.th\.)` +
		`|fs\.s3a\.(?:connection\.(?:maximum|timeout|establish\.timeout)|threads\.|fast\.(?:upload|buffer)|buffer\.dir|attempts\.|retry\.|readahead\.|max\.total\.tasks))`)

// hadoopACL writes Hadoop's names of ACLs, as BucketOwnerFullControl, as S3 does.
func hadoopACL(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}
