"""Spark's own Hive client: databases, tables, partitions, statistics, views; and the same rows in hiveql."""
import os
import subprocess

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.sql.catalogImplementation", "hive")
    .config("spark.hadoop.hive.metastore.uris", os.environ["HMS"])
    .config("spark.sql.warehouse.dir", "file://" + os.environ["DIR"] + "/data/skep/warehouse")
    .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1")
    .config("spark.hadoop.hive.exec.dynamic.partition.mode", "nonstrict").config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def run(sql, want=None):
    rows = [tuple(r) for r in spark.sql(sql).collect()]
    if want is not None and rows != want:
        raise SystemExit(f"{sql}\ngot  {rows}\nwant {want}")
    return rows


ours = "HIVEQL" in os.environ  # or Hive's own metastore, which is there to be recorded


def hiveql(sql, want=None):
    if not ours:
        return
    out = subprocess.run([os.environ["HIVEQL"], "-S", "--outputformat", "raw", "-e", sql], check=True, capture_output=True, text=True).stdout
    if want is not None and out.splitlines() != want:
        raise SystemExit(f"hiveql: {sql}\ngot  {out!r}\nwant {want}")


run("create database web comment 'c' with dbproperties ('a'='b')")
run("""create table web.t (a int, s string, d date, ts timestamp, x decimal(10,2), n struct<p:int,q:array<string>>, m map<string,int>)
       partitioned by (ds string, hr int) stored as parquet""")
run("""insert into web.t partition (ds='2024-01-01', hr=1) values
       (1,'x',date'2024-01-02',timestamp'2024-01-02 03:04:05',1.50,named_struct('p',1,'q',array('u','v')),map('k',1)),
       (2,null,null,null,null,null,null)""")
run("insert into web.t partition (ds, hr) select 3,'y',null,null,2.50,null,null,'2024-01-02',int(id) from range(3)")
run("show partitions web.t", [("ds=2024-01-01/hr=1",)] + [(f"ds=2024-01-02/hr={i}",) for i in range(3)])
run("select a, hr from web.t where ds = '2024-01-02' and hr > 1", [(3, 2)])
run("select count(*) from web.t where ds like '2024%' and hr in (0, 1)", [(4,)])
hiveql("select * from web.t where a < 3 order by a", [
    '1\tx\t2024-01-02\t2024-01-02 03:04:05\t1.50\t{"p":1,"q":["u","v"]}\t{"k":1}\t2024-01-01\t1',
    "2" + "\tNULL" * 6 + "\t2024-01-01\t1",
])
run("create table web.txt (a int, b string) partitioned by (ds string) row format delimited fields terminated by ',' stored as textfile")
run("insert into web.txt partition (ds='a') values (1,'one'),(2,null)")
hiveql("select * from web.txt order by a", ["1\tone\ta", "2\tNULL\ta"])
run("alter table web.txt add columns (c double)")
run("alter table web.txt set tblproperties ('k'='v')")
run("analyze table web.txt compute statistics")
run("analyze table web.txt compute statistics for columns a, b")
run("create view web.v as select a, s from web.t")
run("select * from web.v order by a limit 1", [(1, "x")])
run("create table web.ds using parquet partitioned by (p) as select id, id % 3 as p from range(10)")
run("select count(*) from web.ds where p = 1", [(3,)])
run("msck repair table web.ds")
run("alter table web.txt partition (ds='a') rename to partition (ds='b')")
run("select count(*) from web.txt where ds = 'b'", [(2,)])
run("alter table web.txt drop partition (ds='b')")
run("alter table web.txt add partition (ds='c') partition (ds='d')")
run("truncate table web.txt")
run("alter table web.txt rename to web.txt2")
run("show functions like 'nosuch'", [])
run("drop view web.v")
run("drop table web.txt2")
hiveql("create table web.mine (a int, x decimal(10,2), m map<string,int>) partitioned by (ds string) stored as parquet; "
       "insert into web.mine partition (ds) select a, x, m, ds from web.t where a = 1")
if ours:
    run("select a, cast(x as string), m['k'], ds from web.mine", [(1, "1.50", 1, "2024-01-01")])
    run("insert into web.mine partition (ds='z') select 9, null, null")
hiveql("select * from web.mine where ds = 'z'", ["9\tNULL\tNULL\tz"])

# The same rows, written here and read there and the other way round, in tables of both formats.
columns = """a int, s string, d date, ts timestamp, x decimal(20,5), f double, b boolean,
             n struct<p:int,q:array<string>>, m map<string,int>, l array<struct<k:string,v:bigint>>"""
values = """select 1 as a, 'x,y' as s, date'2024-02-29' as d, timestamp'2024-02-29 23:59:59.123456' as ts,
            cast('123456789012345.12345' as decimal(20,5)) as x, 0.1D as f, true as b,
            named_struct('p', 1, 'q', array('u', 'v')) as n, map('k', 1) as m,
            array(named_struct('k', 'a', 'v', 9000000000L)) as l
  union all select 2, '', date'1970-01-01', timestamp'1969-12-31 23:59:59', cast('-0.00001' as decimal(20,5)), -1e300D, false,
            named_struct('p', -1, 'q', array('', 'z')), map('', 0), array(named_struct('k', 'ü', 'v', -1L))
  union all select 3, null, null, null, null, null, null, null, null, null"""
