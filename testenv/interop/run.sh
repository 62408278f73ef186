#!/bin/sh
# Real clients against hiveql serve: Spark, Spark with Iceberg, PyIceberg; Beeline, PyHive and impyla; Hive 4 itself, which is asked
# the same as ours; and Hive's own metastore, likewise, by its client and method by method. It fetches them from PyPI and Maven Central,
# so it needs the net, Maven and a Java, and is no part of `make test`.
#
#	SPARK='3.5.6 4.0.1' testenv/interop/run.sh     # the versions of Spark; the first has Iceberg
#	STEPS='ours hs2' testenv/interop/run.sh        # without Hive's metastore; STEPS=hive is nothing but it, hs2 what speaks HiveQL,
#	                                               # hive4 the comparison with Hive 4.0.1
#	RECORD=yes testenv/interop/run.sh              # and keep what they say for the tests of metastore/hms
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/skep/interop
sparks=${SPARK:-3.5.6 4.0.1}
iceberg=${ICEBERG:-1.9.2}
mkdir -p "$cache"
fetch() { # URL FILE
  [ -f "$2" ] || { curl -fsSL -o "$2.part" "$1" && mv "$2.part" "$2"; }
}
jar=$cache/iceberg-spark-runtime-$iceberg.jar
fetch "https://repo1.maven.org/maven2/org/apache/iceberg/iceberg-spark-runtime-3.5_2.12/$iceberg/iceberg-spark-runtime-3.5_2.12-$iceberg.jar" "$jar"
for spark in $sparks; do
  venv=$cache/spark-$spark
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  [ -f "$venv/ready" ] || { "$venv/bin/pip" install -q "pyspark==$spark" 'pyiceberg[hive,pyarrow]==0.12.0' && touch "$venv/ready"; }
done

hs2=$cache/hs2-clients
[ -x "$hs2/bin/python" ] || python3 -m venv "$hs2"
[ -f "$hs2/ready" ] || { "$hs2/bin/pip" install -q 'pyhive==0.7.0' 'impyla==0.24.0' 'thrift-sasl==0.4.3' 'pure-sasl==0.6.2' && touch "$hs2/ready"; }

top=$(mktemp -d)
trap 'kill $(cat "$top"/*.pid) 2>/dev/null || true; wait; rm -rf "$top"' EXIT
cd "$here/../.."
go build -o "$top/hiveql" ./cmd/hiveql
go build -o "$top/record" ./testenv/interop/record
go build -o "$top/ask" ./testenv/interop/ask
export HIVEQL="$top/hiveql" JAR="$jar"

# steps NAME reports whether something is to be run.
steps() { case " ${STEPS:-ours hs2 hive4 hive} " in *" $1 "*) ;; *) return 1 ;; esac; }

# serve NAME [FLAG] starts a service with a metastore of its own: $ADDRESS, $DIR.
serve() {
  export DIR="$top/$1"
  mkdir "$DIR"
  export XDG_DATA_HOME="$DIR/data" XDG_CONFIG_HOME="$DIR/config" XDG_CACHE_HOME="$DIR/cache"
  "$HIVEQL" serve "${2:---hms}" 127.0.0.1:0 2> "$DIR/serve.log" & echo $! > "$top/$1.pid"
  ADDRESS=
  for _ in $(seq 100); do
    ADDRESS=$(sed -n 's/.*address=\([^ ]*\).*/\1/p' "$DIR/serve.log" | head -1)
    [ -n "$ADDRESS" ] && break
    sleep 0.1
  done
  export HMS="thrift://$ADDRESS"
}

