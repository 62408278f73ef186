package hs2

import (
	"context"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// addCatalog adds the methods that ask about the catalog.
func (s *Service) addCatalog(t *thrift.Service) {
	thrift.Handle(t, "GetCatalogs", func(ctx context.Context, a *call[ofSession]) (operationReply, error) {
		return s.answer(a.Req.Session, opCatalogs, texts("TABLE_CAT"), noRows)
	})
	thrift.Handle(t, "GetTableTypes", func(ctx context.Context, a *call[ofSession]) (operationReply, error) {
		return s.answer(a.Req.Session, opTableTypes, texts("TABLE_TYPE"), rowsOf([]any{"TABLE"}, []any{"VIEW"}))
	})
	thrift.Handle(t, "GetTypeInfo", func(ctx context.Context, a *call[ofSession]) (operationReply, error) {
		return s.answer(a.Req.Session, opTypeInfo, typeInfoColumns(), rowsOf(typeInfo()...))
	})
	thrift.Handle(t, "GetSchemas", func(ctx context.Context, a *call[tablesRequest]) (operationReply, error) {
		return s.answer(a.Req.Session, opSchemas, texts("TABLE_SCHEM", "TABLE_CATALOG"), s.schemas(a.Req.Schema))
	})
	thrift.Handle(t, "GetTables", func(ctx context.Context, a *call[tablesRequest]) (operationReply, error) {
		return s.answer(a.Req.Session, opTables, texts("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS",
			"TYPE_CAT", "TYPE_SCHEM", "TYPE_NAME", "SELF_REFERENCING_COL_NAME", "REF_GENERATION"), s.tables(&a.Req))
	})
	thrift.Handle(t, "GetColumns", func(ctx context.Context, a *call[catalogRequest]) (operationReply, error) {
		return s.answer(a.Req.Session, opColumns, columnColumns(), s.columns(&a.Req))
	})
	thrift.Handle(t, "GetFunctions", func(ctx context.Context, a *call[catalogRequest]) (operationReply, error) {
		return s.answer(a.Req.Session, opFunctions, functionColumns(), functions(a.Req.Table)) // its field 4
	})
	thrift.Handle(t, "GetPrimaryKeys", func(ctx context.Context, a *call[tablesRequest]) (operationReply, error) {
		return s.answer(a.Req.Session, opFunctions, primaryKeyColumns(), s.primaryKeys(&a.Req))
	})
	thrift.Handle(t, "GetCrossReference", func(ctx context.Context, a *call[crossRequest]) (operationReply, error) {
		return s.answer(a.Req.Session, opFunctions, crossColumns(), s.crossReference(&a.Req))
	})
}

// rowSeq makes the rows of an answer as they are fetched.
type rowSeq func(ctx context.Context) iter.Seq2[[]any, error]

func rowsOf(rows ...[]any) rowSeq {
	return func(context.Context) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

func noRows(context.Context) iter.Seq2[[]any, error] { return func(func([]any, error) bool) {} }

// answer makes an operation, which has ended, of rows about the catalog.
func (s *Service) answer(h sessionHandle, kind int32, columns []analysis.Output, rows rowSeq) (operationReply, error) {
	ses, err := s.session(h)
	if err != nil {
		return operationReply{Status: failed(err)}, nil
	}
	o, err := s.newOperation(ses, kind, "", true)
	if err != nil {
		return operationReply{Status: failed(err)}, nil
	}
	next, stop := iter.Pull2(rows(o.ctx))
	o.rows = &catalogRows{columns: columns, next: next, stop: stop}
	o.settle(nil, nil)
	close(o.done)
	return operationReply{status{Code: statusSuccess}, o.handle()}, nil
}

// catalogRows are the rows of an answer about the catalog.
type catalogRows struct {
	columns []analysis.Output
	next    func() ([]any, error, bool)
	stop    func()
	row     []any
	err     error
}

func (r *catalogRows) Columns() []analysis.Output { return r.columns }

func (r *catalogRows) Next() bool {
	row, err, ok := r.next()
	r.row, r.err = row, err
	return ok && err == nil
}

func (r *catalogRows) Row() []hivetype.Value { return r.row }

func (r *catalogRows) Err() error { return r.err }

func (r *catalogRows) Close() error {
	r.stop()
	return nil
}

// texts are columns of text.
func texts(names ...string) []analysis.Output {
	var columns []analysis.Output
	for _, n := range names {
		columns = append(columns, analysis.Output{Name: n, ID: len(columns), Type: hivetype.Of(hivetype.String)})
	}
	return columns
}

// typed are columns of the types that stand behind the names: s text, i INT, h SMALLINT, b BOOLEAN.
func typed(pairs ...string) []analysis.Output {
	columns := texts(pairs...)
	for i := range columns {
		name, kind, _ := strings.Cut(columns[i].Name, " ")
		columns[i].Name = name
		switch kind {
		case "i":
			columns[i].Type = hivetype.Of(hivetype.Int)
		case "h":
			columns[i].Type = hivetype.Of(hivetype.SmallInt)
		case "b":
			columns[i].Type = hivetype.Of(hivetype.Boolean)
		}
	}
	return columns
}

// pattern makes a matcher of a name as drivers ask for it: % and _ of JDBC, escaped by \, and * and
// .* of Hive. Nothing, like an empty pattern, matches all names.
func pattern(p *string) func(string) bool {
	if p == nil || *p == "" || *p == "%" || *p == "*" {
		return func(string) bool { return true }
	}
	var b strings.Builder
	b.WriteString("(?is)^")
	rest := strings.ReplaceAll(*p, ".*", "*")
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteString(regexp.QuoteMeta(rest[i : i+1]))
		case c == '%', c == '*':
			b.WriteString(".*")
		case c == '_':
			b.WriteString(".")
		case c == '|':
			b.WriteString("$|^")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString("$")
	re, err := regexp.Compile(b.String())
	if err != nil { // bytes that are no text
		return func(string) bool { return false }
	}
	return re.MatchString
}

func (s *Service) schemas(schema *string) rowSeq {
	return func(ctx context.Context) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			names, err := s.Store.Databases(ctx, "")
			if err != nil {
				yield(nil, err)
				return
			}
			match := pattern(schema)
			for _, name := range names {
				if match(name) && !yield([]any{name, ""}, nil) {
					return
				}
			}
		}
	}
}

