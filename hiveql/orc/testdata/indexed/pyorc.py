"""Makes pyorc.orc by pyorc (ORC's C++ library): stripes of several groups of rows, with indexes and Bloom filters.

    python3 -m venv v && v/bin/pip install pyorc==0.12.0 && v/bin/python pyorc_index.py

Row i is what row(i) says. Rows 3,000 to 4,299 have NULLs only in some columns.
"""

import datetime
import decimal
import zoneinfo
import pyorc

COLUMNS = "struct<i:int,l:bigint,s:string,w:string,d:date,f:double,b:boolean,t:tinyint,c:decimal(20,3),ts:timestamp,a:array<int>,m:map<string,int>>"
ROWS = 25000


def row(i):
    none = 3000 <= i < 4300
    return (
        i,
        None if none or i % 7 == 0 else (i * 7919) % 100003,
        None if none else "word%d" % (i % 50),
        "text of row %d" % ((i * 31) % ROWS),
        datetime.date(1970, 1, 1) + datetime.timedelta(days=i // 100),
        i / 8,
        None if i % 3 == 0 else i % 5 == 0,
        i % 100,
        None if i % 11 == 0 else decimal.Decimal(i) / 8,
        datetime.datetime(2001, 2, 3, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=i, microseconds=i % 1000),
        None if i % 4 == 0 else list(range(i % 3)),
        {"k%d" % (i % 5): i},
    )


def write(name, codec):
    with open(name, "wb") as f:
        with pyorc.Writer(f, COLUMNS, compression=codec, stripe_size=100000, compression_block_size=65536, batch_size=500,
                          row_index_stride=1000, bloom_filter_columns=["i", "l", "s", "w", "d"], bloom_filter_fpp=0.01,
                          timezone=zoneinfo.ZoneInfo("UTC")) as w:
            for i in range(ROWS):
                w.write(row(i))


write("pyorc.orc", pyorc.CompressionKind.ZLIB)
