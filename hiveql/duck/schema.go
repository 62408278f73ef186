package duck

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// ParquetColumns implements hiveql.Executor.
func (e *Executor) ParquetColumns(ctx context.Context, path string) ([]metastore.Column, error) {
	c, err := e.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	rows, err := c.query(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet("+
		quote(noGlob.Replace(path))+", hive_partitioning = false))")
	if err != nil {
		return nil, err
	}
	var cols []metastore.Column
	for _, row := range rows {
		p := typeText{rest: row[1]}
		t, err := p.parse()
		if err == nil && p.rest != "" {
			err = fmt.Errorf("%q is behind the type", p.rest)
		}
		if err != nil {
			return nil, &Error{Op: "read", Msg: fmt.Sprintf("the column %s of type %s: Hive has no such type", row[0], row[1]), Err: err}
		}
		cols = append(cols, metastore.Column{Name: row[0], Type: t})
	}
	return cols, nil
}

// typeText reads the names that DuckDB gives to types.
type typeText struct{ rest string }

// parse reads a type with the [] behind it.
func (p *typeText) parse() (hivetype.Type, error) {
	t, err := p.one()
	for err == nil && strings.HasPrefix(p.rest, "[") {
		_, rest, ok := strings.Cut(p.rest, "]")
		if !ok {
			return t, fmt.Errorf("%q is not closed", p.rest)
		}
		p.rest, t = rest, hivetype.ArrayOf(t)
	}
	return t, err
}

func (p *typeText) one() (hivetype.Type, error) {
	switch {
	case p.take("STRUCT("):
		return p.fields()
	case p.take("MAP("):
		key, err := p.parse()
		if err == nil && !p.take(", ") {
			err = fmt.Errorf("%q, and not a map's value", p.rest)
		}
		if err != nil {
			return key, err
		}
		value, err := p.parse()
		if err == nil && !p.take(")") {
			err = fmt.Errorf("%q, and not the end of a map", p.rest)
		}
		return hivetype.MapOf(key, value), err
	}
	end := strings.IndexAny(p.rest, "[,)")
	if strings.HasPrefix(p.rest, "DECIMAL(") {
		end = strings.IndexByte(p.rest, ')') + 1
	}
	if end < 0 {
		end = len(p.rest)
	}
	text := p.rest[:end]
	p.rest = p.rest[end:]
	if other, ok := physicalTypes[text]; ok {
		text = other
	}
	t, ok := hiveType(text)
	if !ok {
		return t, fmt.Errorf("%q is no type of Hive's", text)
	}
	return t, nil
}

func (p *typeText) fields() (hivetype.Type, error) {
	var fields []hivetype.Field
	for {
		name, err := p.name()
		if err != nil {
			return hivetype.Type{}, err
		}
		t, err := p.parse()
		if err != nil {
			return t, err
		}
		fields = append(fields, hivetype.Field{Name: strings.ToLower(name), Type: t})
		if p.take(")") {
			return hivetype.StructOf(fields...), nil
		}
		if !p.take(", ") {
			return hivetype.Type{}, fmt.Errorf("%q, and not a field", p.rest)
		}
	}
}

// name reads a field's name and the blank behind it.
func (p *typeText) name() (string, error) {
	if !strings.HasPrefix(p.rest, `"`) {
		name, rest, _ := strings.Cut(p.rest, " ")
		p.rest = rest
		return name, nil
	}
	for i := 1; i < len(p.rest); i++ {
		if p.rest[i] != '"' {
			continue
		}
		if i+1 < len(p.rest) && p.rest[i+1] == '"' {
			i++
			continue
		}
		name := strings.ReplaceAll(p.rest[1:i], `""`, `"`)
		p.rest = strings.TrimPrefix(p.rest[i+1:], " ")
		return name, nil
	}
	return "", fmt.Errorf("the name %s is not closed", strconv.Quote(p.rest))
}

func (p *typeText) take(text string) bool {
	rest, ok := strings.CutPrefix(p.rest, text)
	if ok {
		p.rest = rest
	}
	return ok
}
