-- Transactions of the Hive Metastore's clients, and the numbers of what they write to tables.
CREATE TABLE IF NOT EXISTS txns (
  id      BIGINT PRIMARY KEY,
  expires BIGINT NOT NULL,
  body    MEDIUMTEXT   NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS write_ids (
  name VARBINARY(600) NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
