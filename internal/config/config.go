package config

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/skepdata/skep/storage/blockstore"
	"github.com/skepdata/skep/storage/s3store"
)

// Source says where to look. The zero value is the environment of this process.
type Source struct {
	// Getenv reads an environment variable; nil means os.Getenv.
	Getenv func(string) string
	// File is the skep.toml that the command line names. It must exist. If it is empty,
	// the usual one is read, if there is one.
	File string
	// Overrides are the settings of the command line, by their names in skep.toml. An
	// empty value is as good as none.
	Overrides map[string]string
	// Stores reads only what has to do with stores: nobody asks for the metastore, the warehouse and
	// the cache, which may have no place.
	Stores bool
}

// Config is every setting, defaults filled in. It prints without secrets.
type Config struct {
	S3         s3store.Config
	BlockRoots []string // absolute paths, at least one
	DefaultFS  string   // a URL, or empty
	Metastore  string   // a URL
	Warehouse  string   // a storage URL
	CacheDir   string   // an absolute path

	VerifyReads blockstore.Verification // by the block store

	s3Trouble    error // why S3 cannot be used
	blockTrouble error // why there is no block store
}

// Error is a setting that makes no sense, or one that is missing, found when it was to be used.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Load reads all settings.
func Load(src Source) (*Config, error) {
	if src.Getenv == nil {
		src.Getenv = os.Getenv
	}
	file, err := readFile(src)
	if err != nil {
		return nil, err
	}
	l := &loader{src: src, file: file}
	if err := l.checkOverrides(); err != nil {
		return nil, err
	}
	c := &Config{}
	c.s3Trouble = l.s3(&c.S3)
	all := []func(*Config) error{l.defaultFS, l.blockRoots, l.verifyReads}
	if !src.Stores {
		all = append(all, l.metastore, l.warehouse, l.cacheDir)
	}
	for _, read := range all {
		if err := read(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// String describes the configuration without its secrets.
func (c *Config) String() string {
	return fmt.Sprintf("metastore %s, warehouse %s, blocks in %s, hdfs:// is %q, cache in %s, S3 %s",
		redact(c.Metastore), c.Warehouse, strings.Join(c.BlockRoots, ","), c.DefaultFS, c.CacheDir, c.S3)
}

// GoString is String, so that %#v prints no secret either.
func (c *Config) GoString() string { return "config.Config{" + c.String() + "}" }

// loader finds settings in the order of their sources.
type loader struct {
	src  Source
	file *file
}

// value is a setting and where it was found, for messages.
type value struct {
	name string // in skep.toml
	text string
	from string // "skep.toml:4", "SKEP_METASTORE", "the command line", or empty for a default
}

func (v value) bad(format string, args ...any) error {
	return fmt.Errorf("%s %q (from %s): %s", v.name, v.text, cmp.Or(v.from, "the default"), fmt.Sprintf(format, args...))
}

// find looks at all sources but the AWS ones.
func (l *loader) find(name string) value {
	if v := l.early(name); v.text != "" {
		return v
	}
	return l.file.find(name)
}

// early looks at the sources that come before the AWS ones.
func (l *loader) early(name string) value {
	if v := l.src.Overrides[name]; v != "" {
		return value{name, v, "the command line"}
	}
	if env := settings[name]; env != "" {
		if v := l.src.Getenv(env); v != "" {
			return value{name, v, env}
		}
	}
	return value{name: name}
}

// settings are the names that skep.toml knows, with the environment variable of each.
var settings = map[string]string{
	"default_fs": "SKEP_DEFAULT_FS",
	"metastore":  "SKEP_METASTORE",

	"metastore_password":      "SKEP_METASTORE_PASSWORD",
	"metastore_password_file": "SKEP_METASTORE_PASSWORD_FILE",

	"warehouse":        "SKEP_WAREHOUSE",
	"block_roots":      "SKEP_BLOCK_ROOT",
	"verify_reads":     "SKEP_VERIFY_READS",
	"cache_dir":        "SKEP_CACHE_DIR",
	"s3.endpoint":      "SKEP_S3_ENDPOINT",
	"s3.region":        "SKEP_S3_REGION",
	"s3.profile":       "SKEP_S3_PROFILE",
	"s3.access_key":    "",
	"s3.secret_key":    "",
	"s3.session_token": "",
	"s3.anonymous":     "SKEP_S3_ANONYMOUS",
	"s3.addressing":    "SKEP_S3_ADDRESSING",
	"s3.part_size":     "SKEP_S3_PART_SIZE",
	"s3.workers":       "SKEP_S3_WORKERS",
	"s3.attempts":      "SKEP_S3_ATTEMPTS",
	"s3.ca_file":       "SKEP_S3_CA_FILE",
	"s3.storage_class": "SKEP_S3_STORAGE_CLASS",
}

// checkOverrides reports overrides that no setting answers to: a mistake of the program.
func (l *loader) checkOverrides() error {
	for name := range l.src.Overrides {
		if _, ok := settings[name]; !ok {
			return fmt.Errorf("no setting is called %q", name)
		}
	}
	return nil
}

func (l *loader) defaultFS(c *Config) error {
	v := l.find("default_fs")
	c.DefaultFS = v.text
	if v.text == "" {
		return nil
	}
	switch scheme, _, ok := strings.Cut(v.text, "://"); {
	case !ok:
		return v.bad("want a URL, for example block://hdfs")
	case strings.EqualFold(scheme, "hdfs"):
		return v.bad("it stands for hdfs:// and cannot be hdfs:// itself; block://hdfs, for example, can")
	}
	return nil
}

func (l *loader) metastore(c *Config) error {
	v := l.find("metastore")
	if v.text == "" {
		dir, err := l.dataDir()
		c.Metastore = "sqlite://" + filepath.Join(dir, "metastore.db")
		return err
	}
	c.Metastore = v.text
	hidden := v
	hidden.text = redact(v.text)
	scheme, rest, ok := strings.Cut(v.text, "://")
	if !ok {
		return hidden.bad("want a URL: sqlite:///path/metastore.db, postgres://, mysql:// or thrift://host:port")
	}
	switch scheme {
	case "sqlite":
		if !strings.HasPrefix(rest, "/") {
			return hidden.bad("want an absolute path: sqlite:///%s", rest)
		}
	case "postgres", "postgresql", "mysql", "thrift":
		u, err := url.Parse(v.text)
		if err != nil {
			return hidden.bad("it is not a URL; characters such as @ and / in a password are written %%40 and %%2F")
		}
		if _, given := u.User.Password(); scheme != "thrift" && !given {
			return l.metastorePassword(c, u)
		}
	default:
		return hidden.bad("want sqlite://, postgres://, mysql:// or thrift://")
	}
	return nil
}

// metastorePassword completes the URL of a metastore that has no password.
func (l *loader) metastorePassword(c *Config, u *url.URL) error {
	password := l.find("metastore_password").text
	if v := l.find("metastore_password_file"); password == "" && v.text != "" {
		text, err := os.ReadFile(v.text)
		if err != nil {
			return v.bad("%v", err)
		}
		password = strings.TrimRight(string(text), "\r\n")
	}
	if password != "" {
		u.User = url.UserPassword(u.User.Username(), password)
		c.Metastore = u.String()
	}
	return nil
}

// redact takes the password out of a URL, however badly it is written.
func redact(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		return scheme + "://...@" + rest[at+1:]
	}
	return text
}

func (l *loader) warehouse(c *Config) error {
	v := l.find("warehouse")
	if v.text == "" {
		dir, err := l.dataDir()
		c.Warehouse = "file://" + filepath.Join(dir, "warehouse")
		return err
	}
	c.Warehouse = v.text
	if !strings.Contains(v.text, "://") && !filepath.IsAbs(v.text) {
		return v.bad("want a URL or an absolute path")
	}
	return nil
}

func (l *loader) blockRoots(c *Config) error {
	v := l.find("block_roots")
	if v.text == "" {
		dir, err := l.dataDir()
		c.BlockRoots = []string{filepath.Join(dir, "blocks")}
		c.blockTrouble = err
		return nil
	}
	for root := range strings.SplitSeq(v.text, ",") {
		if !filepath.IsAbs(root) || strings.Contains(root, ":/") {
			return v.bad("want absolute paths of directories, separated by commas")
		}
		c.BlockRoots = append(c.BlockRoots, filepath.Clean(root))
	}
	return nil
}

func (l *loader) verifyReads(c *Config) (err error) {
	v := l.find("verify_reads")
	if v.text == "" {
		return nil
	}
	if c.VerifyReads, err = blockstore.ParseVerification(v.text); err != nil {
		return v.bad("want always, sampled or never")
	}
	return nil
}

func (l *loader) cacheDir(c *Config) error {
	v := l.find("cache_dir")
	if v.text == "" {
		dir, err := xdgDir(l.src.Getenv, "XDG_CACHE_HOME", ".cache")
		c.CacheDir = filepath.Join(dir, "skep")
		return err
	}
	c.CacheDir = v.text
	if !filepath.IsAbs(v.text) {
		return v.bad("want the absolute path of a directory")
	}
	return nil
}

func (l *loader) dataDir() (string, error) {
	dir, err := xdgDir(l.src.Getenv, "XDG_DATA_HOME", ".local/share")
	return filepath.Join(dir, "skep"), err
}

// xdgDir is a base directory by the XDG rules: relative paths are as good as none.
func xdgDir(getenv func(string) string, name, underHome string) (string, error) {
	if dir := getenv(name); filepath.IsAbs(dir) {
		return dir, nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("neither %s nor HOME is set; set one of them", name)
	}
	return filepath.Join(home, underHome), nil
}
