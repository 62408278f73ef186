-- Roles, who has them, and privileges. Names of roles and principals are as they were given. What the columns are for is said in
-- ../sqlite. The roles that every metastore has are made by Go: ../../roles.go.
CREATE TABLE IF NOT EXISTS roles (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  body TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS role_grants (
  role           TEXT COLLATE "C" NOT NULL,
  principal_type TEXT COLLATE "C" NOT NULL,
  principal      TEXT COLLATE "C" NOT NULL,
  body           TEXT NOT NULL,
  PRIMARY KEY (role, principal_type, principal)
);
CREATE INDEX IF NOT EXISTS role_grants_principal ON role_grants (principal, principal_type);

CREATE TABLE IF NOT EXISTS privileges (
  id             BIGINT PRIMARY KEY,
  kind           TEXT   NOT NULL,
  database_id    BIGINT NOT NULL,
  table_id       BIGINT NOT NULL,
  partition_name TEXT COLLATE "C" NOT NULL,
  column_name    TEXT COLLATE "C" NOT NULL,
  principal_type TEXT COLLATE "C" NOT NULL,
  principal      TEXT COLLATE "C" NOT NULL,
  authorizer     TEXT COLLATE "C" NOT NULL,
  body           TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS privileges_object ON privileges (table_id, partition_name, database_id);
CREATE INDEX IF NOT EXISTS privileges_principal ON privileges (principal, principal_type);
