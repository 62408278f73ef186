"""Makes the files of this directory, by pyorc (ORC's C++ library), and beside each what its reader says of it, a row a line.

    python3 -m venv v && v/bin/pip install pyorc==0.12.0 && v/bin/python pyorc.py
"""
import datetime
import decimal
import json
import random

import pyorc

SCHEMA = ("struct<b:boolean,t:tinyint,s:smallint,i:int,l:bigint,f:float,d:double,de:decimal(20,4),st:string,vc:varchar(10),"
          "ch:char(6),bi:binary,da:date,ts:timestamp,a:array<int>,m:map<string,int>,r:struct<x:int,y:string>,u:uniontype<int,string>>")
UTC = datetime.timezone.utc


def row(n):
    """A row with runs, few and many different values."""
    ts = datetime.datetime(2015, 1, 1, tzinfo=UTC) + datetime.timedelta(
        seconds=random.randrange(-3 * 10**9, 3 * 10**9), microseconds=random.choice([0, 120000, 123456]))
    if -1 <= ts.timestamp() < 0:  # which ORC cannot say
        ts = datetime.datetime(2000, 1, 1, tzinfo=UTC)
    return (
        random.random() < .5, random.randrange(-128, 128), random.choice([n % 1000, -7, random.randrange(-2**15, 2**15)]),
        n * 3 - 100 if n % 300 < 200 else random.choice([1, 2, 3, 5, 2**30]),
        random.choice([5, 6, 7, 8, n, -n]) if n % 20 else random.randrange(-2**63, 2**63),
        random.choice([0.5, -1.25, 3.0]), random.random(), decimal.Decimal(random.randrange(-10**12, 10**12)).scaleb(-4),
        random.choice(["red", "green", "blue", "", "äöü"]), "v%d" % random.randrange(10**6), random.choice(["ab", "abcdef", ""]),
        bytes(random.randrange(256) for _ in range(n % 5)), datetime.date(1, 1, 1) + datetime.timedelta(days=random.randrange(700000)),
        ts, [random.randrange(100) if random.random() < .9 else None for _ in range(n % 4)], {"k%d" % k: k for k in range(n % 3)},
        (n, None if n % 7 == 0 else "y%d" % (n % 5)), n if n % 2 else "s%d" % n)


def plain(v):
    """A value as the lines have it."""
    if isinstance(v, datetime.datetime):
        return v.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    if isinstance(v, datetime.date):
        return v.isoformat()
    if isinstance(v, decimal.Decimal):
        return str(v)
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if isinstance(v, dict):
        return [[k, plain(x)] for k, x in v.items()]
    return v


random.seed(7)
rows = []
for n in range(600):
    r = row(n)
    rows.append(tuple(None if random.random() < .05 else v for v in r) if n % 3 else r)
for name, count, codec in (("none", 150, pyorc.CompressionKind.NONE), ("zlib", 600, pyorc.CompressionKind.ZLIB)):
    with open("pyorc_%s.orc" % name, "wb") as f:
        with pyorc.Writer(f, SCHEMA, compression=codec, stripe_size=20000, compression_block_size=65536, batch_size=500,
                          dict_key_size_threshold=0.5, row_index_stride=1000) as w:
            for r in rows[:count]:
                w.write(r)
    with open("pyorc_%s.orc" % name, "rb") as f, open("pyorc_%s.jsonl" % name, "w") as out:
        for r in pyorc.Reader(f):
            out.write(json.dumps([plain(x) for x in r], ensure_ascii=False) + "\n")
