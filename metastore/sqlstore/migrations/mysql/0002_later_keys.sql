-- The first version of 0001 had the later keys without the first. This makes every database alike.
-- It is one statement, so that the indexes are there when it has been cut off and is run again.

ALTER TABLE partitions
  DROP INDEX partitions_k1, DROP INDEX partitions_k2, DROP INDEX partitions_k3,
  ADD INDEX partitions_k1 (table_id, k1, k0),
  ADD INDEX partitions_k2 (table_id, k2, k0),
  ADD INDEX partitions_k3 (table_id, k3, k0);
