"""Spark in local mode: a question a line, as JSON, and an answer a line."""

import json
import sys
import time

from pyspark.sql import SparkSession

THREADS, SCRATCH = sys.argv[1], sys.argv[2]

spark = (
    SparkSession.builder.master(f"local[{THREADS}]")
    .config("spark.driver.memory", "6g")
    .config("spark.sql.shuffle.partitions", 2 * int(THREADS))  # the default of 200 is for clusters
    .config("spark.sql.ansi.enabled", "false")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.local.dir", SCRATCH)
    .config("spark.sql.warehouse.dir", SCRATCH + "/spark-warehouse")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")


def answer(question):
    for name, path in question.get("tables", {}).items():
        spark.read.parquet(path).createOrReplaceTempView(name)
    if "query" not in question:
        return {"seconds": 0}
    start = time.perf_counter()
    rows = spark.sql(question["query"]).collect()
    return {"seconds": time.perf_counter() - start, "rows": len(rows)}


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as e:  # whatever it is, the one who asked says it
        print(json.dumps({"error": str(e)[:2000]}), flush=True)
