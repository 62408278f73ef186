package analysis

import (
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// transform plans SELECT TRANSFORM (...) USING 'program' AS (...), also as MAP and REDUCE: the
// rows that FROM and WHERE give go through a program. The ORDER BY of the block, and what stands
// for it, sorts what comes out.
func (a *analyzer) transform(s *syntax.Select, order []syntax.SortItem, outer *scope, ctes *cteScope) (result, error) {
	t := s.Transform
	switch {
	case a.env.NoPrograms:
		return result{}, failf(t, 0, "Query with transform clause is disallowed in current configuration.")
	case s.GroupBy != nil || s.Having != nil || s.Qualify != nil || s.Distinct:
		return result{}, unsupported(t, "TRANSFORM with GROUP BY, HAVING, QUALIFY or DISTINCT")
	case !textClass(t.RecordReader, "TextRecordReader") || !textClass(t.RecordWriter, "TextRecordWriter"):
		return result{}, unsupported(t, "TRANSFORM with a RECORDREADER or RECORDWRITER that is not of text")
	}
	b := &block{a: a, sel: s, ctes: ctes}
	if err := b.source(outer); err != nil {
		return result{}, err
	}
	r := b.resolver("TRANSFORM")
	args, err := r.exprs(r.expandStars(t.Args, true))
	if err != nil {
		return result{}, err
	}
	for i, x := range args {
		if x.Type().Kind == hivetype.Void {
			args[i] = convert(x, text)
		}
	}
	tr := &Transform{Input: b.rel, Args: args, Command: t.Command, Dir: a.env.ProgramDir}
	if tr.Cols, err = a.scriptColumns(t); err != nil {
		return result{}, err
	}
	if tr.In, err = scriptFormat(t.In); err != nil {
		return result{}, err
	}
	if tr.Out, err = scriptFormat(t.Out); err != nil {
		return result{}, err
	}
	if len(t.Columns) == 0 {
		tr.Out["serialization.last.column.takes.rest"] = "true"
	}
	return a.sorted(result{rel: tr, cols: tr.Columns()}, order, outer, ctes)
}

func textClass(class, text string) bool {
	return class == "" || strings.HasSuffix(class, "."+text)
}

// scriptColumns are those named behind AS, or key and value: what stands before the first tab, and
// the rest.
func (a *analyzer) scriptColumns(t *syntax.Transform) ([]Column, error) {
	if len(t.Columns) == 0 {
		return []Column{a.column("key", text), a.column("value", text)}, nil
	}
	var cols []Column
	for _, c := range t.Columns {
		of := text
		if c.Type.Kind != "" {
			var err error
			if of, err = TypeOf(c.Type); err != nil {
				return nil, err
			}
		}
		cols = append(cols, a.column(strings.ToLower(c.Name.Name), of))
	}
	return cols, nil
}

// scriptFormat is a ROW FORMAT as parameters of LazySimpleSerDe; fields lie between tabs unless it
// says otherwise.
func scriptFormat(f *syntax.RowFormat) (map[string]string, error) {
	params := map[string]string{"field.delim": "\t"}
	if f == nil {
		return params, nil
	}
	if f.SerDe != "" && !strings.HasSuffix(f.SerDe, ".LazySimpleSerDe") {
		return nil, unsupported(f, "TRANSFORM with the SerDe "+f.SerDe)
	}
	for key, value := range map[string]*string{
		"field.delim": f.FieldDelim, "escape.delim": f.Escape, "collection.delim": f.ItemDelim,
		"mapkey.delim": f.KeyDelim, "serialization.null.format": f.NullText,
	} {
		if value != nil {
			params[key] = *value
		}
	}
	for _, p := range f.Properties {
		params[p.Key] = p.Value
	}
	return params, nil
}
