package analysis

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// ConstOf is the value of an expression without columns: 3, 'a' || 'b', current_date,
// DATE '2024-01-01'. An expression that does not fold to a constant is an *Error.
func ConstOf(env Env, e syntax.Expr) (*Const, error) {
	return newAnalyzer(noCatalog(), env).constant(e)
}

// PartitionSpec checks the values of PARTITION (...) against the keys of t and puts them in key
// order and in Hive's text form. With full, all keys must be there and have values; otherwise
// some are enough, as in DESCRIBE or SHOW PARTITIONS, and those without a value are not Set.
// Values are constants that do not depend on the session.
func PartitionSpec(t *metastore.Table, spec *syntax.PartitionSpec, full bool) (partitions.Spec, error) {
	if !t.Partitioned() {
		return nil, failf(spec, 10148, "Partition spec for non partitioned table %s.", t.TableName)
	}
	keys := t.Keys()
	given := make([]*partitions.SpecField, len(keys))
	for i := range spec.Fields {
		f := &spec.Fields[i]
		k, err := keyOf(t, keys, f)
		if err != nil {
			return nil, err
		}
		if given[k] != nil {
			return nil, failf(f, codePartitionSpec, "Invalid partition spec specified: the key %s stands there twice", keys[k].Name)
		}
		if f.Op != "" && f.Op != "=" {
			return nil, failf(f, codePartitionSpec, "Invalid partition spec specified: expected %s = value, found %s", keys[k].Name, f.Op)
		}
		given[k] = &partitions.SpecField{Name: keys[k].Name}
		if f.Value == nil {
			continue
		}
		if given[k].Value, err = keyText(keys[k], f.Value); err != nil {
			return nil, err
		}
		given[k].Set = true
	}
	var out partitions.Spec
	for i, f := range given {
		if full && (f == nil || !f.Set) {
			return nil, failf(spec, codePartitionSpec, "Invalid partition spec specified: the table %s is partitioned by (%s), and %s has no value",
				t.TableName, strings.Join(keys.Names(), ", "), keys[i].Name)
		}
		if f != nil {
			out = append(out, *f)
		}
	}
	return out, nil
}

func keyOf(t *metastore.Table, keys partitions.Keys, f *syntax.PartitionField) (int, error) {
	k := keys.Find(f.Key.Name)
	if k < 0 {
		e := failf(f, codePartitionSpec, "Invalid partition spec specified: %s is not a partition key of %s, which has (%s)",
			near(f.Key.Name), t.TableName, strings.Join(keys.Names(), ", "))
		e.Hint = Suggest(f.Key.Name, keys.Names())
		return k, e
	}
	return k, nil
}

// keyText is a constant as the value of a partition key.
func keyText(key partitions.Key, e syntax.Expr) (string, error) {
	c, err := ConstOf(Env{}, e)
	if err != nil {
		return "", err
	}
	if c.Value == nil {
		return partitions.DefaultName, nil
	}
	if !c.T.Primitive() || !hivetype.Castable(c.T, key.Type) {
		return "", failf(e, codePartitionSpec, "Invalid partition spec specified: %s is of type %s, the key %s of type %s",
			written(e), c.T, key.Name, key.Type)
	}
	if c.T.Kind != hivetype.String {
		if v, ok := castValue(c.Value, c.T, key.Type); ok {
			return string(hivetype.AppendText(nil, v, key.Type)), nil
		}
	}
	if s, ok := c.Value.(string); ok && key.Type.Kind == hivetype.Boolean {
		return strconv.FormatBool(truth(s)), nil
	}
	value, err := key.Normalize(string(hivetype.AppendText(nil, c.Value, c.T)))
	if err != nil {
		return "", failf(e, codePartitionSpec, "Invalid partition spec specified: %v", err)
	}
	return value, nil
}

// truth is text cast to a boolean: everything is true but these words.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "", "false", "no", "off", "0":
		return false
	}
	return true
}

// DropPredicate is the condition of DROP PARTITION (ds < '2024-01-01', hr = 3): all of its
// comparisons together. As in WHERE, the partition of NULL meets none of them but = and != with
// its own name; nullDiffers lets it meet every !=, as Hive does in temporary tables, where it
// compares names.
func DropPredicate(t *metastore.Table, spec *syntax.PartitionSpec, nullDiffers bool) (partitions.Predicate, error) {
	if !t.Partitioned() {
		return nil, failf(spec, 10148, "Partition spec for non partitioned table %s.", t.TableName)
	}
	keys := t.Keys()
	var and partitions.And
	for i := range spec.Fields {
		f := &spec.Fields[i]
		k, err := keyOf(t, keys, f)
		if err != nil {
			return nil, err
		}
		if f.Value == nil {
			return nil, failf(f, codePartitionSpec, "Invalid partition spec specified: the key %s has no value", keys[k].Name)
		}
		if f.Op == "LIKE" {
			c, err := ConstOf(Env{}, f.Value)
			if err != nil {
				return nil, err
			}
			pattern, ok := c.Value.(string)
			if !ok || !keys[k].Type.Text() {
				return nil, failf(f, codePartitionSpec, "Invalid partition spec specified: LIKE takes a key of text and a string, %s is of type %s",
					keys[k].Name, keys[k].Type)
			}
			and = append(and, partitions.Like{Key: keys[k].Name, Pattern: pattern})
			continue
		}
		value, err := keyText(keys[k], f.Value)
		if err != nil {
			return nil, err
		}
		op := partitions.Op(f.Op)
		switch {
		case value != partitions.DefaultName && op == partitions.Ne && nullDiffers:
			and = append(and, partitions.Or{
				partitions.Compare{Key: keys[k].Name, Op: op, Value: value}, partitions.IsNull{Key: keys[k].Name},
			})
		case value != partitions.DefaultName:
			and = append(and, partitions.Compare{Key: keys[k].Name, Op: op, Value: value})
		case op == partitions.Eq:
			and = append(and, partitions.IsNull{Key: keys[k].Name})
		case op == partitions.Ne:
			and = append(and, partitions.Not{P: partitions.IsNull{Key: keys[k].Name}})
		default:
			return nil, failf(f, codePartitionSpec, "Invalid partition spec specified: NULL has no order, so %s %s is no condition",
				keys[k].Name, fmt.Sprint(op))
		}
	}
	return partitions.Simplify(and), nil
}
