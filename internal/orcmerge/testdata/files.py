"""Makes the files of this directory, by pyorc (ORC's C++ library), and what its reader says of merged.orc, a row a line, and
behind them the statistics of each column.

    python3 -m venv v && v/bin/pip install pyorc==0.12.0 && v/bin/python files.py make
    go test .. -rewrite     # writes merged.orc
    v/bin/python files.py read
"""
import datetime
import decimal
import json
import sys
import zoneinfo

import pyorc

SCHEMA = "struct<i:int,l:bigint,d:double,de:decimal(20,4),st:string,da:date,ts:timestamp,b:boolean,bi:binary,a:array<int>>"
UTC = zoneinfo.ZoneInfo("UTC")


def row(n):
    return (n * 7 % 1000, n * 10**15 if n % 5 else None, n / 4, decimal.Decimal(n * 12345).scaleb(-4), "text %d" % (n % 300),
            datetime.date(2000, 1, 1) + datetime.timedelta(days=n), datetime.datetime(2001, 2, 3, 4, 5, 6, n * 100, tzinfo=UTC),
            n % 3 == 0, bytes([n % 256]) * (n % 4), list(range(n % 3)))


def plain(v):
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    return v if isinstance(v, (int, float, str, type(None))) else str(v)


if sys.argv[1] == "make":
    for name, first, last in (("1", 0, 1000), ("2", 1000, 1000), ("3", 1000, 1500)):
        with open("pyorc-%s.orc" % name, "wb") as f:
            with pyorc.Writer(f, SCHEMA, compression=pyorc.CompressionKind.NONE, stripe_size=10000, batch_size=300,
                              row_index_stride=1000, bloom_filter_columns=[0, 4]) as w:
                w.set_user_metadata(about=b"numbers")
                for n in range(first, last):
                    w.write(row(n))
else:
    with open("merged.orc", "rb") as f, open("merged.jsonl", "w") as out:
        r = pyorc.Reader(f, timezone=UTC)
        rows = list(r)
        if [plain(x) for x in rows] != [plain(row(n)) for n in range(1500)]:
            sys.exit("other rows")
        if [x[0] for x in pyorc.Reader(f, predicate=pyorc.predicates.PredicateColumn(pyorc.TypeKind.INT, "i") == 70)].count(70) != 2:
            sys.exit("a search by indexes finds something else")
        r = pyorc.Reader(f, timezone=UTC)
        r.seek(1200)
        if plain(next(r)) != plain(row(1200)):
            sys.exit("row 1200 is another")
        print(json.dumps([len(rows), r.num_of_stripes, plain(r.user_metadata)]), file=out)
        for c in range(12):
            print(json.dumps(plain(r[c].statistics)), file=out)
