"""Makes the files of this directory, by fastavro, and beside each what it reads of it, a row a line, as JSON.

    python3 -m venv v && v/bin/pip install fastavro==1.12.2 cramjam backports.zstd && v/bin/python fastavro_files.py
"""

import datetime
import decimal
import json
import random

import fastavro

random.seed(7)
UTC = datetime.timezone.utc

SCHEMA = {
    "type": "record", "name": "row", "namespace": "of.others", "fields": [
        {"name": "b", "type": "boolean"},
        {"name": "i", "type": "int"},
        {"name": "l", "type": "long"},
        {"name": "f", "type": "float"},
        {"name": "d", "type": "double"},
        {"name": "s", "type": "string"},
        {"name": "y", "type": "bytes"},
        {"name": "n", "type": ["null", "int"]},
        {"name": "m", "type": ["string", "null"]},
        {"name": "e", "type": {"type": "enum", "name": "suit", "symbols": ["SPADES", "HEARTS"]}},
        {"name": "x", "type": {"type": "fixed", "name": "four", "size": 4}},
        {"name": "db", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
        {"name": "df", "type": {"type": "fixed", "name": "nine", "size": 9, "logicalType": "decimal", "precision": 20, "scale": 2}},
        {"name": "da", "type": {"type": "int", "logicalType": "date"}},
        {"name": "tm", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "tu", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "lm", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "a", "type": {"type": "array", "items": ["null", "long"]}},
        {"name": "o", "type": {"type": "map", "values": "double"}},
        {"name": "r", "type": ["null", {"type": "record", "name": "point", "fields": [
            {"name": "px", "type": "int"}, {"name": "py", "type": {"type": "array", "items": "string"}}]}]},
        {"name": "u", "type": ["null", "int", "string", "of.others.point"]},
        {"name": "again", "type": "of.others.point"},
        {"name": "tree", "type": {"type": "record", "name": "node", "fields": [{"name": "next", "type": ["null", "of.others.node"]}]}},
    ]}


def point():
    return {"px": random.randint(-9, 9), "py": [random.choice(["", "a", "bc"]) for _ in range(random.randint(0, 3))]}


def text(most):
    return "".join(random.choice("abc \u00e4\u2603\U0001f600") for _ in range(random.randint(0, most)))


def row():
    at = datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=random.randint(-3 * 10**15, 4 * 10**15))
    local = at.replace(tzinfo=None)
    tree = {"next": {"next": None}} if random.random() < 0.5 else {"next": None}
    return {
        "b": random.random() < 0.5, "i": random.randint(-2**31, 2**31 - 1), "l": random.choice([0, -1, 2**63 - 1, -2**63, 77]),
        "f": random.choice([0.5, -1.25, 1e10]), "d": random.random(), "s": text(12), "y": random.randbytes(random.randint(0, 5)),
        "n": random.choice([None, 0, 5]), "m": random.choice([None, text(3)]), "e": random.choice(["SPADES", "HEARTS"]),
        "x": random.randbytes(4), "db": decimal.Decimal(random.randint(-10**19, 10**19)).scaleb(-4),
        "df": decimal.Decimal(random.randint(-10**17, 10**17)).scaleb(-2), "da": at.date(),
        "tm": at.replace(microsecond=at.microsecond // 1000 * 1000), "tu": at, "lm": local,
        "a": [random.choice([None, 1, -70000]) for _ in range(random.randint(0, 4))],
        "o": {k: random.random() for k in random.sample(["a", "b", "key"], random.randint(0, 3))},
        "r": random.choice([None, point()]),
        "u": random.choice([None, 7, "text", ("of.others.point", point())]), "again": point(), "tree": tree,
    }


def shown(v):
    """Is a value as the test prints it."""
    if isinstance(v, dict):
        return {k: shown(x) for k, x in sorted(v.items())}
    if isinstance(v, list):
        return [shown(x) for x in v]
    if isinstance(v, tuple):
        return shown(v[1])
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, decimal.Decimal):
        return format(v, "f")
    if isinstance(v, datetime.datetime):
        return v.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(v, datetime.date):
        return v.isoformat()
    return v


for codec, count in (("null", 30), ("deflate", 120), ("snappy", 20), ("zstandard", 20), ("bzip2", 20), ("xz", 20)):
    rows = [row() for _ in range(count)]
    with open(codec + ".avro", "wb") as f:
        fastavro.writer(f, fastavro.parse_schema(SCHEMA), rows, codec=codec, sync_interval=4000)
    with open(codec + ".avro", "rb") as f, open(codec + ".jsonl", "w") as out:
        for r in fastavro.reader(f):
            r.pop("tree")
            out.write(json.dumps(shown(r), ensure_ascii=False) + "\n")
