#!/bin/sh
# hiveql as a client of the metastore at $SKEP_METASTORE, Hive's own.
set -eu
is() { # SQL WANT
  got=$("$HIVEQL" -S --outputformat raw -e "$1")
  [ "$got" = "$2" ] || { printf 'hiveql: %s\ngot  %s\nwant %s\n' "$1" "$got" "$2" >&2; exit 1; }
}
"$HIVEQL" -e "create database h; create table h.t (a int, x decimal(10,2), m map<string,int>) partitioned by (ds string) stored as parquet"
"$HIVEQL" -e "insert into h.t partition (ds) select 1, 1.50, map('k', 1), 'a' union all select 2, null, null, 'b'; alter table h.t add partition (ds='c')"
is "select * from h.t where ds < 'c' order by a; show partitions h.t" "1	1.50	{\"k\":1}	a
2	NULL	NULL	b
ds=a
ds=b
ds=c"
"$HIVEQL" -e "insert overwrite table h.t partition (ds='b') values (3, 0.5, null); insert into h.t partition (ds='a') values (4, null, null)"
is "select a, ds from h.t order by a" "1	a
3	b
4	a"
"$HIVEQL" -e "create table h.m (a int) partitioned by (ds string) stored as textfile"
mkdir -p "$XDG_DATA_HOME/skep/warehouse/h.db/m/ds=d"
echo 7 > "$XDG_DATA_HOME/skep/warehouse/h.db/m/ds=d/file"
"$HIVEQL" -e "msck repair table h.m"
is "select * from h.m" "7	d"
"$HIVEQL" -e "drop table h.m; alter table h.t add columns (b string) cascade; alter table h.t set tblproperties ('k'='v'); analyze table h.t partition (ds) compute statistics"
is "show partitions h.t; show tblproperties h.t('k')" "ds=a
ds=b
ds=c
k	v"
"$HIVEQL" -e "alter table h.t drop partition (ds='c'); create view h.v as select a from h.t; alter table h.t rename to h.u; drop view h.v"
is "select count(*) from h.u; show tables in h" "3
u"
"$HIVEQL" -e "drop database h cascade"
echo "hiveql as a client of Hive passed"
