-- The namespace of a block store, format 1. See docs/blockstore-format.md.

CREATE TABLE store (
  id TEXT NOT NULL -- of the store, in the identity file of each of its disks too
);

CREATE TABLE disks (
  id   INTEGER PRIMARY KEY,
  path TEXT NOT NULL -- where the disk was last seen, for messages; its identity file counts
);

CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL -- never given out before
) WITHOUT ROWID;

CREATE TABLE volumes (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  block_size INTEGER NOT NULL, -- bytes; of new blocks
  created    INTEGER NOT NULL  -- nanoseconds since 1970
);

CREATE TABLE files (
  volume       INTEGER NOT NULL REFERENCES volumes(id),
  key          BLOB NOT NULL,
  version      INTEGER NOT NULL, -- from the counter 'version': every new content has a new one
  size         INTEGER NOT NULL, -- bytes
  crc32c       INTEGER NOT NULL, -- of the whole content
  mtime        INTEGER NOT NULL, -- nanoseconds since 1970
  content_type TEXT NOT NULL,
  metadata     TEXT NOT NULL,    -- a JSON object, or empty
  PRIMARY KEY (volume, key)
) WITHOUT ROWID;

CREATE TABLE blocks (
  id     INTEGER PRIMARY KEY, -- from the counter 'block'; names the file
  disk   INTEGER NOT NULL REFERENCES disks(id),
  size   INTEGER NOT NULL,    -- bytes
  crc32c INTEGER NOT NULL,    -- of the whole block
  chunks BLOB NOT NULL        -- CRC32C of each 64 KiB, the last may be shorter; 4 bytes each, big endian
);

CREATE TABLE file_blocks (
  version INTEGER NOT NULL, -- of the file
  seq     INTEGER NOT NULL, -- position in the file, from 0
  block   INTEGER NOT NULL REFERENCES blocks(id),
  PRIMARY KEY (version, seq)
) WITHOUT ROWID;

CREATE INDEX file_blocks_by_block ON file_blocks(block);

CREATE TABLE garbage (
  block INTEGER PRIMARY KEY, -- no longer in blocks; the file may still be there
  disk  INTEGER NOT NULL
);

CREATE TABLE writers (
  id      TEXT PRIMARY KEY, -- names the lock file that the writer holds while it lives
  started INTEGER NOT NULL  -- nanoseconds since 1970
) WITHOUT ROWID;

CREATE TABLE ranges (
  first  INTEGER PRIMARY KEY, -- block numbers first <= n < last are the writer's to use
  last   INTEGER NOT NULL,
  writer TEXT NOT NULL REFERENCES writers(id)
);

INSERT INTO counters (name, next) VALUES ('block', 1), ('version', 1);
