-- Roles, who has them, and privileges. Names of roles and principals are as they were given. The roles that every metastore has
-- are made by Go: ../../roles.go.
CREATE TABLE IF NOT EXISTS roles (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS role_grants (
  role           TEXT NOT NULL,
  principal_type TEXT NOT NULL,
  principal      TEXT NOT NULL,
  body           TEXT NOT NULL,
  PRIMARY KEY (role, principal_type, principal)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS role_grants_principal ON role_grants (principal, principal_type);

-- What a privilege is on: both ids are 0 for everything, and one is not for anything else. partition_name and column_name are
-- empty where it is not on a partition or column.
CREATE TABLE IF NOT EXISTS privileges (
  id             INTEGER PRIMARY KEY,
  kind           TEXT    NOT NULL,
  database_id    INTEGER NOT NULL,
  table_id       INTEGER NOT NULL,
  partition_name TEXT    NOT NULL,
  column_name    TEXT    NOT NULL,
  principal_type TEXT    NOT NULL,
  principal      TEXT    NOT NULL,
  authorizer     TEXT    NOT NULL,
  body           TEXT    NOT NULL
);
CREATE INDEX IF NOT EXISTS privileges_object ON privileges (table_id, partition_name, database_id);
CREATE INDEX IF NOT EXISTS privileges_principal ON privileges (principal, principal_type);
