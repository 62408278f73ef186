-- Roles, who has them, and privileges. Names of roles and principals are as they were given. What the columns are for is said in
-- ../sqlite. The roles that every metastore has are made by Go: ../../roles.go.
CREATE TABLE IF NOT EXISTS roles (
  name VARBINARY(256) NOT NULL PRIMARY KEY,
  body MEDIUMTEXT     NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS role_grants (
  role           VARBINARY(256) NOT NULL,
  principal_type VARBINARY(16)  NOT NULL,
  principal      VARBINARY(256) NOT NULL,
  body           MEDIUMTEXT     NOT NULL,
  PRIMARY KEY (role, principal_type, principal),
  INDEX role_grants_principal (principal, principal_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE IF NOT EXISTS privileges (
  id             BIGINT PRIMARY KEY,
  kind           VARBINARY(32)   NOT NULL,
  database_id    BIGINT          NOT NULL,
  table_id       BIGINT          NOT NULL,
  partition_name VARBINARY(1024) NOT NULL,
  column_name    VARBINARY(767)  NOT NULL,
  principal_type VARBINARY(16)   NOT NULL,
  principal      VARBINARY(256)  NOT NULL,
  authorizer     VARBINARY(767)  NOT NULL,
  body           MEDIUMTEXT      NOT NULL,
  INDEX privileges_object (table_id, partition_name, database_id),
  INDEX privileges_principal (principal, principal_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
