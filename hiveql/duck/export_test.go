package duck

import "context"

// Exec runs DuckDB's SQL, to compare with.
func (e *Executor) Exec(ctx context.Context, sql string) error {
	c, err := e.connect()
	if err != nil {
		return err
	}
	defer c.close()
	return c.exec(ctx, sql)
}
