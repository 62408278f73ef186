package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema; the steps are numbered from 1 without gaps.
type migration struct {
	name string
	sql  string
}

func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
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
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s should have the number %d", name, i+1)
		}
		steps[i] = migration{name, string(text)}
	}
	return steps, nil
}

// migrate brings the schema up to date. Several processes may do so at once: all of it happens
// under the write lock, and an up to date schema is seen without it.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	version, err := s.currentVersion(ctx)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return newerSchema(version, len(steps))
	}
	if version == len(steps) {
		return nil
	}
	return s.transact(ctx, func(q *sql.Tx) error {
		version, err := schemaVersion(ctx, q)
		if err != nil {
			return err
		}
		if version > len(steps) {
			return newerSchema(version, len(steps))
		}
		for i, step := range steps[version:] {
			if _, err := q.ExecContext(ctx, step.sql); err != nil {
				return fmt.Errorf("migration %s: %w", step.name, err)
			}
			if err := setSchemaVersion(ctx, q, version+i+1); err != nil {
				return err
			}
		}
		if version > 0 {
			return nil
		}
		return (&tx{reader{q}, q}).CreateDatabase(ctx, &metastore.Database{
			Name: metastore.DefaultDatabase, Comment: "Default Hive database", CreateTime: time.Now(),
		})
	})
}

func newerSchema(found, known int) error {
	return fmt.Errorf("its schema has version %d, but this program knows versions up to %d: use a newer skep",
		found, known)
}

// currentVersion reads the version when nothing may be known to be right about the file: a file
// that is being made by another process, or one that is no database.
func (s *Store) currentVersion(ctx context.Context) (int, error) {
	deadline := time.Now().Add(lockPatience)
	for {
		version, err := schemaVersion(ctx, s.write)
		switch {
		case err == nil:
			return version, nil
		case sqliteCode(err) == sqliteNotDB:
			return 0, errors.New("the file is not an SQLite database")
		case !busy(err) || time.Now().After(deadline):
			return 0, err
		}
		if err := pause(ctx); err != nil {
			return 0, err
		}
	}
}

// schemaVersion is 0 where there is no schema.
func schemaVersion(ctx context.Context, q querier) (int, error) {
	var tables int
	err := q.QueryRowContext(ctx,
		`SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'`).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	var version int
	err = q.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&version)
	return version, err
}

func setSchemaVersion(ctx context.Context, q querier, version int) error {
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`,
		`DELETE FROM schema_version`,
	} {
		if _, err := q.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	_, err := q.ExecContext(ctx, `INSERT INTO schema_version (version) VALUES (?)`, version)
	return err
}
