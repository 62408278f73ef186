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

// Hooked reports whether the hook holds in this build.
func (e *Executor) Hooked() bool { return e.hooked() }

// HookedFiles is how many files the process has registered, and not given up.
func HookedFiles() int {
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	return len(hooks.byID)
}
