-- Transactions of the Hive Metastore's clients, and the numbers of what they write to tables.
CREATE TABLE IF NOT EXISTS txns (
  id      INTEGER PRIMARY KEY,
  expires INTEGER NOT NULL,
  body    TEXT    NOT NULL
);

CREATE TABLE IF NOT EXISTS write_ids (
  name TEXT    NOT NULL PRIMARY KEY,
  last INTEGER NOT NULL
) WITHOUT ROWID;
