package hiveql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os/user"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// Execute runs the statements of src in order, each when the iteration asks for it, so that
// the caller decides whether an error ends the script. Variables are substituted in each
// statement before it is parsed; what SET says holds from the next statement on. The Result is
// never nil. An error is an *Error whose positions count from the start of its statement, which
// is Result.At of src. The rows of a result are closed when the iteration goes on.
func (s *Session) Execute(ctx context.Context, src string) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		for st := range syntax.Statements(src) {
			if !s.executeOne(ctx, st, yield) {
				return
			}
		}
	}
}

// Parse parses the statements of src with variables substituted, and runs none. Where src has no
// variables it may be called while another goroutine uses the session. An error is an *Error.
func (s *Session) Parse(src string) ([]syntax.Stmt, error) {
	if strings.Contains(src, "${") {
		text, err := s.settings.substitute(src)
		if err != nil {
			return nil, &Error{Phase: Analysis, SQLState: "42000", Msg: err.Error(), Source: src, Err: err}
		}
		src = text
	}
	var stmts []syntax.Stmt
	for st := range syntax.Statements(src) {
		if st.Err != nil {
			return nil, userError(st.Err, src, "")
		}
		stmts = append(stmts, st.Stmt)
	}
	return stmts, nil
}

// Check parses the statements of src as Execute would, with what its SET statements say, and
// yields one error, or nil, for each. It needs no metastore and runs nothing.
func Check(cfg Config, src string) iter.Seq[error] {
	settings := New(cfg).NewSession().settings
	return func(yield func(error) bool) {
		for written := range syntax.Statements(src) {
			if !yield(settings.check(written)) {
				return
			}
		}
	}
}

