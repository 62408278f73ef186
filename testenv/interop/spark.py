"""Spark's own Hive client: databases, tables, partitions, statistics, views; and the same rows in hiveql."""
import os
import subprocess

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.sql.catalogImplementation", "hive")
    .config("spark.hadoop.hive.metastore.uris", os.environ["HMS"])
    .config("spark.sql.warehouse.dir", "file://" + os.environ["XDG_DATA_HOME"] + "/skep/warehouse")
    .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1")
    .config("spark.hadoop.hive.exec.dynamic.partition.mode", "nonstrict")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def run(sql, want=None):
    rows = [tuple(r) for r in spark.sql(sql).collect()]
    if want is not None and rows != want:
        raise SystemExit(f"{sql}\ngot  {rows}\nwant {want}")
    return rows


def hiveql(sql, want=None):
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
run("select a, cast(x as string), m['k'], ds from web.mine", [(1, "1.50", 1, "2024-01-01")])
run("insert into web.mine partition (ds='z') select 9, null, null")
hiveql("select * from web.mine where ds = 'z'", ["9\tNULL\tNULL\tz"])
run("drop database web cascade")
print("spark", spark.version, "passed")
