package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
)

//go:embed migrations/*/*.sql
var migrationFiles embed.FS

// migration is one step of the schema; the steps of a database are numbered from 1 without gaps.
type migration struct {
	name string
	sql  string
	then func(context.Context, session) error // what SQL cannot do; nil where it can
}

func migrations(dir string) ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/"+dir+"/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	steps := make([]migration, len(names))
	for i, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		number, what, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"+dir+"/"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s should have the number %d", name, i+1)
		}
		steps[i] = migration{name: name, sql: string(text)}
		switch what {
		case "details.sql":
			steps[i].then = moveDetails
		case "roles.sql":
			steps[i].then = makeRoles
		}
	}
	return steps, nil
}

// Version is the version of the schema in the database, 0 where there is none, and the newest one
// that this program knows.
func (s *Store) Version(ctx context.Context) (found, known int, err error) {
	steps, err := migrations(s.d.migrations)
	if err != nil {
		return 0, 0, err
	}
	var r retry
	for {
		found, err = schemaVersion(ctx, session{s.write, s.d})
		// A file may just be made by another process; a server that is away is said to be.
		if err == nil || troubleOf(err) != again || !r.next(ctx, err) {
			return found, len(steps), err
		}
	}
}

// Migrate brings the schema up to date. Several processes may do so at once.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("migrate metastore %s: %w", s.where, s.d.wrap(err))
	}
	return nil
}

// migrate does it under the lock that the dialect has for it. An up to date schema is seen
// without.
func (s *Store) migrate(ctx context.Context) error {
	version, known, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if version > known {
		return newerSchema(version, known)
	}
	if version < known {
		return s.d.exclusive(ctx, s.write, func(q session) error { return s.migrateLocked(ctx, q) })
	}
	return nil
}

func (s *Store) migrateLocked(ctx context.Context, q session) error {
	steps, err := migrations(s.d.migrations)
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, q)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return newerSchema(version, len(steps))
	}
	for i, step := range steps[version:] {
		if err := q.step(ctx, step.sql); err != nil {
			return fmt.Errorf("migration %s: %w", step.name, err)
		}
		if step.then != nil {
			if err := step.then(ctx, q); err != nil {
				return fmt.Errorf("migration %s: %w", step.name, err)
			}
		}
		if i == len(steps)-1-version {
			if err := s.makeDefault(ctx, q); err != nil {
				return err
			}
		}
		if err := setSchemaVersion(ctx, q, version+i+1); err != nil {
			return err
		}
	}
	return nil
}

// step runs one migration.
func (s session) step(ctx context.Context, text string) error {
	if !s.d.stepwise {
		_, err := s.q.ExecContext(ctx, text)
		return s.d.wrap(err)
	}
	for statement := range strings.SplitSeq(text, ";\n") {
		if onlyComments(statement) {
			continue
		}
		if _, err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func onlyComments(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			return false
		}
	}
	return true
}

// makeDefault makes the database that always exists, unless it does.
func (s *Store) makeDefault(ctx context.Context, q session) error {
	var n int
	if err := q.one(ctx, `SELECT count(*) FROM dbs`, nil, &n); err != nil || n > 0 {
		return err
	}
	_, err := q.exec(ctx, insertDatabase, 1, metastore.DefaultDatabase, "Default Hive database", "", "", "", "{}", encodeTime(time.Now()))
	if err == nil {
		_, err = q.exec(ctx, `UPDATE store SET next_id = 2 WHERE one = 1 AND next_id < 2`)
	}
	return err
}

func newerSchema(found, known int) error {
	return fmt.Errorf("its schema has version %d, but this program knows versions up to %d: use a newer skep",
		found, known)
}

// schemaVersion is 0 where there is no schema.
func schemaVersion(ctx context.Context, q session) (int, error) {
	var tables int
	if err := q.one(ctx, q.d.hasTable, with("schema_version"), &tables); err != nil || tables == 0 {
		return 0, err
	}
	var version sql.NullInt64 // NULL where another process is at its very beginning
	err := q.one(ctx, `SELECT max(version) FROM schema_version`, nil, &version)
	return int(version.Int64), err
}

func setSchemaVersion(ctx context.Context, q session, version int) error {
	if _, err := q.exec(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`); err != nil {
		return err
	}
	if _, err := q.exec(ctx, `INSERT INTO schema_version (version) VALUES (?)`, version); err != nil {
		return err
	}
	_, err := q.exec(ctx, `DELETE FROM schema_version WHERE version < ?`, version)
	return err
}
