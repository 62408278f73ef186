-- Brings a namespace of format 1 to format 2. Before it, the tables of format 1 were renamed to
-- old1_<name>, and schema.sql was run.

DELETE FROM counters;
INSERT INTO store SELECT id FROM old1_store;
INSERT INTO disks (id, path) SELECT id, path FROM old1_disks;
INSERT INTO counters SELECT name, next FROM old1_counters;
INSERT INTO volumes (id, name, created, block_size, bytes, files)
  SELECT v.id, v.name, v.created, v.block_size,
    (SELECT coalesce(sum(size), 0) FROM old1_files f WHERE f.volume = v.id),
    (SELECT count(*) FROM old1_files f WHERE f.volume = v.id)
  FROM old1_volumes v;
INSERT INTO files (volume, key, version, size, crc32c, mtime, content_type, metadata, more)
  SELECT volume, key, version, size, crc32c, mtime, content_type, metadata, '' FROM old1_files;
INSERT INTO blocks (id, size, crc32c, chunks) SELECT id, size, crc32c, chunks FROM old1_blocks;
INSERT INTO replicas (block, disk) SELECT id, disk FROM old1_blocks;
INSERT INTO file_blocks SELECT version, seq, block FROM old1_file_blocks;
INSERT INTO garbage SELECT block, disk FROM old1_garbage;
INSERT INTO writers (id, started) SELECT id, started FROM old1_writers;
INSERT INTO ranges SELECT first, last, writer FROM old1_ranges;

DROP TABLE old1_ranges;
DROP TABLE old1_writers;
DROP TABLE old1_garbage;
DROP TABLE old1_file_blocks;
DROP TABLE old1_blocks;
DROP TABLE old1_files;
DROP TABLE old1_volumes;
DROP TABLE old1_counters;
DROP TABLE old1_disks;
DROP TABLE old1_store;
