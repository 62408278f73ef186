package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// preconditionPause is how long it takes until a condition that is not met is looked at again.
const preconditionPause = 2 * time.Second

// preconditions are what has to be so before a copy begins.
type preconditions struct {
	texts   []string
	timeout time.Duration
	all     []precondition
}

// precondition is one of them: exists, newer or min-count.
type precondition struct {
	text, kind, url string
	age             time.Duration // of newer
	least           int64         // of min-count
}

func (p *preconditions) addFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&p.texts, "precondition", nil,
		"copy only if this `condition` is met: exists:URL, newer:URL,AGE or min-count:URL,N; may be repeated (exit code 4)")
	f.DurationVar(&p.timeout, "precondition-timeout", 0, "wait for the preconditions as long as this `duration`, as 30m")
}

func (p *preconditions) validate() error {
	if p.timeout < 0 {
		return usagef("--precondition-timeout: %s is negative", p.timeout)
	}
	for _, text := range p.texts {
		one, err := parsePrecondition(text)
		if err != nil {
			return usagef("--precondition %s: %v", text, err)
		}
		p.all = append(p.all, one)
	}
	return nil
}

func parsePrecondition(text string) (p precondition, err error) {
	p.text = text
	kind, rest, _ := strings.Cut(text, ":")
	p.kind, p.url = kind, rest
	comma := strings.LastIndexByte(rest, ',')
	switch kind {
	case "exists":
	case "newer", "min-count":
		if comma < 0 {
			return p, errors.New("want newer:URL,AGE or min-count:URL,N")
		}
		p.url = rest[:comma]
	default:
		return p, errors.New("want exists:URL, newer:URL,AGE or min-count:URL,N")
	}
	switch kind {
	case "newer":
		p.age, err = parseAge(rest[comma+1:])
	case "min-count":
		if p.least, err = strconv.ParseInt(rest[comma+1:], 10, 64); err != nil || p.least < 1 {
			err = fmt.Errorf("%q is not a number of objects", rest[comma+1:])
		}
	}
	if err == nil && p.url == "" {
		err = errors.New("the URL is empty")
	}
	return p, err
}

// await returns when all conditions are met, or an error that names one that is not in time. waits is told of
// each that is waited for.
func (p *preconditions) await(ctx context.Context, opener *storage.Opener, waits func(why error)) error {
	end := time.Now().Add(p.timeout)
	for _, one := range p.all {
		for told := false; ; told = true {
			why := one.unmet(ctx, opener, time.Now())
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if why == nil {
				break
			}
			why = fmt.Errorf("--precondition %s: %w", one.text, why)
			left := time.Until(end)
			var unmet *preconditionError
			if left <= 0 || !errors.As(why, &unmet) && !storage.IsTemporary(why) {
				return why
			}
			if !told {
				waits(why)
			}
			select {
			case <-time.After(min(left, preconditionPause)):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// unmet is why a condition is not met, a *preconditionError where that is known, or nil.
func (p precondition) unmet(ctx context.Context, opener *storage.Opener, now time.Time) error {
	at, err := opener.Open(ctx, p.url)
	if err != nil {
		return err
	}
	if p.kind == "min-count" {
		n, err := p.count(ctx, at)
		if err == nil && n < p.least {
			return unmetf("it has %s", count(n, "object"))
		}
		return err
	}
	o, err := at.Bucket.Stat(ctx, at.Prefix)
	switch {
	case errors.Is(err, storage.ErrNotExist):
		if there, _ := isDir(ctx, storage.Location{Bucket: at.Bucket, Prefix: strings.TrimSuffix(at.Prefix, "/") + "/"}); there {
			return unmetf("it is a directory, not an object (min-count:URL,1 asks for something in it)")
		}
		return unmetf("it does not exist")
	case err != nil:
		return err
	case p.kind == "newer" && now.Sub(o.ModTime) > p.age:
		return unmetf("it was modified at %s", o.ModTime.UTC().Format(time.RFC3339))
	}
	return nil
}

func unmetf(format string, args ...any) error { return &preconditionError{fmt.Errorf(format, args...)} }

// count is how many objects a copy from a location would take, but no more than matter.
func (p precondition) count(ctx context.Context, at storage.Location) (n int64, err error) {
	for _, err := range copier.Plan(ctx, at, copier.Options{}) {
		if errors.Is(err, storage.ErrNotExist) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if n++; n == p.least {
			return n, nil
		}
	}
	return n, nil
}