shown = [
    '1\tx,y\t2024-02-29\t2024-02-29 23:59:59.123456\t123456789012345.12345\t0.1\ttrue\t{"p":1,"q":["u","v"]}\t{"k":1}\t[{"k":"a","v":9000000000}]\tA',
    '2\t\t1970-01-01\t1969-12-31 23:59:59\t-0.00001\t-1.0E300\tfalse\t{"p":-1,"q":["","z"]}\t{"":0}\t[{"k":"ü","v":-1}]\tA',
    "3" + "\tNULL" * 9 + "\tA",
]


def spark_rows(table):
    return ["\t".join("NULL" if v is None else str(v) for v in r) for r in run(
        f"""select cast(a as string), s, cast(d as string), cast(ts as string), cast(x as string), cast(f as string), cast(b as string),
                   to_json(n), to_json(m), to_json(l), ds from {table} order by a""")]


def check(what, got, want):
    if got != want:
        raise SystemExit(f"{what}\ngot  " + "\n     ".join(map(str, got)) + "\nwant " + "\n     ".join(map(str, want)))


for kind in "parquet", "textfile", "orc":
    run(f"create table web.by_spark_{kind} ({columns}) partitioned by (ds string) stored as {kind}")
    run(f"insert into web.by_spark_{kind} partition (ds='A') {values}")
    hiveql(f"create table web.by_hiveql_{kind} ({columns}) partitioned by (ds string) stored as {kind}")
    hiveql(f"insert into web.by_hiveql_{kind} partition (ds='A') {values.replace('D as f', ' as f').replace('e300D', 'e300')}")
    for who in ("spark", "hiveql") if ours else ("spark",):
        table = f"web.by_{who}_{kind}"
        check(f"spark reads {table}", spark_rows(table), shown)
        hiveql(f"select * from {table} order by a", shown)


def check_client():
    """Hive's own Java client, which is in Spark: roles, privileges and transactions, which Spark has no statements for."""
    java = spark._jvm
    api = java.org.apache.hadoop.hive.metastore.api
    conf = java.org.apache.hadoop.hive.conf.HiveConf()
    conf.set("hive.metastore.uris", os.environ["HMS"])
    client = java.org.apache.hadoop.hive.metastore.HiveMetaStoreClient(conf)
    user, role = api.PrincipalType.USER, api.PrincipalType.ROLE
    for name in ["analysts", "everybody"]:
        client.create_role(api.Role(name, 0, "boss"))
    client.grant_role("analysts", "ann", user, "boss", user, True)
    client.grant_role("everybody", "analysts", role, "boss", user, False)
    check("roles", sorted(client.listRoleNames()), ["admin", "analysts", "everybody", "public"])
    check("roles of ann", sorted(r.getRoleName() for r in client.list_roles("ann", user)), ["analysts", "public"])
    on = api.HiveObjectRef(api.HiveObjectType.TABLE, "web", "t", None, None)

    def bag(who, kind):
        info = api.PrivilegeGrantInfo("SELECT", 0, "boss", user, True)
        found = api.PrivilegeBag()
        found.addToPrivileges(api.HiveObjectPrivilege(on, who, kind, info))
        return found

    client.grant_privileges(bag("everybody", role))
    client.grant_privileges(bag("ann", user))
    found = client.get_privilege_set(on, "ann", None)
    check("privileges of ann", [p.getPrivilege() for p in found.getUserPrivileges()["ann"]], ["SELECT"])
    check("privileges of everybody", [p.isGrantOption() for p in found.getRolePrivileges()["everybody"]], [True])
    client.revoke_privileges(bag("ann", user), True)
    check("the grant option", [p.getGrantInfo().isGrantOption() for p in client.list_privileges("ann", user, on)], [False])
    client.revoke_privileges(bag("ann", user), False)
    check("privileges of ann", list(client.list_privileges("ann", user, on)), [])
    client.revoke_role("analysts", "ann", user, False)
    for name in ["analysts", "everybody"]:
        client.drop_role(name)
    opened = client.openTxns("ann", 2).getTxn_ids()
    host, port = os.environ["HMS"].removeprefix("thrift://").rsplit(":", 1)
    socket = java.org.apache.thrift.transport.TSocket(host, int(port))
    socket.open()  # its getValidTxns needs a class that Spark has in another version
    raw = getattr(api, "ThriftHiveMetastore$Client")(java.org.apache.thrift.protocol.TBinaryProtocol(socket))
    check("open transactions", sorted(raw.get_open_txns().getOpen_txns()), sorted(opened))
    socket.close()
    for i in opened:
        client.rollbackTxn(i)
    client.close()


if ours:
    check_client()
run("drop database web cascade")
print("spark", spark.version, "passed")