# recorded NAME COMMAND... runs a client that is recorded.
recorded() {
  name=$1
  shift
  "$top/record" --to "$ADDRESS" --out "$DIR/$name.jsonl" > "$DIR/$name.address" & proxy=$!
  echo $proxy > "$top/$name.proxy.pid"
  while [ ! -s "$DIR/$name.address" ]; do sleep 0.1; done
  HMS="thrift://$(cat "$DIR/$name.address")" "$@"
  kill $proxy
  wait $proxy
  mkdir -p "$here/../../metastore/hms/testdata"
  [ -z "${RECORD:-}" ] || sed "s|$DIR|/DIR|g" "$DIR/$name.jsonl" | gzip -9n > "$here/../../metastore/hms/testdata/$name.jsonl.gz"
}

with_iceberg=yes
for spark in $sparks; do
  steps ours || break
  python=$cache/spark-$spark/bin/python
  serve "spark-$spark"
  SKEP_METASTORE="$HMS" "$python" "$here/spark.py"
  [ -z "${RECORD:-}" ] || { # without hiveql, whose own calls go by versions of tables
    serve "recorded-$spark"
    (unset HIVEQL; recorded "spark-$spark" "$python" "$here/spark.py")
  }
  if [ -n "$with_iceberg" ]; then
    serve iceberg
    "$python" "$here/spark_iceberg.py"
    serve pyiceberg
    recorded pyiceberg "$python" "$here/pyiceberg_client.py"
    with_iceberg=
  fi
done

set -- $sparks
python=$cache/spark-$1/bin/python
jars=$("$python" -c 'import os, pyspark; print(os.path.join(os.path.dirname(pyspark.__file__), "jars"))')

if steps hs2; then
  serve hs2 --hs2
  export HS2="$ADDRESS" JARS="$jars"
  "$hs2/bin/python" "$here/pyhive_client.py"
  "$hs2/bin/python" "$here/impyla_client.py"
  "$here/beeline.sh"
fi

if steps hive4; then
  export TZ=UTC # of both
  serve hive4 --hs2
  CACHE="$cache" HS2="$ADDRESS" "$here/hive4.sh"
fi

steps hive || { echo "interop: all passed"; exit; }

# Hive's own metastore, of the version that is in Spark: hiveql is its client, and what it says to
# Spark is recorded, for ours to be compared with. (With its own tables of locks, made for tests, it does not serve PyIceberg.)
export DIR="$top/hive"
mkdir "$DIR"
cat > "$DIR/hive-site.xml" <<END
<configuration>
<property><name>javax.jdo.option.ConnectionURL</name><value>jdbc:derby:memory:hms;create=true</value></property>
<property><name>datanucleus.schema.autoCreateAll</name><value>true</value></property>
<property><name>hive.metastore.schema.verification</name><value>false</value></property>
<property><name>hive.metastore.warehouse.dir</name><value>file://$DIR/data/skep/warehouse</value></property>
<property><name>hive.async.log.enabled</name><value>false</value></property>
<property><name>hive.metastore.integral.jdo.pushdown</name><value>true</value></property>
<property><name>hive.in.tez.test</name><value>true</value></property><!-- which makes the tables of locks -->
</configuration>
END
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd "$DIR" && exec java -cp "$DIR:$jars/*" --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED \
  --add-opens=java.base/java.util=ALL-UNNAMED org.apache.hadoop.hive.metastore.HiveMetaStore -p "$port" > hive.log 2>&1) & echo $! > "$top/hive.pid"
for _ in $(seq 600); do
  "$python" -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null && break
  sleep 0.2
done
ADDRESS=127.0.0.1:$port
export XDG_DATA_HOME="$DIR/data" XDG_CONFIG_HOME="$DIR/config" XDG_CACHE_HOME="$DIR/cache"
SKEP_METASTORE="thrift://$ADDRESS" "$here/hive_client.sh"
(unset HIVEQL; recorded "hive-spark-$1" "$python" "$here/spark.py")
methods=$here/../../metastore/hms/testdata/methods
"$top/ask" --to "$ADDRESS" --version 2.3 --warehouse "file://$DIR/data/skep/warehouse" < "$methods" > "$DIR/methods"
[ -z "${RECORD:-}" ] || cp "$DIR/methods" "${methods}_of_hive_2.3.9"
echo "interop: all passed"
