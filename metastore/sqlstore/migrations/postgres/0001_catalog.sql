-- Times are microseconds since 1970 in UTC. Maps and lists are JSON. Names are in lower case and
-- ordered by bytes. What the tables are for is said in ../sqlite.

CREATE TABLE dbs (
  id         BIGINT PRIMARY KEY,
  name       TEXT COLLATE "C" NOT NULL UNIQUE,
  comment    TEXT   NOT NULL,
  location   TEXT   NOT NULL,
  owner      TEXT   NOT NULL,
  owner_type TEXT   NOT NULL,
  parameters TEXT   NOT NULL,
  created    BIGINT NOT NULL
);

CREATE TABLE tables (
  id             BIGINT PRIMARY KEY,
  database_id    BIGINT NOT NULL REFERENCES dbs (id),
  name           TEXT COLLATE "C" NOT NULL,
  type           TEXT   NOT NULL,
  owner          TEXT   NOT NULL,
  owner_type     TEXT   NOT NULL,
  created        BIGINT NOT NULL,
  descriptor_id  BIGINT NOT NULL,
  location       TEXT   NOT NULL,
  partition_keys TEXT   NOT NULL,
  parameters     TEXT   NOT NULL,
  view_original  TEXT   NOT NULL,
  view_expanded  TEXT   NOT NULL,
  version        BIGINT NOT NULL,
  UNIQUE (database_id, name)
);

CREATE TABLE descriptors (
  id       BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  hash     TEXT COLLATE "C" NOT NULL,
  base     TEXT   NOT NULL,
  body     TEXT   NOT NULL,
  PRIMARY KEY (table_id, id),
  UNIQUE (table_id, hash)
);

CREATE TABLE partitions (
  table_id      BIGINT NOT NULL,
  name          TEXT COLLATE "C" NOT NULL,
  k0            TEXT COLLATE "C",
  k1            TEXT COLLATE "C",
  k2            TEXT COLLATE "C",
  k3            TEXT COLLATE "C",
  descriptor_id BIGINT NOT NULL,
  location      TEXT   NOT NULL,
  parameters    TEXT   NOT NULL,
  created       BIGINT NOT NULL,
  PRIMARY KEY (table_id, name)
);

-- With the name, an equality of the first key yields its partitions in order; a condition on a later
-- one usually comes with one on the first.
CREATE INDEX partitions_k0 ON partitions (table_id, k0, name);
CREATE INDEX partitions_k1 ON partitions (table_id, k1, k0, name) WHERE k1 IS NOT NULL;
CREATE INDEX partitions_k2 ON partitions (table_id, k2, k0, name) WHERE k2 IS NOT NULL;
CREATE INDEX partitions_k3 ON partitions (table_id, k3, k0, name) WHERE k3 IS NOT NULL;

CREATE TABLE store (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  uuid        TEXT    NOT NULL,
  next_id     BIGINT  NOT NULL,
  last_change BIGINT  NOT NULL,
  keep_days   BIGINT  NOT NULL
) WITH (fillfactor = 50);
INSERT INTO store (one, uuid, next_id, last_change, keep_days)
VALUES (1, replace(gen_random_uuid()::text, '-', ''), 1, 0, 30);

CREATE TABLE commits (
  token TEXT COLLATE "C" PRIMARY KEY,
  at    BIGINT NOT NULL
);

CREATE TABLE changes (
  id     BIGINT PRIMARY KEY,
  at     BIGINT NOT NULL,
  who    TEXT   NOT NULL,
  kind   TEXT   NOT NULL,
  db     TEXT COLLATE "C" NOT NULL,
  name   TEXT COLLATE "C" NOT NULL,
  was    TEXT   NOT NULL,
  became TEXT   NOT NULL
);
CREATE INDEX changes_object ON changes (db, name, id);

CREATE TABLE column_stats (
  table_id       BIGINT NOT NULL,
  partition_name TEXT COLLATE "C" NOT NULL,
  column_name    TEXT COLLATE "C" NOT NULL,
  body           TEXT   NOT NULL,
  PRIMARY KEY (table_id, partition_name, column_name)
);

CREATE TABLE table_constraints (
  table_id    BIGINT NOT NULL,
  name        TEXT COLLATE "C" NOT NULL,
  parent_db   TEXT COLLATE "C" NOT NULL,
  parent_name TEXT COLLATE "C" NOT NULL,
  body        TEXT   NOT NULL,
  PRIMARY KEY (table_id, name)
);
CREATE INDEX table_constraints_parent ON table_constraints (parent_db, parent_name);

CREATE TABLE functions (
  database_id BIGINT NOT NULL,
  name        TEXT COLLATE "C" NOT NULL,
  body        TEXT   NOT NULL,
  PRIMARY KEY (database_id, name)
);

CREATE TABLE locks (
  id      BIGINT PRIMARY KEY,
  expires BIGINT NOT NULL,
  body    TEXT   NOT NULL
);
