-- A condition on a later key usually comes with one on the first, a range of days for example: the
-- index finds both at once.

DROP INDEX partitions_k1;
DROP INDEX partitions_k2;
DROP INDEX partitions_k3;
CREATE INDEX partitions_k1 ON partitions (table_id, k1, k0) WHERE k1 IS NOT NULL;
CREATE INDEX partitions_k2 ON partitions (table_id, k2, k0) WHERE k2 IS NOT NULL;
CREATE INDEX partitions_k3 ON partitions (table_id, k3, k0) WHERE k3 IS NOT NULL;

-- As in the first migration: what SQLite should believe.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('partitions', 'partitions_k1', '1000000 100000 1000 10'),
  ('partitions', 'partitions_k2', '1000000 100000 1000 10'),
  ('partitions', 'partitions_k3', '1000000 100000 1000 10');
ANALYZE sqlite_schema;
