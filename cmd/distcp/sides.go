package main

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
)

// side is what one side of a copy has of its own, where the two are at different S3 services or
// belong to different accounts.
type side struct {
	endpoint, profile, region string
	keyFile                   string // with the customer's key
	anonymous                 bool
}

func (s side) overrides() map[string]string {
	set := map[string]string{"s3.endpoint": s.endpoint, "s3.profile": s.profile, "s3.region": s.region}
	if s.anonymous {
		set["s3.anonymous"] = "true"
	}
	maps.DeleteFunc(set, func(_, value string) bool { return value == "" })
	return set
}

// sides are the flags of both, and what goes for both.
type sides struct {
	src, dest     side
	requesterPays bool
}

// addFlags adds them; src and dest are what they call the two sides.
func (s *sides) addFlags(f *pflag.FlagSet, src, dest string) {
	for _, x := range []struct {
		name, what string
		*side
	}{{"src", src, &s.src}, {"dest", dest, &s.dest}} {
		f.StringVar(&x.endpoint, x.name+"Endpoint", "", "`URL or host` of the S3 service of "+x.what+", instead of --s3Endpoint")
		f.StringVar(&x.profile, x.name+"Profile", "", "AWS `profile` for "+x.what+", instead of the keys for both")
		f.StringVar(&x.region, x.name+"Region", "", "`region` of "+x.what)
		f.StringVar(&x.keyFile, x.name+"CustomerKey", "", "`file` with the customer's key (SSE-C) of objects at "+x.what)
	}
	f.BoolVar(&s.src.anonymous, "srcAnonymous", false, "read "+src+" without credentials, as public buckets can be")
	f.BoolVar(&s.requesterPays, "requester-pays", false, "agree to pay for requests to buckets that want it so")
}

// openers open the URLs of each side; it is one opener if they are alike.
type openers struct {
	src, dest   *storage.Opener
	twoServices bool // equal URLs do not name the same objects
}

func (o *openers) close() {
	_ = o.src.Close() // nothing is pending: every write has been committed
	_ = o.dest.Close()
}

// openSides returns what opens the URLs of each side.
func (c *command) openSides(s settings, both sides) (*openers, error) {
	src, err := c.configSide(s, both.src, both.requesterPays)
	if err != nil {
		return nil, err
	}
	o := &openers{src: src.Opener()}
	if o.dest = o.src; both.src == both.dest {
		return o, nil
	}
	dest, err := c.configSide(s, both.dest, both.requesterPays)
	if err != nil {
		return nil, err
	}
	o.dest, o.twoServices = dest.Opener(), src.S3.Endpoint != dest.S3.Endpoint
	return o, nil
}

func (c *command) configSide(s settings, one side, requesterPays bool) (*config.Config, error) {
	overrides, err := s.overrides()
	if err != nil {
		return nil, err
	}
	maps.Copy(overrides, one.overrides())
	cfg, err := config.Load(config.Source{Getenv: c.getenv, File: s.configFile, Overrides: overrides, Stores: true})
	if err != nil {
		return nil, usagef("%v", err)
	}
	cfg.S3.RequesterPays = requesterPays
	if one.keyFile != "" {
		if cfg.S3.CustomerKey, err = s3store.ReadCustomerKey(one.keyFile); err != nil {
			return nil, usagef("%v", err)
		}
	}
	return cfg, nil
}

// openAt opens a URL with whichever side has its bucket: the source's where both could.
func (o *openers) openAt(ctx context.Context, flags *copyFlags, url string) (storage.Location, error) {
	if strings.HasPrefix(url, bucketURL(flags.dest)) && !strings.HasPrefix(url, bucketURL(flags.src)) {
		return o.dest.Open(ctx, url)
	}
	return o.src.Open(ctx, url)
}

// bucketURL is a URL without what follows the name of the bucket.
func bucketURL(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "/"
	}
	host, _, _ := strings.Cut(rest, "/")
	return fmt.Sprintf("%s://%s/", scheme, host)
}
