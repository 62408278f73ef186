package syntax

import (
	"strconv"
	"strings"
)

// Print writes n in one canonical form, on one line: keywords in upper case, parentheses only
// where they are needed, names and literals as they were. Parsing the text again gives a tree
// equal to n.
func Print(n Node) string { return printNode(n, false) }

func printNode(n Node, parens bool) string {
	p := &printer{parens: parens}
	p.node(n)
	return strings.TrimPrefix(p.b.String(), " ") // clauses bring the blank in front of them
}

type printer struct {
	b      strings.Builder
	parens bool // around every operation
}

// node prints any node. Values and pointers are the same to it.
func (p *printer) node(n Node) {
	switch n := n.(type) {
	case Expr:
		p.expr(n, levelOr)
	case QueryBody:
		p.queryBody(n)
	case TableExpr:
		p.table(n)
	case Stmt:
		p.stmt(n)
	case AlterAction:
		p.alterAction(n)
	default:
		p.part(n)
	}
}

// part prints what is neither a statement nor an expression nor a table.
func (p *printer) part(n Node) {
	switch n := n.(type) {
	case *Ident:
		p.ident(*n)
	case Ident:
		p.ident(n)
	case *ObjectName:
		p.objectName(*n)
	case ObjectName:
		p.objectName(n)
	case *Type:
		p.typ(*n)
	case Type:
		p.typ(n)
	case *ColumnDef:
		p.column(*n)
	case ColumnDef:
		p.column(n)
	case *PartitionSpec:
		p.partition(n)
	case PartitionSpec:
		p.partition(&n)
	case *RowFormat:
		p.rowFormat(n)
	case *FileFormat:
		p.fileFormat(n)
	case *Window:
		p.window(n)
	case *SortItem:
		p.sortItem(*n)
	case SortItem:
		p.sortItem(n)
	case *SelectItem:
		p.selectItem(*n)
	case SelectItem:
		p.selectItem(n)
	case *Limit:
		p.limit(n)
	case *GroupBy:
		p.groupBy(n)
	}
}

// w writes words as they are.
func (p *printer) w(texts ...string) {
	for _, t := range texts {
		p.b.WriteString(t)
	}
}

// when writes text if the condition holds.
func (p *printer) when(cond bool, text string) {
	if cond {
		p.b.WriteString(text)
	}
}

func (p *printer) str(s string) { p.w(Quote(s)) }

// optional writes a keyword and a string, if there is one.
func (p *printer) optional(keyword string, s *string) {
	if s != nil {
		p.w(keyword)
		p.str(*s)
	}
}

// commas prints items with commas between them.
func commas[T any](p *printer, items []T, item func(T)) {
	for i, it := range items {
		if i > 0 {
			p.w(", ")
		}
		item(it)
	}
}

// inParens prints items with commas between them, in parentheses.
func inParens[T any](p *printer, items []T, item func(T)) {
	p.w("(")
	commas(p, items, item)
	p.w(")")
}

func (p *printer) ident(id Ident) {
	if id.Quoted {
		p.w("`", strings.ReplaceAll(id.Name, "`", "``"), "`")
	} else {
		p.w(QuoteIdent(id.Name))
	}
}

func (p *printer) idents(ids []Ident) { commas(p, ids, p.ident) }

func (p *printer) objectName(n ObjectName) {
	for i, part := range n.Parts {
		p.when(i > 0, ".")
		p.ident(part)
	}
}

func (p *printer) typ(t Type) {
	p.w(t.Kind)
	if len(t.Args) > 0 {
		p.w("(")
		for i, a := range t.Args {
			p.when(i > 0, ",")
			p.w(strconv.Itoa(a))
		}
		p.w(")")
	}
	if len(t.Elems) == 0 && len(t.Fields) == 0 {
		return
	}
	p.w("<")
	for i, e := range t.Elems {
		p.when(i > 0, ",")
		p.typ(e)
	}
	for i, f := range t.Fields {
		p.when(i > 0, ",")
		p.ident(f.Name)
		p.w(":")
		p.typ(f.Type)
		p.comment(f.Comment)
	}
	p.w(">")
}

func (p *printer) comment(c string) {
	if c != "" {
		p.w(" COMMENT ")
		p.str(c)
	}
}

// column prints name [type] [constraints] [COMMENT 'c'].
func (p *printer) column(c ColumnDef) {
	p.ident(c.Name)
	if c.Type.Kind != "" {
		p.w(" ")
		p.typ(c.Type)
	}
	for _, k := range c.Constraints {
		p.w(" ")
		p.constraint(k)
	}
	p.comment(c.Comment)
}
