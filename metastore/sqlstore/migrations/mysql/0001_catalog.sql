-- Times are microseconds since 1970 in UTC. Maps and lists are JSON. Names are in lower case, and
-- VARBINARY because every collation that MySQL and MariaDB share ignores spaces at the end. What
-- the tables are for is said in ../sqlite. MySQL commits each statement here by itself, so each
-- must do nothing when it has been run before.

CREATE TABLE IF NOT EXISTS dbs (
  id         BIGINT PRIMARY KEY,
  name       VARBINARY(256) NOT NULL UNIQUE,
  comment    MEDIUMTEXT   NOT NULL,
  location   MEDIUMTEXT   NOT NULL,
  owner      MEDIUMTEXT   NOT NULL,
  owner_type MEDIUMTEXT   NOT NULL,
  parameters MEDIUMTEXT   NOT NULL,
  created    BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS tables (
  id             BIGINT PRIMARY KEY,
  database_id    BIGINT NOT NULL,
  name           VARBINARY(256) NOT NULL,
  type           MEDIUMTEXT   NOT NULL,
  owner          MEDIUMTEXT   NOT NULL,
  owner_type     MEDIUMTEXT   NOT NULL,
  created        BIGINT NOT NULL,
  descriptor_id  BIGINT NOT NULL,
  location       MEDIUMTEXT   NOT NULL,
  partition_keys MEDIUMTEXT   NOT NULL,
  parameters     MEDIUMTEXT   NOT NULL,
  view_original  MEDIUMTEXT   NOT NULL,
  view_expanded  MEDIUMTEXT   NOT NULL,
  version        BIGINT NOT NULL,
  UNIQUE (database_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS descriptors (
  id       BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  hash     VARBINARY(64) NOT NULL,
  base     MEDIUMTEXT   NOT NULL,
  body     MEDIUMTEXT   NOT NULL,
  PRIMARY KEY (table_id, id),
  UNIQUE (table_id, hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS partitions (
  table_id      BIGINT NOT NULL,
  name          VARBINARY(1024) NOT NULL,
  k0            VARBINARY(1024),
  k1            VARBINARY(1024),
  k2            VARBINARY(1024),
  k3            VARBINARY(1024),
  descriptor_id BIGINT NOT NULL,
  location      MEDIUMTEXT   NOT NULL,
  parameters    MEDIUMTEXT   NOT NULL,
  created       BIGINT NOT NULL,
  PRIMARY KEY (table_id, name),
  INDEX partitions_k0 (table_id, k0),
  INDEX partitions_k1 (table_id, k1, k0),
  INDEX partitions_k2 (table_id, k2, k0),
  INDEX partitions_k3 (table_id, k3, k0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS store (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  uuid        MEDIUMTEXT    NOT NULL,
  next_id     BIGINT  NOT NULL,
  last_change BIGINT  NOT NULL,
  keep_days   BIGINT  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
INSERT IGNORE INTO store (one, uuid, next_id, last_change, keep_days)
VALUES (1, replace(uuid(), '-', ''), 1, 0, 30);

CREATE TABLE IF NOT EXISTS commits (
  token VARBINARY(64) PRIMARY KEY,
  at    BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS changes (
  id     BIGINT PRIMARY KEY,
  at     BIGINT NOT NULL,
  who    MEDIUMTEXT   NOT NULL,
  kind   MEDIUMTEXT   NOT NULL,
  db     VARBINARY(256) NOT NULL,
  name   VARBINARY(256) NOT NULL,
  was    MEDIUMTEXT   NOT NULL,
  became MEDIUMTEXT   NOT NULL,
  INDEX changes_object (db, name, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS column_stats (
  table_id       BIGINT NOT NULL,
  partition_name VARBINARY(1024) NOT NULL,
  column_name    VARBINARY(767) NOT NULL,
  body           MEDIUMTEXT   NOT NULL,
  PRIMARY KEY (table_id, partition_name, column_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS table_constraints (
  table_id    BIGINT NOT NULL,
  name        VARBINARY(256) NOT NULL,
  parent_db   VARBINARY(256) NOT NULL,
  parent_name VARBINARY(256) NOT NULL,
  body        MEDIUMTEXT   NOT NULL,
  PRIMARY KEY (table_id, name),
  INDEX table_constraints_parent (parent_db, parent_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS functions (
  database_id BIGINT NOT NULL,
  name        VARBINARY(256) NOT NULL,
  body        MEDIUMTEXT   NOT NULL,
  PRIMARY KEY (database_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS locks (
  id      BIGINT PRIMARY KEY,
  expires BIGINT NOT NULL,
  body    MEDIUMTEXT   NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
