#!/bin/sh
# Real clients against hiveql serve: Spark, Spark with Iceberg, PyIceberg. It fetches them from PyPI
# and Maven Central, so it needs the net and a Java, and is no part of `make test`.
#
#	SPARK=3.5.6 ICEBERG=1.9.2 testenv/interop/run.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/skep/interop
spark=${SPARK:-3.5.6}
iceberg=${ICEBERG:-1.9.2}
venv=$cache/spark-$spark
mkdir -p "$cache"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
[ -f "$venv/ready" ] || { "$venv/bin/pip" install -q "pyspark==$spark" 'pyiceberg[hive,pyarrow]==0.12.0' && touch "$venv/ready"; }
jar=$cache/iceberg-spark-runtime-$iceberg.jar
[ -f "$jar" ] || { curl -fsSL -o "$jar.part" \
  "https://repo1.maven.org/maven2/org/apache/iceberg/iceberg-spark-runtime-3.5_2.12/$iceberg/iceberg-spark-runtime-3.5_2.12-$iceberg.jar" && mv "$jar.part" "$jar"; }

dir=$(mktemp -d)
export XDG_DATA_HOME="$dir/data" XDG_CONFIG_HOME="$dir/config" XDG_CACHE_HOME="$dir/cache"
cd "$here/../.."
go build -o "$dir/hiveql" ./cmd/hiveql
"$dir/hiveql" serve --hms 127.0.0.1:0 2> "$dir/serve.log" &
server=$!
trap 'kill $server; rm -rf "$dir"' EXIT
for _ in $(seq 50); do
  address=$(sed -n 's/.*address=\([^ ]*\).*/\1/p' "$dir/serve.log" | head -1)
  [ -n "$address" ] && break
  sleep 0.1
done
export HMS="thrift://$address" DIR="$dir" JAR="$jar" HIVEQL="$dir/hiveql"
"$venv/bin/python" "$here/spark.py"
case $spark in 3.5.*) "$venv/bin/python" "$here/spark_iceberg.py" ;; esac
"$venv/bin/python" "$here/pyiceberg_client.py"
echo "interop: all passed"
