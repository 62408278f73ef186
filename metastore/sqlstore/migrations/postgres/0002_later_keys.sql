-- The first version of 0001 had the later keys without the first. This makes every database alike.

DROP INDEX IF EXISTS partitions_k1;
DROP INDEX IF EXISTS partitions_k2;
DROP INDEX IF EXISTS partitions_k3;
CREATE INDEX partitions_k1 ON partitions (table_id, k1, k0, name) WHERE k1 IS NOT NULL;
CREATE INDEX partitions_k2 ON partitions (table_id, k2, k0, name) WHERE k2 IS NOT NULL;
CREATE INDEX partitions_k3 ON partitions (table_id, k3, k0, name) WHERE k3 IS NOT NULL;
