"""PyHive against HiveServer2."""
import decimal
import os
import sys

from pyhive import exc, hive

host, port = os.environ["HS2"].rsplit(":", 1)


def connect(auth):
    return hive.connect(host=host, port=int(port), username="ann", auth=auth)


def is_(got, want):
    if got != want:
        sys.exit(f"pyhive: got {got!r}, want {want!r}")


for auth in ["NONE", "NOSASL"]:
    connection = connect(auth)
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE p_{auth}")
    cursor.execute(f"USE p_{auth}")
    cursor.execute("CREATE TABLE t (a INT, s STRING, d DECIMAL(10,2), x DOUBLE, b BOOLEAN, l ARRAY<INT>, ts TIMESTAMP, dt DATE) STORED AS PARQUET")
    cursor.execute("INSERT INTO t SELECT 1, 'é', 1.50, 0.5, true, array(1, 2), timestamp '2001-02-03 04:05:06', date '2001-02-03'")
    cursor.execute("INSERT INTO t VALUES (%s, %s, NULL, NULL, NULL, NULL, NULL, NULL)", (2, "it's"))
    cursor.execute("SELECT a, s, d, x, b, l, cast(ts AS STRING), cast(dt AS STRING) FROM t ORDER BY a")
    is_([c[1] for c in cursor.description],
        ["INT_TYPE", "STRING_TYPE", "DECIMAL_TYPE", "DOUBLE_TYPE", "BOOLEAN_TYPE", "ARRAY_TYPE", "STRING_TYPE", "STRING_TYPE"])
    is_(cursor.fetchall(), [
        (1, "é", decimal.Decimal("1.50"), 0.5, True, "[1,2]", "2001-02-03 04:05:06", "2001-02-03"),
        (2, "it's", None, None, None, None, None, None),
    ])
    cursor.execute("SELECT i FROM (SELECT 1) x LATERAL VIEW posexplode(split(space(4999), ' ')) p AS i, v")
    is_(len(cursor.fetchall()), 5000)
    cursor.execute("SHOW TABLES")
    is_(cursor.fetchall(), [("t",)])
    try:
        cursor.execute("SELECT nothing FROM t")
    except exc.OperationalError as e:
        status = e.args[0].status
        is_((status.sqlState, status.errorCode), ("42000", 10004))
    else:
        sys.exit("pyhive: an error is missing")
    cursor.execute("SELECT count(*) FROM t", async_=True)
    while cursor.poll().operationState < 2:
        pass
    is_(cursor.fetchone(), (2,))
    if not any("Executing command" in line for line in cursor.fetch_logs()):
        sys.exit("pyhive: there is no log")
    cursor.execute("SELECT 1", async_=True)
    cursor.cancel()
    cursor.execute(f"DROP DATABASE p_{auth} CASCADE")
    cursor.close()
    connection.close()
print("pyhive passed")
