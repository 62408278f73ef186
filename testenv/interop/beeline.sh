#!/bin/sh
# Beeline, with Hive's JDBC driver, against HiveServer2 at $HS2. $JARS has both.
set -eu
beeline() { # DATABASE;OPTIONS ARGUMENTS...
  url=jdbc:hive2://$HS2/$1
  shift
  java -cp "$JARS/*" org.apache.hive.beeline.BeeLine -u "$url" -n ann -p x --silent=true --outputformat=tsv2 "$@" > "$DIR/beeline.out" 2> "$DIR/beeline.err" || return $?
  sed 's/^\(0: jdbc:[^>]*> \)*//; /^$/d' "$DIR/beeline.out" # without its prompts
}
is() { # WANT GOT
  [ "$2" = "$1" ] || { printf 'beeline:\ngot  %s\nwant %s\n' "$2" "$1" >&2; cat "$DIR/beeline.err" >&2; exit 1; }
}
n=0
for how in default 'default;auth=noSasl' 'default;transportMode=http;httpPath=cliservice'; do
  n=$((n + 1))
  is "a	s	d	m
1	é	1.50	{\"k\":[1,2]}
2	NULL	NULL	NULL" "$(beeline "$how" -e "create database b$n" -e "use b$n" \
    -e "create table t (a int, s string, d decimal(10,2), m map<string,array<int>>) partitioned by (ds string) stored as parquet" \
    -e "insert into t partition (ds='1') select 1, 'é', 1.5, map('k', array(1, 2))" \
    -e "insert into t partition (ds='2') values (2, null, null, null)" \
    -e "select t.a, t.s, t.d, t.m from t order by t.a")"
  is "5000" "$(beeline "$how" -e "select i from (select 1) x lateral view posexplode(split(space(4999), ' ')) p as i, v" | sed 1d | wc -l | tr -d ' ')"
  beeline "$how" -e "!tables" | grep -q "	b$n	t	TABLE	" || { echo "beeline: !tables lacks b$n.t" >&2; exit 1; }
  beeline "b$n;${how#default}" -e "!columns t" | grep -q "	d	3	decimal(10,2)	10	" || { echo "beeline: !columns lacks d" >&2; exit 1; }
  if beeline "$how" -e "select nothing from b$n.t"; then
    echo "beeline: an error is missing" >&2
    exit 1
  fi
  grep -q 'state=42000,code=10004' "$DIR/beeline.err" || { cat "$DIR/beeline.err" >&2; exit 1; }
  beeline "$how" -e "drop database b$n cascade"
done
echo "beeline passed"
