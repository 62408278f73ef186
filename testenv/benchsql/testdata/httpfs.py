"""DuckDB with its S3 extension: a question a line, as JSON, and an answer a line."""

import json
import os
import pathlib
import sys
import time

import duckdb
import duckdb_extension_httpfs

EXTENSION = next(pathlib.Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension"))
DATABASE, THREADS = sys.argv[1], int(sys.argv[2])


def connect(read_only):
    c = duckdb.connect(DATABASE, read_only=read_only, config={"threads": THREADS, "allow_unsigned_extensions": "true"})
    c.execute(f"LOAD '{EXTENSION}'")
    scheme, host = os.environ["AWS_ENDPOINT_URL_S3"].split("://")
    c.execute(
        f"""CREATE SECRET (TYPE s3, KEY_ID '{os.environ["AWS_ACCESS_KEY_ID"]}', SECRET '{os.environ["AWS_SECRET_ACCESS_KEY"]}',
        REGION '{os.environ["AWS_REGION"]}', ENDPOINT '{host}', URL_STYLE 'path', USE_SSL {str(scheme == "https").lower()})"""
    )
    return c


def answer(question):
    if "views" in question:
        with connect(False) as c:
            for name, query in question["views"].items():
                c.execute(f"CREATE VIEW {name} AS {query}")
        return {"seconds": 0}
    with connect(True) as c:
        start = time.perf_counter()
        c.execute(question["query"]).fetchall()
        return {"seconds": time.perf_counter() - start}


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as e:  # whatever it is, the one who asked says it
        print(json.dumps({"error": str(e)}), flush=True)
