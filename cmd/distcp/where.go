package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/partitions"
)

// where is a condition on the partitions that the names of directories tell, as Hive spells them:
// dt=2024-01-01/country=de/. Which keys there are, and of which type, nobody says: a key is known
// below its directory, and values are compared as numbers where both sides are some.
type where struct {
	condition partitions.Predicate

	mu   sync.Mutex
	seen map[string]bool // keys of the condition that a directory has
}

// parseWhere parses a condition. Its error shows the place.
func parseWhere(text string) (*where, error) {
	if strings.TrimSpace(text) == "" {
		return nil, usagef("--where is empty")
	}
	p, err := partitions.ParseFilter(text)
	var wrong *partitions.FilterError
	if errors.As(err, &wrong) {
		shown := strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(wrong.Text)
		return nil, &usageError{
			msg:   fmt.Sprintf("--where, column %d: %s", wrong.Column, wrong.Msg),
			below: shown + "\n" + strings.Repeat(" ", max(wrong.Column-1, 0)) + "^",
		}
	}
	if err != nil {
		return nil, usagef("--where: %v", err)
	}
	return &where{condition: partitions.Simplify(p), seen: map[string]bool{}}, nil
}

// truths are the values of three-valued logic that a condition may have, from low to high: false is
// -1, unknown 0 and true 1. Of a key that is not known yet all are possible.
type truths struct{ low, high int }

// verdict implements copier.Dirs.
func (w *where) verdict(dir string) copier.DirsVerdict {
	if dir != "" && partitions.Hidden(dir) {
		return copier.DirsNone
	}
	values := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if key, value, ok := strings.Cut(part, "="); ok && key != "" {
			values[strings.ToLower(partitions.Unescape(key))] = partitions.Unescape(value)
		}
	}
	switch t := w.eval(w.condition, values); {
	case t.low == 1:
		return copier.DirsAll
	case t.high < 1:
		return copier.DirsNone
	}
	return copier.DirsUnclear
}

func (w *where) eval(p partitions.Predicate, values map[string]string) truths {
	switch p := p.(type) {
	case partitions.True:
		return truths{1, 1}
	case partitions.Not:
		t := w.eval(p.P, values)
		return truths{-t.high, -t.low}
	case partitions.And:
		all := truths{1, 1}
		for _, q := range p {
			t := w.eval(q, values)
			all = truths{min(all.low, t.low), min(all.high, t.high)}
		}
		return all
	case partitions.Or:
		all := truths{-1, -1}
		for _, q := range p {
			t := w.eval(q, values)
			all = truths{max(all.low, t.low), max(all.high, t.high)}
		}
		return all
	case partitions.In:
		var each partitions.Or
		for _, value := range p.Values {
			each = append(each, partitions.Compare{Key: p.Key, Op: partitions.Eq, Value: value})
		}
		return w.eval(each, values)
	}
	return w.evalKey(p, values)
}

// evalKey evaluates a condition on one key.
func (w *where) evalKey(p partitions.Predicate, values map[string]string) truths {
	key := partitions.KeysOf(p)[0]
	value, known := values[key]
	if !known {
		return truths{-1, 1}
	}
	w.mu.Lock()
	w.seen[key] = true
	w.mu.Unlock()
	if value == "" {
		value = partitions.DefaultName
	}
	keys := partitions.Keys{{Name: key, Type: typeFor(p, value)}}
	at, err := keys.Normalize(partitions.Values{value})
	if err != nil {
		return truths{0, 0}
	}
	if is, err := keys.Match(p, at); err == nil && is {
		return truths{1, 1}
	}
	if isNot, err := keys.Match(partitions.Not{P: p}, at); err == nil && isNot {
		return truths{-1, -1}
	}
	return truths{0, 0}
}

// typeFor is the type as which a value is compared: a number if the literal is one, too.
func typeFor(p partitions.Predicate, value string) hivetype.Type {
	c, ok := p.(partitions.Compare)
	if !ok {
		return hivetype.Type{Kind: hivetype.String}
	}
	_, integer := strconv.ParseInt(value, 10, 64)
	_, too := strconv.ParseInt(c.Value, 10, 64)
	if integer == nil && too == nil {
		return hivetype.Type{Kind: hivetype.BigInt} // which is exact
	}
	double := hivetype.Type{Kind: hivetype.Double}
	_, one := hivetype.ParseValue(value, double)
	if _, other := hivetype.ParseValue(c.Value, double); one && other {
		return double
	}
	return hivetype.Type{Kind: hivetype.String}
}

// unseen are the keys of the condition that no directory had.
func (w *where) unseen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(partitions.KeysOf(w.condition), func(key string) bool { return w.seen[key] })
}
