package analysis

import (
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// The virtual columns that every table has.
const (
	inputFileName = "input__file__name"
	rowOffset     = "block__offset__inside__file"
	virtuals      = 2

	firstOffset = 1 << 30 // the numbers of columns called rowOffset are greater
)

// byPosition is a setting, or a property of a table.
const byPosition = "parquet.column.index.access"

// orcByPosition is the same of ORC, whose columns are found by their places unless it is false.
const orcByPosition = "orc.force.positional.evolution"

// from plans a FROM clause. What it returns sees all of its sources.
func (a *analyzer) from(list []syntax.TableExpr, outer *scope, ctes *cteScope) (Rel, *scope, error) {
	if len(list) == 0 {
		return &OneRow{}, &scope{outer: outer}, nil
	}
	rel, sc, err := a.tableExpr(list[0], outer, ctes)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range list[1:] {
		right, rsc, err := a.tableExpr(t, outer, ctes)
		if err != nil {
			return nil, nil, err
		}
		rel = &Join{Kind: CrossJoin, L: rel, R: right}
		sc.sources = append(sc.sources, rsc.sources...)
		if err := sc.checkAliases(t); err != nil {
			return nil, nil, err
		}
	}
	return rel, sc, nil
}

func (a *analyzer) tableExpr(t syntax.TableExpr, outer *scope, ctes *cteScope) (Rel, *scope, error) {
	if err := a.count(t); err != nil {
		return nil, nil, err
	}
	switch t := t.(type) {
	case *syntax.TableRef:
		return a.tableRef(t, outer, ctes)
	case *syntax.SubqueryRef:
		return a.subqueryRef(t, outer, ctes)
	case *syntax.Join:
		return a.join(t, outer, ctes)
	case *syntax.LateralView:
		return a.lateralView(t, outer, ctes)
	case *syntax.TableFunction:
		return a.tableFunction(t, outer, ctes)
	}
	return nil, nil, unsupported(t, "this kind of table")
}

func (a *analyzer) tableRef(t *syntax.TableRef, outer *scope, ctes *cteScope) (Rel, *scope, error) {
	if len(t.Properties) > 0 {
		return nil, nil, unsupported(&t.Properties[0], "a list of properties behind a table's name")
	}
	last := t.Name.Parts[len(t.Name.Parts)-1].Name
	alias := last
	if t.Alias != nil {
		alias = t.Alias.Name
	}
	s := &source{alias: strings.ToLower(alias)}
	sc := &scope{outer: outer, sources: []*source{s}}
	if len(t.Name.Parts) == 1 {
		if c := ctes.find(last); c != nil {
			r, err := a.cteQuery(t, c)
			if err != nil {
				return nil, nil, err
			}
			s.cols, s.starred = r.cols, r.starred
			return r.rel, sc, noSample(t)
		}
	}
	table, err := a.table(&t.Name)
	if err != nil {
		return nil, nil, err
	}
	if t.Alias == nil {
		s.database = table.Database
	}
	a.spellTable(&t.Name, table.Database, table.Name)
	if table.Type == metastore.View {
		r, err := a.view(t, table)
		if err != nil {
			return nil, nil, err
		}
		s.cols = r.cols
		return r.rel, sc, noSample(t)
	}
	scan := a.scan(table)
	cols := scan.Columns()
	s.cols, s.virtual = cols[:len(cols)-virtuals], cols[len(cols)-virtuals:]
	s.keys = s.cols[len(table.Storage.Columns):]
	if t.Sample == nil {
		return scan, sc, nil
	}
	rel, err := a.sample(t.Sample, table, scan, sc)
	return rel, sc, err
}

func noSample(t *syntax.TableRef) error {
	if t.Sample != nil {
		return unsupported(t.Sample, "TABLESAMPLE of what is no table")
	}
	return nil
}

// option is a setting that a table may have a property for instead.
func (a *analyzer) option(t *metastore.Table, name, missing string) bool {
	text := a.env.setting(name, missing)
	for _, params := range []map[string]string{t.Parameters, t.Storage.SerDe.Parameters} {
		if v, ok := params[name]; ok {
			text = v
		}
	}
	return strings.EqualFold(text, "true")
}

// scan reads all columns of a table: its data columns, its partition keys, the name of the file and
// where in it the row is. The columns that nothing uses are taken out at the end.
func (a *analyzer) scan(t *metastore.Table) *Scan {
	s := &Scan{Table: t, ByPosition: a.option(t, byPosition, "false"), ORCByName: !a.option(t, orcByPosition, "true")}
	s.ShortBooleans = a.env.setting("hive.lazysimple.extended_boolean_literal", "false") == "true"
	s.AvroClocks = a.env.setting("hive.avro.timestamp.skip.conversion", "false") == "true"
	s.AvroProleptic = a.env.setting("hive.avro.proleptic.gregorian.default", "false") == "true"
	s.Cols = make([]ScanColumn, 0, len(t.Storage.Columns)+len(t.PartitionKeys)+2)
	parquet := strings.HasSuffix(t.Storage.InputFormat, "MapredParquetInputFormat")
	orc := strings.HasSuffix(t.Storage.InputFormat, "OrcInputFormat")
	for i, c := range t.Storage.Columns {
		if !parquet && !orc && !c.Type.Primitive() { // names of fields come from the files, or are in lower case
			c.Type = c.Type.LowerFields()
		}
		s.Cols = append(s.Cols, ScanColumn{Column: a.column(c.Name, c.Type), Source: DataColumn, Index: i})
	}
	for i, c := range t.PartitionKeys {
		s.Cols = append(s.Cols, ScanColumn{Column: a.column(c.Name, c.Type), Source: PartitionKey, Index: i})
	}
	s.Cols = append(s.Cols, ScanColumn{Column: a.column(inputFileName, text), Source: InputFile})
	s.Cols = append(s.Cols, ScanColumn{Column: a.offsetColumn(), Source: RowOffset})
	return s
}

// offsetColumn makes a column called rowOffset. They are hardly ever used, and counted apart, so that the
// numbers of others are without gaps.
func (a *analyzer) offsetColumn() Column {
	a.offsets++
	return Column{ID: firstOffset + a.offsets, Name: rowOffset, Type: hivetype.Of(hivetype.BigInt)}
}

func (a *analyzer) subqueryRef(t *syntax.SubqueryRef, outer *scope, ctes *cteScope) (Rel, *scope, error) {
	r, err := a.query(t.Query, outer, ctes)
	if err != nil {
		return nil, nil, err
	}
	s := &source{cols: r.cols, starred: r.starred}
	if t.Alias != nil {
		s.alias = strings.ToLower(t.Alias.Name)
	}
	if len(t.Columns) > 0 {
		if s.cols, err = renamed(t, r.cols, t.Columns); err != nil {
			return nil, nil, err
		}
	}
	return r.rel, &scope{outer: outer, sources: []*source{s}}, nil
}

// renamed gives columns the names in an alias list.
func renamed(n syntax.Node, cols []Column, list []syntax.Ident) ([]Column, error) {
	if len(list) != len(cols) {
		return nil, failf(n, 0, "the list has %d column names, but the query has %d columns", len(list), len(cols))
	}
	out := make([]Column, len(cols))
	for i, c := range cols {
		c.Name = strings.ToLower(list[i].Name)
		out[i] = c
	}
	return out, nil
}

func (a *analyzer) join(t *syntax.Join, outer *scope, ctes *cteScope) (Rel, *scope, error) {
	l, lsc, err := a.tableExpr(t.L, outer, ctes)
	if err != nil {
		return nil, nil, err
	}
	r, rsc, err := a.tableExpr(t.R, outer, ctes)
	if err != nil {
		return nil, nil, err
	}
	sc := &scope{outer: outer, sources: append(append([]*source(nil), lsc.sources...), rsc.sources...)}
	if err := sc.checkAliases(t.R); err != nil {
		return nil, nil, err
	}
	j := &Join{Kind: joinKind(t.Kind), L: l, R: r}
	if len(t.Using) > 0 {
		return a.joinUsing(t, j, sc, lsc, rsc)
	}
	if t.On != nil {
		on := &resolver{a: a, sc: sc, ctes: ctes, place: "ON"}
		if j.On, err = on.condition(t.On); err != nil {
			return nil, nil, err
		}
		if j.Kind == CrossJoin {
			j.Kind = InnerJoin
		}
	} else if j.Kind == InnerJoin {
		j.Kind = CrossJoin
	}
	if j.On == nil && j.Kind != CrossJoin {
		j.On = &Const{Value: true, T: boolean}
	}
	if j.Kind == SemiJoin || j.Kind == AntiJoin {
		sc = lsc
	}
	return j, sc, nil
}

func joinKind(kind string) JoinKind {
	switch kind {
	case "LEFT SEMI":
		return SemiJoin
	case "LEFT ANTI":
		return AntiJoin
	}
	return JoinKind(kind)
}

// joinUsing joins on equal columns, of which * then shows one: the left side's, or the one that
// is there.
func (a *analyzer) joinUsing(t *syntax.Join, j *Join, sc, lsc, rsc *scope) (Rel, *scope, error) {
	merged := &source{}
	var full []Computed
	for _, id := range t.Using {
		l, r, err := usingColumns(id, lsc, rsc)
		if err != nil {
			return nil, nil, err
		}
		name := &syntax.Name{Span: id.Span, Ident: id}
		lref, rref := &Ref{ID: l.ID, Name: l.Name, T: l.Type}, &Ref{ID: r.ID, Name: r.Name, T: r.Type}
		eq, err := a.bind(name, opEq, codeArguments, []Expr{lref, rref})
		if err != nil {
			return nil, nil, err
		}
		if j.On == nil {
			j.On = eq
		} else {
			j.On = both(j.On, eq)
		}
		c := l
		switch j.Kind {
		case RightJoin:
			c = r
		case FullJoin:
			t, _ := hivetype.Common(l.Type, r.Type)
			c = a.column(l.Name, t)
			isLeft := &Call{Func: opIsNotNull, Args: []Expr{lref}, T: boolean}
			full = append(full, Computed{Column: c, X: &Case{
				Whens: []When{{Cond: isLeft, Then: convert(lref, t)}}, Else: convert(rref, t), T: t,
			}})
		}
		merged.cols = append(merged.cols, c)
		for _, s := range sc.sources {
			s.hide(id.Name)
		}
	}
	if j.Kind == SemiJoin || j.Kind == AntiJoin {
		return j, lsc, nil
	}
	sc.sources = append([]*source{merged}, sc.sources...)
	if full == nil {
		return j, sc, nil
	}
	p := &Project{Input: j, Exprs: full}
	for _, c := range j.Columns() {
		var again Column
		if c.ID > firstOffset {
			again = a.offsetColumn()
		} else {
			again = a.column(c.Name, c.Type)
		}
		p.Exprs = append(p.Exprs, Computed{Column: again, X: &Ref{ID: c.ID, Name: c.Name, T: c.Type}})
		for _, s := range sc.sources[1:] {
			s.renumber(c.ID, p.Exprs[len(p.Exprs)-1].ID)
		}
	}
	return p, sc, nil
}

func (s *source) renumber(from, to int) {
	for _, list := range []*[]Column{&s.cols, &s.virtual} {
		cols := append([]Column(nil), *list...)
		for i := range cols {
			if cols[i].ID == from {
				cols[i].ID = to
			}
		}
		*list = cols
	}
}

func usingColumns(id syntax.Ident, lsc, rsc *scope) (l, r Column, err error) {
	for i, sc := range []*scope{lsc, rsc} {
		inner := scope{sources: sc.sources}
		c, used, err := inner.resolveHere(id, []syntax.Ident{id})
		if err == nil && used == 0 {
			err = inner.unknown(id, []syntax.Ident{id})
		}
		if err != nil {
			return l, r, err
		}
		if i == 0 {
			l = c
		} else {
			r = c
		}
	}
	return l, r, nil
}

func (a *analyzer) lateralView(t *syntax.LateralView, outer *scope, ctes *cteScope) (Rel, *scope, error) {
	var input Rel = &OneRow{} // SELECT ... LATERAL VIEW without FROM
	sc := &scope{outer: outer}
	var err error
	if t.From != nil {
		if input, sc, err = a.tableExpr(t.From, outer, ctes); err != nil {
			return nil, nil, err
		}
	}
	r := &resolver{a: a, sc: sc, ctes: ctes, place: "LATERAL VIEW"}
	l, err := r.tableFunction(t.Func, t.Columns)
	if err != nil {
		return nil, nil, err
	}
	l.Input, l.Outer = input, t.Outer
	sc = &scope{outer: outer, sources: append(append([]*source(nil), sc.sources...),
		&source{alias: strings.ToLower(t.Table.Name), cols: l.Cols})}
	return l, sc, nil
}

// tableFunction resolves a call of a table function; Input is left to the caller.
func (r *resolver) tableFunction(e *syntax.Call, aliases []syntax.Ident) (*Lateral, error) {
	fn, ok := Lookup(e.Func.Name)
	if !ok {
		return nil, r.noFunction(e, e.Func.Name)
	}
	if fn.Kind != TableFunction {
		return nil, failf(e, codeNoFunction, "Invalid function %s: it makes no rows", near(e.Func.Name))
	}
	args, err := r.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	b, err := bindTypes(e, fn, codeArguments, args)
	if err != nil {
		return nil, err
	}
	if len(aliases) > 0 && len(aliases) != len(b.Columns) {
		return nil, failf(e, codeTableFunctionAs,
			"The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF expected %d aliases but got %d",
			len(b.Columns), len(aliases))
	}
	l := &Lateral{Func: fn}
	for i, x := range args {
		l.Args = append(l.Args, convert(x, b.Args[i]))
	}
	for i, f := range b.Columns {
		name := f.Name
		if len(aliases) > 0 {
			name = strings.ToLower(aliases[i].Name)
		}
		l.Cols = append(l.Cols, r.a.column(name, f.Type))
	}
	return l, nil
}