// tableType is what drivers know a type of table by.
func tableType(t metastore.TableType) string {
	if t == metastore.View {
		return "VIEW"
	}
	return "TABLE"
}

// each yields the tables whose names match. A metastore knows fewer patterns than drivers, so it
// is asked for what it can decide alone.
func (s *Service) each(ctx context.Context, schema, table *string) iter.Seq2[*metastore.Table, error] {
	return func(yield func(*metastore.Table, error) bool) {
		inSchema, named := pattern(schema), pattern(table)
		for t, err := range s.Store.AllTables(ctx, plain(schema), plain(table)) {
			if err != nil {
				yield(nil, err)
				return
			}
			if inSchema(t.Database) && named(t.Name) && !yield(t, nil) {
				return
			}
		}
	}
}

// plain is a pattern that is a plain name, or else the pattern for all names.
func plain(p *string) string {
	if p == nil || strings.ContainsAny(*p, `%_*|\`) {
		return ""
	}
	return *p
}

func (s *Service) tables(r *tablesRequest) rowSeq {
	return func(ctx context.Context) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for t, err := range s.each(ctx, r.Schema, r.Table) {
				if err != nil {
					yield(nil, err)
					return
				}
				kind := tableType(t.Type)
				asked := len(r.Types) == 0 || slices.Contains(r.Types, kind) || slices.Contains(r.Types, string(t.Type))
				if asked && !yield([]any{"", t.Database, t.Name, kind, t.Parameters["comment"], nil, nil, nil, nil, nil}, nil) {
					return
				}
			}
		}
	}
}

func functionColumns() []analysis.Output {
	return typed("FUNCTION_CAT", "FUNCTION_SCHEM", "FUNCTION_NAME", "REMARKS", "FUNCTION_TYPE i", "SPECIFIC_NAME")
}

// functions lists the built-in functions. Drivers do not ask for the macros of databases.
func functions(name *string) rowSeq {
	match := pattern(name)
	const noTable = int64(1) // java.sql.DatabaseMetaData.functionNoTable
	var rows [][]any
	for _, f := range analysis.Functions() {
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			if match(n) {
				rows = append(rows, []any{nil, nil, n, f.Usage, noTable, "skep." + f.Name})
			}
		}
	}
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[2].(string), b[2].(string)) })
	return rowsOf(rows...)
}

func primaryKeyColumns() []analysis.Output {
	return typed("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME", "KEY_SEQ i", "PK_NAME")
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func (s *Service) primaryKeys(r *tablesRequest) rowSeq {
	return func(ctx context.Context) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			name := metastore.TableName{Database: text(r.Schema), Name: text(r.Table)}
			constraints, err := s.Store.Constraints(ctx, name)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, c := range constraints {
				if c.Kind != metastore.PrimaryKey {
					continue
				}
				for i, column := range c.Columns {
					if !yield([]any{"", strings.ToLower(name.Database), strings.ToLower(name.Name), column, int64(i + 1), c.Name}, nil) {
						return
					}
				}
			}
		}
	}
}

func crossColumns() []analysis.Output {
	return typed("PKTABLE_CAT", "PKTABLE_SCHEM", "PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_CAT", "FKTABLE_SCHEM", "FKTABLE_NAME",
		"FKCOLUMN_NAME", "KEQ_SEQ i", "UPDATE_RULE i", "DELETE_RULE i", "FK_NAME", "PK_NAME", "DEFERRABILITY i") // KEQ as in Hive
}

// crossReference lists the foreign keys of a table, to one other or to all.
func (s *Service) crossReference(r *crossRequest) rowSeq {
	return func(ctx context.Context) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			children := []metastore.TableName{{Database: text(r.Schema), Name: text(r.Table)}}
			var err error
			if text(r.Table) == "" {
				children, err = s.Store.ForeignKeysTo(ctx, metastore.TableName{Database: text(r.ParentSchema), Name: text(r.ParentTable)})
			}
			for _, child := range children {
				if err == nil {
					err = s.foreignKeys(ctx, child, r, yield)
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
}

// foreignKeys yields the keys of one table that r asks for.
func (s *Service) foreignKeys(
	ctx context.Context, child metastore.TableName, r *crossRequest, yield func([]any, error) bool,
) error {
	constraints, err := s.Store.Constraints(ctx, child)
	if err != nil {
		return err
	}
	for _, c := range constraints {
		parent := text(r.ParentTable) == "" || strings.EqualFold(text(r.ParentTable), c.Parent.Name)
		if c.Kind != metastore.ForeignKey || !parent {
			continue
		}
		for i, column := range c.Columns {
			const notDeferrable = int64(7)
			row := []any{"", c.Parent.Database, c.Parent.Name, c.References[i], "", strings.ToLower(child.Database), strings.ToLower(child.Name),
				column, int64(i + 1), int64(c.UpdateRule), int64(c.DeleteRule), c.Name, "", notDeferrable}
			if !yield(row, nil) {
				return nil
			}
		}
	}
	return nil
}
