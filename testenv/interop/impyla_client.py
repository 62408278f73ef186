"""impyla against HiveServer2."""
import datetime
import decimal
import os
import sys

from impala import dbapi, error

host, port = os.environ["HS2"].rsplit(":", 1)


def is_(got, want):
    if got != want:
        sys.exit(f"impyla: got {got!r}, want {want!r}")


columns = [("a", "INT"), ("s", "STRING"), ("d", "DECIMAL"), ("x", "DOUBLE"), ("b", "BOOLEAN"), ("ts", "TIMESTAMP")]
for name, how in {
    "plain": {"auth_mechanism": "PLAIN", "user": "ann", "password": "x"}, "nosasl": {"auth_mechanism": "NOSASL"},
    "http": {"auth_mechanism": "PLAIN", "user": "ann", "password": "x", "use_http_transport": True, "http_path": "cliservice"},
}.items():
    connection = dbapi.connect(host=host, port=int(port), **how)
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE i_{name}")
    cursor.execute(f"USE i_{name}")
    cursor.execute("CREATE TABLE t (a INT, s STRING, d DECIMAL(10,2), x DOUBLE, b BOOLEAN, ts TIMESTAMP) STORED AS PARQUET")
    cursor.execute("INSERT INTO t SELECT 1, 'é', 1.50, 0.5, true, timestamp '2001-02-03 04:05:06.5'")
    cursor.execute("INSERT INTO t VALUES (2, NULL, NULL, NULL, NULL, NULL)")
    cursor.execute("SELECT * FROM t ORDER BY a")
    is_([(c[0], c[1]) for c in cursor.description],
        columns)
    is_(cursor.fetchall(), [
        (1, "é", decimal.Decimal("1.50"), 0.5, True, datetime.datetime(2001, 2, 3, 4, 5, 6, 500000)), (2, None, None, None, None, None),
    ])
    cursor.execute("SELECT i FROM (SELECT 1) x LATERAL VIEW posexplode(split(space(4999), ' ')) p AS i, v")
    is_(len(cursor.fetchall()), 5000)
    cursor.get_databases()
    is_((f"i_{name}" in [row[0] for row in cursor.fetchall()]), True)
    cursor.get_tables(database_name=f"i_{name}")
    is_([row[2] for row in cursor.fetchall()], ["t"])
    is_([(c[0], c[1]) for c in cursor.get_table_schema("t", f"i_{name}")],
        [(n, t.lower() if n != "d" else "decimal(10,2)") for n, t in columns])
    cursor.get_functions()
    is_("concat" in [row[2] for row in cursor.fetchall()], True)
    try:
        cursor.execute("SELECT nothing FROM t")
        sys.exit("impyla: an error is missing")
    except error.Error as e:
        if "Invalid table alias or column reference" not in str(e):
            sys.exit(f"impyla: {e}")
    is_(cursor.ping(), True)
    cursor.execute_async("SELECT count(*) FROM t")
    while cursor.is_executing():
        pass
    is_(cursor.fetchone(), (2,))
    if "Executing command" not in cursor.get_log():
        sys.exit("impyla: there is no log")
    cursor.execute(f"DROP DATABASE i_{name} CASCADE")
    cursor.close()
    connection.close()
print("impyla passed")
