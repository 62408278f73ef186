package partitions

import (
	"fmt"
	"slices"
	"strings"
)

// String is the spec as Hive prints it in errors: {ds=2024-01-01, hr=null}.
func (s Spec) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, f := range s {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Name + "=")
		if f.Set {
			b.WriteString(f.Value)
		} else {
			b.WriteString("null")
		}
	}
	return b.String() + "}"
}

// ParseSpec reads a spec written as a partition name, complete or not: ds=2024-01-01/hr. Names
// are put in lower case and values unescaped.
func ParseSpec(name string) (Spec, error) {
	var spec Spec
	for field := range strings.SplitSeq(strings.TrimSuffix(name, "/"), "/") {
		key, value, set := strings.Cut(field, "=")
		key = strings.ToLower(Unescape(key))
		if key == "" {
			return nil, fmt.Errorf("partition spec %q: a part without the name of a key", name)
		}
		if set && value == "" {
			value = DefaultName
		}
		spec = append(spec, SpecField{Name: key, Value: Unescape(value), Set: set})
	}
	return spec, nil
}

// Resolve checks a spec against the keys and returns its values in the order of the keys, in
// normal form, with the empty string for dynamic keys and for those the spec does not name.
// static is how many keys have a value. It is an error when the spec names a column that is not
// a key, names one twice, or has a value of the wrong type.
func (k Keys) Resolve(spec Spec) (values Values, static int, err error) {
	values = make(Values, len(k))
	named := make([]bool, len(k))
	for _, f := range spec {
		i := k.Find(f.Name)
		switch {
		case i < 0:
			return nil, 0, fmt.Errorf("partition spec %s contains the column %s, which is not a partition key (%s)",
				spec, f.Name, strings.Join(k.Names(), ", "))
		case named[i]:
			return nil, 0, fmt.Errorf("partition spec %s names the key %s twice", spec, f.Name)
		}
		named[i] = true
		if !f.Set {
			continue
		}
		if values[i], err = k[i].Normalize(f.Value); err != nil {
			return nil, 0, err
		}
		static++
	}
	return values, static, nil
}

// Full is Resolve for statements that need a value for every key, as ADD PARTITION does.
func (k Keys) Full(spec Spec) (Values, error) {
	values, static, err := k.Resolve(spec)
	if err != nil {
		return nil, err
	}
	if static != len(k) {
		return nil, fmt.Errorf("partition spec %s doesn't contain all (%d) partition columns", spec, len(k))
	}
	return values, nil
}

// Dynamic is Resolve for INSERT: every key must be named, and those with a value must stand
// before those without. The values returned are those of the first keys.
func (k Keys) Dynamic(spec Spec) (static Values, err error) {
	values, n, err := k.Resolve(spec)
	if err != nil {
		return nil, err
	}
	if len(spec) != len(k) {
		return nil, fmt.Errorf("partition spec %s doesn't contain all (%d) partition columns", spec, len(k))
	}
	if i := slices.Index(values, ""); i >= 0 && i < n {
		return nil, fmt.Errorf("dynamic partition cannot be the parent of a static partition '%s'",
			k[i+1+slices.IndexFunc(values[i+1:], func(v string) bool { return v != "" })].Name)
	}
	return values[:n], nil
}

// Predicate is the condition that a partition agrees with the values of the spec.
func (k Keys) Predicate(spec Spec) (Predicate, error) {
	values, _, err := k.Resolve(spec)
	if err != nil {
		return nil, err
	}
	var all And
	for i, v := range values {
		switch v {
		case "":
		case DefaultName:
			all = append(all, IsNull{k[i].Name})
		default:
			all = append(all, Compare{k[i].Name, Eq, v})
		}
	}
	return Simplify(all), nil
}
