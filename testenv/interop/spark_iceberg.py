"""Iceberg in Spark, with commits at the same time, by locks and by compare-and-swap."""
import os
import threading

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[2]").config("spark.jars", os.environ["JAR"])
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.h", "org.apache.iceberg.spark.SparkCatalog").config("spark.sql.catalog.h.type", "hive")
    .config("spark.sql.catalog.h.uri", os.environ["HMS"]).config("spark.sql.catalog.h.warehouse", "file://" + os.environ["DIR"] + "/ice")
    .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1").getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")


def at_once(table, n):
    threads = [threading.Thread(target=lambda i=i: spark.sql(f"insert into {table} values ({i}, 'z', {i})")) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def count(table, want):
    got = spark.sql(f"select count(*) from {table}").collect()[0][0]
    if got != want:
        raise SystemExit(f"{table} has {got} rows, not {want}: a commit was lost")


spark.sql(f"create database h.ib location 'file://{os.environ['DIR']}/ice/ib.db'")
spark.sql("create table h.ib.t (a bigint, b string) using iceberg partitioned by (b)")
spark.sql("insert into h.ib.t values (1, 'x'), (2, 'y')")
spark.sql("alter table h.ib.t add columns (c int)")
at_once("h.ib.t", 4)
count("h.ib.t", 6)
spark.sql("alter table h.ib.t rename to h.ib.u")
spark.sql("alter table h.ib.u set tblproperties ('engine.hive.lock-enabled'='false')")
at_once("h.ib.u", 4)
count("h.ib.u", 10)
spark.sql("drop table h.ib.u")
print("iceberg in spark passed")
