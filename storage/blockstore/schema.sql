-- The namespace of a block store, format 2. See docs/blockstore-format.md.
-- Times are nanoseconds since 1970, sizes bytes. "Number" is a value of the counter 'version',
-- which orders all changes of the store.

CREATE TABLE store (
  id TEXT NOT NULL -- of the store, in the identity file of each of its disks too
);

CREATE TABLE disks (
  id    INTEGER PRIMARY KEY,
  path  TEXT NOT NULL,                 -- where the disk was last seen; its identity file counts
  state TEXT NOT NULL DEFAULT 'active' -- 'active'; 'draining': no new blocks; 'removed': has none
);

CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL -- never given out before
) WITHOUT ROWID;

CREATE TABLE volumes (
  id            INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  name          TEXT NOT NULL UNIQUE,
  created       INTEGER NOT NULL,
  block_size    INTEGER NOT NULL,           -- of new blocks
  replication   INTEGER NOT NULL DEFAULT 1, -- of new blocks: on how many disks, 1 to 3
  dedup         INTEGER NOT NULL DEFAULT 0, -- 1: new blocks are looked for among those with a hash
  quota_bytes   INTEGER NOT NULL DEFAULT 0, -- at most; 0: as many as there is room for
  quota_files   INTEGER NOT NULL DEFAULT 0,
  bytes         INTEGER NOT NULL DEFAULT 0, -- of all rows of files
  files         INTEGER NOT NULL DEFAULT 0, -- rows of files
  last_snapshot INTEGER NOT NULL DEFAULT 0  -- the greatest number of a snapshot; 0: there is none
);

-- What is visible now.
CREATE TABLE files (
  volume       INTEGER NOT NULL REFERENCES volumes(id),
  key          BLOB NOT NULL,
  version      INTEGER NOT NULL, -- the number at which it became visible
  size         INTEGER NOT NULL,
  crc32c       INTEGER NOT NULL, -- of the whole content
  mtime        INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  metadata     TEXT NOT NULL, -- a JSON object of strings, or empty
  more         TEXT NOT NULL, -- a JSON object of what few objects have ("headers", "tags"), or empty
  PRIMARY KEY (volume, key)
) WITHOUT ROWID;

-- What was visible once and is kept for a snapshot.
CREATE TABLE old_files (
  volume       INTEGER NOT NULL REFERENCES volumes(id),
  key          BLOB NOT NULL,
  version      INTEGER NOT NULL,
  size         INTEGER NOT NULL,
  crc32c       INTEGER NOT NULL,
  mtime        INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  metadata     TEXT NOT NULL,
  more         TEXT NOT NULL,
  died         INTEGER NOT NULL, -- the number at which it was replaced, renamed or deleted
  PRIMARY KEY (volume, key, version)
) WITHOUT ROWID;

-- A snapshot has the rows of files and old_files with version < number, and of old_files died > number.
CREATE TABLE snapshots (
  volume  INTEGER NOT NULL REFERENCES volumes(id),
  name    TEXT NOT NULL,
  number  INTEGER NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (volume, name)
) WITHOUT ROWID;

CREATE UNIQUE INDEX snapshots_by_number ON snapshots(volume, number);

-- The content of tiny objects, which have no blocks.
CREATE TABLE inline (
  version INTEGER PRIMARY KEY,
  content BLOB NOT NULL
);

CREATE TABLE blocks (
  id     INTEGER PRIMARY KEY, -- from the counter 'block'; names the file
  size   INTEGER NOT NULL,
  crc32c INTEGER NOT NULL,           -- of the whole block
  chunks BLOB NOT NULL,              -- CRC32C of each 64 KiB, the last may be shorter; 4 bytes each, big endian
  copies INTEGER NOT NULL DEFAULT 1, -- on how many disks it is to be
  hash   BLOB                        -- SHA-256, of blocks that may be shared by their content
);

CREATE INDEX blocks_by_hash ON blocks(hash) WHERE hash IS NOT NULL;

CREATE TABLE replicas (
  block INTEGER NOT NULL REFERENCES blocks(id),
  disk  INTEGER NOT NULL REFERENCES disks(id),
  state INTEGER NOT NULL DEFAULT 0, -- 0: as far as is known it is good; 1: damaged or missing
  PRIMARY KEY (block, disk)
) WITHOUT ROWID;

CREATE INDEX replicas_by_disk ON replicas(disk, block);

CREATE TABLE file_blocks (
  version INTEGER NOT NULL, -- of a row in files or old_files
  seq     INTEGER NOT NULL, -- position in the file, from 0
  block   INTEGER NOT NULL REFERENCES blocks(id),
  PRIMARY KEY (version, seq)
) WITHOUT ROWID;

CREATE INDEX file_blocks_by_block ON file_blocks(block);

-- Blocks that have fewer good replicas than they should.
CREATE TABLE repairs (
  block  INTEGER PRIMARY KEY REFERENCES blocks(id),
  since  INTEGER NOT NULL,
  reason TEXT NOT NULL
);

-- Replicas that have left the table, and whose files may still be there.
CREATE TABLE garbage (
  block INTEGER NOT NULL,
  disk  INTEGER NOT NULL,
  PRIMARY KEY (block, disk)
) WITHOUT ROWID;

CREATE TABLE writers (
  id        TEXT PRIMARY KEY,  -- names the lock file that the writer holds while it lives
  started   INTEGER NOT NULL,
  committed INTEGER NOT NULL DEFAULT 0 -- of its journal, entries with numbers below are in the namespace
) WITHOUT ROWID;

CREATE TABLE ranges (
  first  INTEGER PRIMARY KEY, -- block numbers first <= n < last are the writer's to use
  last   INTEGER NOT NULL,
  writer TEXT NOT NULL REFERENCES writers(id)
);

-- Uploads in parts that outlive their writer.
CREATE TABLE uploads (
  id           TEXT PRIMARY KEY,
  volume       INTEGER NOT NULL REFERENCES volumes(id),
  key          BLOB NOT NULL,
  size         INTEGER NOT NULL,
  part_size    INTEGER NOT NULL,
  started      INTEGER NOT NULL
) WITHOUT ROWID;

-- Its blocks, of the size that its id begins with; nothing reclaims them while they are here.
CREATE TABLE upload_blocks (
  upload TEXT NOT NULL REFERENCES uploads(id),
  seq    INTEGER NOT NULL,
  block  INTEGER NOT NULL,
  disk   INTEGER NOT NULL,
  PRIMARY KEY (upload, seq, disk)
) WITHOUT ROWID;

CREATE INDEX upload_blocks_by_block ON upload_blocks(block);

-- Its parts that were written. Who goes on with them compares them with the checksums.
CREATE TABLE upload_parts (
  upload TEXT NOT NULL REFERENCES uploads(id),
  n      INTEGER NOT NULL,
  chunks BLOB NOT NULL, -- as of blocks
  PRIMARY KEY (upload, n)
) WITHOUT ROWID;

INSERT INTO counters (name, next) VALUES ('block', 1), ('version', 1);
