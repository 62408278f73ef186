-- Transactions of the Hive Metastore's clients, and the numbers of what they write to tables.
CREATE TABLE IF NOT EXISTS txns (
  id      BIGINT PRIMARY KEY,
  expires BIGINT NOT NULL,
  body    TEXT   NOT NULL
);

CREATE TABLE IF NOT EXISTS write_ids (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL
);