func (s *settings) check(written syntax.Statement) error {
	text, err := s.substitute(written.Text)
	if err != nil {
		return err
	}
	for st := range syntax.Statements(text) {
		if st.Err != nil {
			return userError(st.Err, text, "")
		}
		if set, ok := st.Stmt.(*syntax.Set); ok && set.Value != nil {
			if err := s.set(set.Key, *set.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// executeOne runs one statement as written, which is several when a variable holds a ';'.
func (s *Session) executeOne(ctx context.Context, written syntax.Statement, yield func(*Result, error) bool) bool {
	text, err := s.settings.substitute(written.Text)
	if err != nil {
		r := s.newResult(written.Text, written.At)
		return yield(r, &Error{Phase: Analysis, SQLState: "42000", Msg: err.Error(), Source: written.Text, Err: err})
	}
	for st := range substituted(written, text) {
		r := s.newResult(st.Text, written.At)
		r.Statement, r.source = st.Stmt, text
		s.cleanDue(ctx)
		var err error
		if st.Err != nil {
			err = userError(st.Err, text, "")
		} else if err = s.start(ctx, r); err != nil {
			err = userError(err, text, taskOf(st.Stmt))
		}
		going := yield(r, err)
		s.engine.listings.doubt(r.failure(err))
		closeErr := r.finish()
		s.rest()
		if closeErr != nil && err == nil && going {
			return yield(r, closeErr)
		}
		if !going {
			return false
		}
	}
	return true
}

// substituted are the statements of a statement with its variables substituted: where there were none, and its
// positions count from its own start already, what was parsed.
func substituted(written syntax.Statement, text string) iter.Seq[syntax.Statement] {
	if text == written.Text && written.At.Offset == 0 && written.Err == nil {
		return func(yield func(syntax.Statement) bool) { yield(written) }
	}
	return syntax.Statements(text)
}

// start runs a statement that was parsed, and lets the watcher know.
func (s *Session) start(ctx context.Context, r *Result) error {
	if s.watch != nil {
		s.watch(r)
	}
	return Guard(func() error { return s.run(ctx, r) })
}

func (s *Session) newResult(text string, at syntax.Pos) *Result {
	return &Result{Text: text, At: at, started: time.Now(), now: time.Now}
}

func taskOf(stmt syntax.Stmt) string {
	switch n := stmt.(type) {
	case *syntax.QueryStmt, *syntax.Insert, *syntax.InsertDirectory, *syntax.MultiInsert:
		return queryTask
	case *syntax.LoadData:
		return moveTask
	case *syntax.CreateTable:
		if n.Query != nil {
			return queryTask
		}
	}
	return ddlTask
}

// run carries out one statement.
func (s *Session) run(ctx context.Context, r *Result) error {
	if err := s.refused(r.Statement); err != nil {
		return err
	}
	if err := s.expandMacros(r.Statement); err != nil {
		return err
	}
	switch n := r.Statement.(type) {
	case *syntax.QueryStmt:
		return s.query(ctx, r, n.Query)
	case *syntax.Insert:
		return s.insert(ctx, r, n)
	case *syntax.InsertDirectory:
		return s.insertDirectory(ctx, r, n)
	case *syntax.MultiInsert:
		return s.multiInsert(ctx, r, n)
	case *syntax.LoadData:
		return s.loadData(ctx, r, n)
	case *syntax.Truncate:
		return s.truncate(ctx, r, n)
	case *syntax.Analyze:
		return s.analyze(ctx, n)
	case *syntax.Explain:
		return s.explain(ctx, r, n)
	case *syntax.CreateTable:
		return s.createTable(ctx, r, n)
	case *syntax.CreateView:
		return s.createView(ctx, r, n)
	case *syntax.DropTable:
		return s.dropTableOrView(ctx, n)
	case *syntax.CreateDatabase:
		return s.createDatabase(ctx, n)
	case *syntax.DropDatabase:
		return s.dropDatabase(ctx, n)
	case *syntax.AlterDatabase:
		return s.alterDatabase(ctx, n)
	case *syntax.AlterTable:
		return s.alterTable(ctx, r, n)
	case *syntax.Msck:
		return s.msck(ctx, r, n)
	case *syntax.Optimize:
		return s.optimize(ctx, r, n)
	case *syntax.Show:
		return s.show(ctx, r, n)
	case *syntax.Describe:
		return s.describe(ctx, r, n)
	case *syntax.Use:
		return s.use(ctx, n)
	case *syntax.Set:
		return s.setStatement(r, n)
	case *syntax.Reset:
		s.settings.reset(n.Keys...)
		return nil
	case *syntax.ShellCommand:
		return s.shellCommand(ctx, r, n)
	}
	return s.runRare(ctx, r)
}

// shellCommand carries out a command of Hive's shell. What the session does not know, who holds it may.
func (s *Session) shellCommand(ctx context.Context, r *Result, n *syntax.ShellCommand) error {
	switch n.Command {
	case "dfs":
		return s.dfs(ctx, r, n)
	case "add", "list", "delete":
		return s.resource(ctx, r, n)
	}
	if s.cfg.Command != nil {
		return s.cfg.Command(ctx, n)
	}
	return unsupported(n, "the command "+strings.ToUpper(n.Command))
}

// runRare carries out the statements about functions, those that carry tables away and back, and those about roles and
// privileges, and refuses by name what is not supported.
func (s *Session) runRare(ctx context.Context, r *Result) error {
	switch n := r.Statement.(type) {
	case *syntax.CreateMacro:
		return s.createMacro(ctx, n)
	case *syntax.DropFunction:
		return s.dropFunction(n)
	case *syntax.ReloadFunctions:
		return nil
	case *syntax.CreateFunction:
		return s.createFunction(n)
	case *syntax.Export:
		return s.export(ctx, r, n)
	case *syntax.Import:
		return s.importTable(ctx, r, n)
	}
	return s.authorization(ctx, r)
}

func (s *Session) setStatement(r *Result, n *syntax.Set) error {
	if zone, ok := timeZone(n.Key); ok && n.Value == nil {
		n = &syntax.Set{Span: n.Span, Key: "hive.local.time.zone", Value: &zone}
	}
	switch {
	case n.Key == "":
		r.showLines("set", s.settings.lines())
	case n.Value != nil:
		if err := s.settings.set(n.Key, *n.Value); err != nil {
			return &Error{Phase: Execution, Code: 1, SQLState: "42000", Msg: err.Error(), Pos: n.Pos(), Err: err}
		}
	default:
		if v, ok := s.settings.get(n.Key); ok {
			r.showLines("set", []string{n.Key + "=" + redacted(n.Key, v)})
		} else {
			r.showLines("set", []string{n.Key + " is undefined"})
		}
	}
	return nil
}

func (s *Session) use(ctx context.Context, n *syntax.Use) error {
	name := n.Database.Object()
	if _, err := s.cfg.Store.Database(ctx, name); err != nil {
		err = s.databaseError(&n.Database, name, err)
		var e *Error
		if names, listErr := s.cfg.Store.Databases(ctx, ""); listErr == nil && errors.As(err, &e) {
			e.Hint = analysis.Suggest(name, names)
		}
		return err
	}
	s.db = name
	return nil
}

// timeZone is the zone of SET TIME ZONE 'zone' and SET TIME ZONE LOCAL.
func timeZone(key string) (string, bool) {
	words := strings.Fields(key)
	if len(words) != 3 || !strings.EqualFold(words[0], "time") || !strings.EqualFold(words[1], "zone") {
		return "", false
	}
	return strings.Trim(words[2], `'"`), true
}

// env is what analysis may know of the session.
func (s *Session) env() analysis.Env {
	return analysis.Env{Database: s.db, Now: s.now(), User: s.cfg.User, Groups: s.groups, Setting: s.Setting, NoPrograms: s.cfg.NoPrograms, ProgramDir: s.programDir()}
}

// groups are those that this machine knows of the user.
func (s *Session) groups() []string {
	u, err := user.Lookup(s.cfg.User)
	if err != nil {
		return nil
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil
	}
	var names []string
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			names = append(names, g.Name)
		}
	}
	return names
}

// now is the clock in the session's time zone.
func (s *Session) now() time.Time {
	now := s.cfg.Now()
	if zone := s.Setting("hive.local.time.zone"); zone != "" && !strings.EqualFold(zone, "LOCAL") {
		if loc, err := time.LoadLocation(zone); err == nil {
			return now.In(loc)
		}
	}
	return now.In(LocalZone())
}

// tableName resolves a name against the current database.
func (s *Session) tableName(n *syntax.ObjectName) (metastore.TableName, error) {
	switch len(n.Parts) {
	case 1:
		return metastore.TableName{Database: s.db, Name: n.Parts[0].Object()}, nil
	case 2:
		return metastore.TableName{Database: n.Parts[0].Object(), Name: n.Parts[1].Object()}, nil
	}
	return metastore.TableName{}, semantic(n, 10001,
		"a table is named table or database.table, not %d names long", len(n.Parts))
}

// table reads a table that must exist.
func (s *Session) table(ctx context.Context, n *syntax.ObjectName) (*metastore.Table, error) {
	name, err := s.tableName(n)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Store.Table(ctx, name)
	if err != nil {
		return nil, s.withMeant(ctx, name, s.tableError(n, name, err))
	}
	return t, nil
}

// withMeant adds to the error that a table is not there which one may have been meant.
func (s *Session) withMeant(ctx context.Context, name metastore.TableName, err error) error {
	var e *Error
	if errors.As(err, &e) && errors.Is(err, metastore.ErrNoSuchTable) {
		if names, err := s.cfg.Store.Tables(ctx, name.Database, ""); err == nil {
			e.Hint = analysis.Suggest(name.Name, names)
		}
	}
	return err
}

// dataTable is table for those who are about to do something with the table's data.
func (s *Session) dataTable(ctx context.Context, n *syntax.ObjectName) (*metastore.Table, error) {
	t, err := s.table(ctx, n)
	if err == nil && t.Transactional() {
		return nil, unsupported(n, fmt.Sprintf("the transactional (ACID) table %s", t.TableName))
	}
	return t, err
}

// tableError puts what a metastore says of a table into Hive's words.
func (s *Session) tableError(n syntax.Node, name metastore.TableName, err error) error {
	switch {
	case errors.Is(err, metastore.ErrNoSuchTable):
		shown := name.Name
		if name.Database != s.db {
			shown = name.String()
		}
		e := semantic(n, 10001, "Table not found '%s'", shown)
		e.SQLState, e.Err = "42S02", err
		return e
	case errors.Is(err, metastore.ErrNoSuchDatabase):
		return s.databaseError(n, name.Database, err)
	}
	return err
}

func (s *Session) databaseError(n syntax.Node, name string, err error) error {
	if !errors.Is(err, metastore.ErrNoSuchDatabase) {
		return err
	}
	e := semantic(n, 10072, "Database does not exist: %s", name)
	e.SQLState, e.Err = "42000", err
	return e
}
