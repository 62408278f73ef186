package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// prepared is a query that is parsed and planned once for each connection, since it is asked often. It
// is safe for concurrent use.
type prepared struct {
	mu   sync.Mutex
	stmt *sql.Stmt // nil until it is asked for
}

// of is the statement, which is closed with db.
func (p *prepared) of(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stmt == nil {
		stmt, err := db.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		p.stmt = stmt
	}
	return p.stmt, nil
}

// tableReads reads tables in one transaction, by a prepared statement where the database leaves it to its
// clients to keep those.
type tableReads struct {
	mu    sync.Mutex // a connection has the statement once
	q     *sql.Tx
	store *Store
}

// each calls fn for the row of a table, if there is one.
func (t *tableReads) each(ctx context.Context, fn func(scan func(...any) error) error, database, table string) error {
	d := t.store.d
	stmt, err := t.store.selectTable.of(ctx, t.store.read, d.bind(selectTable))
	if err != nil {
		return d.wrap(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	rows, err := t.q.StmtContext(ctx, stmt).QueryContext(ctx, database, table) //nolint:sqlclosecheck // each closes them, the end of the transaction the statement
	if err != nil {
		return d.wrap(err)
	}
	return d.each(rows, fn)
}
