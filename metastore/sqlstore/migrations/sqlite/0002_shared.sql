-- The tables that SQLite has in common with PostgreSQL and MySQL, which begin with them. Ids come
-- from store.next_id and are never given out twice, so that what is known of an id stays true.

ALTER TABLE databases RENAME TO dbs;
ALTER TABLE dbs ADD COLUMN owner_type TEXT NOT NULL DEFAULT '';
ALTER TABLE tables ADD COLUMN owner_type TEXT NOT NULL DEFAULT '';

-- Where base is not empty, a partition without a location of its own lies at base/name.
ALTER TABLE descriptors ADD COLUMN base TEXT NOT NULL DEFAULT '';
CREATE INDEX descriptors_table ON descriptors (table_id, id);

-- One row. Its lock is that of everybody who writes.
CREATE TABLE store (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  uuid        TEXT    NOT NULL,
  next_id     INTEGER NOT NULL,
  last_change INTEGER NOT NULL,
  keep_days   INTEGER NOT NULL  -- of changes; 0 is for ever
);
INSERT INTO store (one, uuid, next_id, last_change, keep_days)
SELECT 1, lower(hex(randomblob(16))), 1 + max(
         coalesce((SELECT max(id) FROM dbs), 0), coalesce((SELECT max(id) FROM tables), 0),
         coalesce((SELECT max(id) FROM descriptors), 0)), 0, 30;

-- Tokens of transactions, by which one finds out whether its commit arrived.
CREATE TABLE commits (
  token TEXT    PRIMARY KEY,
  at    INTEGER NOT NULL
) WITHOUT ROWID;

-- was and became are JSON, as in encode_change.go.
CREATE TABLE changes (
  id     INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  who    TEXT    NOT NULL,
  kind   TEXT    NOT NULL,
  db     TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  was    TEXT    NOT NULL,
  became TEXT    NOT NULL
);
CREATE INDEX changes_object ON changes (db, name, id);

-- partition is the name of one, or empty for the table's own statistics.
CREATE TABLE column_stats (
  table_id       INTEGER NOT NULL,
  partition_name TEXT    NOT NULL,
  column_name    TEXT    NOT NULL,
  body           TEXT    NOT NULL,
  PRIMARY KEY (table_id, partition_name, column_name)
) WITHOUT ROWID;

CREATE TABLE table_constraints (
  table_id    INTEGER NOT NULL,
  name        TEXT    NOT NULL,
  parent_db   TEXT    NOT NULL, -- of foreign keys
  parent_name TEXT    NOT NULL,
  body        TEXT    NOT NULL,
  PRIMARY KEY (table_id, name)
) WITHOUT ROWID;
CREATE INDEX table_constraints_parent ON table_constraints (parent_db, parent_name);

CREATE TABLE functions (
  database_id INTEGER NOT NULL,
  name        TEXT    NOT NULL,
  body        TEXT    NOT NULL,
  PRIMARY KEY (database_id, name)
) WITHOUT ROWID;

CREATE TABLE locks (
  id      INTEGER PRIMARY KEY,
  expires INTEGER NOT NULL,
  body    TEXT    NOT NULL
);
