-- Times are microseconds since 1970 in UTC. Maps and lists are JSON. Names are in lower case.

CREATE TABLE databases (
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  comment     TEXT    NOT NULL,
  location    TEXT    NOT NULL,
  owner       TEXT    NOT NULL,
  parameters  TEXT    NOT NULL,
  created     INTEGER NOT NULL
);

CREATE TABLE tables (
  id             INTEGER PRIMARY KEY,
  database_id    INTEGER NOT NULL REFERENCES databases (id),
  name           TEXT    NOT NULL,
  type           TEXT    NOT NULL,
  owner          TEXT    NOT NULL,
  created        INTEGER NOT NULL,
  descriptor_id  INTEGER NOT NULL,
  location       TEXT    NOT NULL,
  partition_keys TEXT    NOT NULL,
  parameters     TEXT    NOT NULL,
  view_original  TEXT    NOT NULL,
  view_expanded  TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  UNIQUE (database_id, name)
);

-- What a table and its partitions say of columns and formats, each text once for a table: a
-- hundred thousand partitions usually share one. Locations are not part of it.
CREATE TABLE descriptors (
  id       INTEGER PRIMARY KEY,
  table_id INTEGER NOT NULL,
  hash     TEXT    NOT NULL,
  body     TEXT    NOT NULL,
  UNIQUE (table_id, hash)
);

-- name is ds=2024-01-01/hr=3 and holds all values. k0 to k3 are the first four of them in a form
-- that orders by bytes as the values do (partitions.Key.SortValue), NULL where a comparison is
-- unknown; they decide predicates. The indexes on them end with the name, because the table is
-- clustered by it, so that an equality yields its partitions in order.
CREATE TABLE partitions (
  table_id      INTEGER NOT NULL,
  name          TEXT    NOT NULL,
  k0            TEXT,
  k1            TEXT,
  k2            TEXT,
  k3            TEXT,
  descriptor_id INTEGER NOT NULL,
  location      TEXT    NOT NULL,
  parameters    TEXT    NOT NULL,
  created       INTEGER NOT NULL,
  PRIMARY KEY (table_id, name)
) WITHOUT ROWID;

CREATE INDEX partitions_k0 ON partitions (table_id, k0);
CREATE INDEX partitions_k1 ON partitions (table_id, k1) WHERE k1 IS NOT NULL;
CREATE INDEX partitions_k2 ON partitions (table_id, k2) WHERE k2 IS NOT NULL;
CREATE INDEX partitions_k3 ON partitions (table_id, k3) WHERE k3 IS NOT NULL;

-- What SQLite should believe of a table: a hundred thousand partitions, two dozen for a value of
-- the leading key. Without it, it takes every table for a small one and reads all of it to save
-- the sorting. (rows, rows for one table, rows for one value)
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('partitions', 'partitions',    '1000000 100000 1'),
  ('partitions', 'partitions_k0', '1000000 100000 24'),
  ('partitions', 'partitions_k1', '1000000 100000 1000'),
  ('partitions', 'partitions_k2', '1000000 100000 1000'),
  ('partitions', 'partitions_k3', '1000000 100000 1000');
ANALYZE sqlite_schema;
