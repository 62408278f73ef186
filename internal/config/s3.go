package config

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/skepdata/skep/storage/s3store"
)

// s3 finds everything about S3.
func (l *loader) s3(c *s3store.Config) error {
	aws, err := s3store.ConfigFromEnv(l.src.Getenv, l.profile())
	if err != nil {
		return err
	}
	*c = aws
	c.Endpoint = cmp.Or(l.early("s3.endpoint").text, aws.Endpoint, l.file.find("s3.endpoint").text)
	c.Region = cmp.Or(l.early("s3.region").text, aws.Region, l.file.find("s3.region").text)
	c.CAFile = cmp.Or(l.early("s3.ca_file").text, aws.CAFile, l.file.find("s3.ca_file").text)
	c.StorageClass = l.find("s3.storage_class").text
	for _, read := range []func(*s3store.Config) error{l.s3Keys, l.s3Addressing, l.s3Numbers} {
		if err := read(c); err != nil {
			return err
		}
	}
	return nil
}

// profile is the profile that takes the place of what AWS_* variables say, if any. The one
// that skep.toml names does only where they say nothing.
func (l *loader) profile() string {
	if v := l.early("s3.profile"); v.text != "" {
		return v.text
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if l.src.Getenv(name) != "" {
			return ""
		}
	}
	return l.file.find("s3.profile").text
}

// s3Keys takes all keys from one source.
func (l *loader) s3Keys(c *s3store.Config) error {
	v := l.find("s3.anonymous")
	if v.text != "" {
		anonymous, err := strconv.ParseBool(v.text)
		if err != nil {
			return v.bad("want true or false")
		}
		c.Anonymous = anonymous
	}
	if c.AccessKey == "" && c.Process == "" {
		c.AccessKey = l.file.find("s3.access_key").text
		c.SecretKey = l.file.find("s3.secret_key").text
		c.SessionToken = l.file.find("s3.session_token").text
	}
	return nil
}

func (l *loader) s3Addressing(c *s3store.Config) error {
	v := l.find("s3.addressing")
	switch v.text {
	case "": // what the profile says
	case "auto":
		c.Addressing = s3store.AddressAuto
	case string(s3store.AddressPath), string(s3store.AddressHost):
		c.Addressing = s3store.Addressing(v.text)
	default:
		return v.bad("want auto, path or virtual")
	}
	return nil
}

func (l *loader) s3Numbers(c *s3store.Config) error {
	if v := l.find("s3.part_size"); v.text != "" {
		size, err := parseSize(v.text)
		if err != nil || size < 5<<20 || size > 5<<30 {
			return v.bad("want 5MiB to 5GiB")
		}
		c.PartSize = size
	}
	if err := l.count("s3.workers", &c.Workers); err != nil {
		return err
	}
	return l.count("s3.attempts", &c.Attempts)
}

func (l *loader) count(name string, to *int) error {
	v := l.find(name)
	if v.text == "" {
		return nil
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 1 || n > 10_000 {
		return v.bad("want a number from 1 to 10000")
	}
	*to = n
	return nil
}

// sizeUnits are what a size may end in.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30},
	{"KB", 1000}, {"MB", 1000_000}, {"GB", 1000_000_000},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1},
}

// parseSize reads "16MiB", "16 MB", "16M" or a number of bytes.
func parseSize(text string) (int64, error) {
	upper := strings.ToUpper(strings.TrimSpace(text))
	unit := int64(1)
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(upper, u.suffix); ok {
			upper, unit = strings.TrimSpace(number), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(upper, 10, 64)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > (1<<62)/unit {
		return 0, strconv.ErrRange
	}
	return n * unit, nil
}
