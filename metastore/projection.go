package metastore

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/partitions"
)

// Projected are the partitions of a table that are computed from its parameters instead of being
// stored, as Athena defines it: projection.enabled, and for each key projection.KEY.type, which is
// enum (values), integer (range, interval, digits), date (range, format, interval, interval.unit)
// or injected; and storage.location.template, with ${KEY} for values.
// https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
type Projected struct {
	table    *Table
	keys     partitions.Keys
	sources  []projection
	template string
}

// maxProjected bounds the values of one key, and the partitions of one query.
const maxProjected = 1_000_000

// projection yields the values of one key, in order; nil stands for injected.
type projection func(yield func(string) bool)

// Project is the projection of a table; nil where it has none. now is what NOW means. It reports
// ErrInvalid where the parameters make no sense.
func Project(t *Table, now time.Time) (*Projected, error) {
	if !strings.EqualFold(t.Parameters["projection.enabled"], "true") || !t.Partitioned() {
		return nil, nil //nolint:nilnil // no projection is no error
	}
	p := &Projected{table: t, keys: t.Keys(), template: t.Parameters["storage.location.template"]}
	params := map[string]string{}
	for name, value := range t.Parameters {
		params[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	for _, key := range p.keys {
		source, err := projectionOf(func(name string) string { return params["projection."+key.Name+"."+name] }, now.UTC())
		if err != nil {
			return nil, fmt.Errorf("%w projection of %s: the partition key %s: %w", ErrInvalid, t.TableName, key.Name, err)
		}
		p.sources = append(p.sources, source)
		if p.template != "" && !strings.Contains(strings.ToLower(p.template), "${"+key.Name+"}") {
			return nil, fmt.Errorf("%w projection of %s: storage.location.template has no ${%s}", ErrInvalid, t.TableName, key.Name)
		}
	}
	return p, nil
}

func projectionOf(get func(string) string, now time.Time) (projection, error) {
	switch kind := strings.ToLower(get("type")); kind {
	case "enum":
		values := strings.Split(get("values"), ",")
		if get("values") == "" {
			return nil, fmt.Errorf("the type enum needs values")
		}
		return func(yield func(string) bool) {
			for _, v := range values {
				if !yield(strings.TrimSpace(v)) {
					return
				}
			}
		}, nil
	case "integer":
		return integerProjection(get)
	case "date":
		return dateProjection(get, now)
	case "injected":
		return nil, nil
	default:
		return nil, fmt.Errorf("the type %q is none of enum, integer, date and injected", kind)
	}
}

func positive(get func(string) string, name string, otherwise int) (int, error) {
	text := get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s is %q, want a positive number", name, text)
	}
	return n, nil
}

func integerProjection(get func(string) string) (projection, error) {
	low, high, ok := strings.Cut(get("range"), ",")
	from, err := strconv.ParseInt(strings.TrimSpace(low), 10, 64)
	to, err2 := strconv.ParseInt(strings.TrimSpace(high), 10, 64)
	if !ok || err != nil || err2 != nil || from > to {
		return nil, fmt.Errorf("range is %q, want two numbers, as 1,31", get("range"))
	}
	step, err := positive(get, "interval", 1)
	if err != nil {
		return nil, err
	}
	digits, err := positive(get, "digits", 1)
	if err != nil {
		return nil, err
	}
	if n := uint64(to-from)/uint64(step) + 1; n > maxProjected {
		return nil, fmt.Errorf("range %s has %d values, and %d are allowed", get("range"), n, maxProjected)
	}
	return func(yield func(string) bool) {
		for n := int64(0); n <= (to-from)/int64(step); n++ {
			if !yield(fmt.Sprintf("%0*d", digits, from+n*int64(step))) {
				return
			}
		}
	}, nil
}

// Partitions yields the partitions that satisfy a predicate, in order of the keys' values as the
// projection has them. Values that a condition on their key alone rules out are not combined with
// others. It reports ErrInvalid for an injected key that no = or IN gives values, and where there
// would be more than a million partitions to look at.
func (p *Projected) Partitions(where partitions.Predicate) iter.Seq2[*Partition, error] {
	return func(yield func(*Partition, error) bool) {
		matcher, err := p.keys.Compile(where)
		var choices [][]string
		if err == nil {
			choices, err = p.choices(partitions.Simplify(where))
		}
		if err != nil {
			yield(nil, &Error{Op: "project partitions", Object: p.table.TableName.String(), Err: fmt.Errorf("%w: %w", ErrInvalid, err)})
			return
		}
		values := make(partitions.Values, len(choices))
		var combine func(i int) bool
		combine = func(i int) bool {
			if i == len(choices) {
				return !matcher.Match(values) || yield(p.partition(slices.Clone(values)), nil)
			}
			for _, v := range choices[i] {
				if values[i] = v; !combine(i + 1) {
					return false
				}
			}
			return true
		}
		combine(0)
	}
}

// choices are the values of each key that the conditions on it alone allow.
func (p *Projected) choices(where partitions.Predicate) ([][]string, error) {
	conjuncts := []partitions.Predicate{where}
	if and, ok := where.(partitions.And); ok {
		conjuncts = and
	}
	choices := make([][]string, len(p.keys))
	total := 1
	for i, key := range p.keys {
		var alone partitions.And
		for _, c := range conjuncts {
			if names := partitions.KeysOf(c); len(names) == 1 && strings.EqualFold(names[0], key.Name) {
				alone = append(alone, c)
			}
		}
		m, err := partitions.Keys{key}.Compile(alone)
		if err != nil {
			return nil, err
		}
		source := p.sources[i]
		if source == nil {
			if source, err = injected(key, alone); err != nil {
				return nil, err
			}
		}
		for v := range source {
			if m.Match(partitions.Values{v}) {
				choices[i] = append(choices[i], v)
			}
		}
		if total *= max(1, len(choices[i])); total > maxProjected {
			return nil, fmt.Errorf("more than %d partitions would have to be looked at; put a condition on %s", maxProjected, key.Name)
		}
	}
	return choices, nil
}

// injected are the values that conditions give a key.
func injected(key partitions.Key, conditions partitions.And) (projection, error) {
	for _, c := range conditions {
		var values []string
		switch c := c.(type) {
		case partitions.Compare:
			if c.Op == partitions.Eq {
				values = []string{c.Value}
			}
		case partitions.In:
			values = c.Values
		}
		if values != nil {
			return func(yield func(string) bool) {
				for _, v := range values {
					if !yield(v) {
						return
					}
				}
			}, nil
		}
	}
	return nil, fmt.Errorf("the partition key %s is injected: a query must say which values it has, with = or IN", key.Name)
}

func (p *Projected) partition(values partitions.Values) *Partition {
	storage := p.table.Storage.Clone()
	if p.template == "" {
		name, _ := p.keys.Name(values) // there are as many as keys
		storage.Location += "/" + name
	} else {
		storage.Location = p.template
		for i, key := range p.keys {
			storage.Location = replaceFold(storage.Location, "${"+key.Name+"}", values[i])
		}
		storage.Location = strings.TrimSuffix(storage.Location, "/")
	}
	return &Partition{Values: values, CreateTime: p.table.CreateTime, Storage: storage, Parameters: map[string]string{}}
}

func replaceFold(text, what, by string) string {
	for at := 0; ; {
		i := strings.Index(strings.ToLower(text[at:]), what)
		if i < 0 {
			return text
		}
		text = text[:at+i] + by + text[at+i+len(what):]
		at += i + len(by)
	}
}
