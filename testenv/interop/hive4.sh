#!/bin/sh
# Hive 4.0.1 beside hiveql: the statements of hive4/*.sql are put to its HiveServer2 and to ours by the same client, and must have the
# same answers. It needs Maven and, the first time, fetches 280 MB. $HS2 is the address of ours; other files may be named as arguments:
#
#	STEPS=hive4 testenv/interop/run.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=$CACHE # of run.sh
jars=$cache/hive-4.0.1
[ -f "$jars/ready" ] || {
  mvn -q -B -f "$here/hive4/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars"
  touch "$jars/ready"
}
python=$cache/hs2-clients/bin/python
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$DIR/hive" "$DIR/conf"
sed "s|@DIR@|$DIR/hive|g; s|@PORT@|$port|" "$here/hive4/hive-site.xml" > "$DIR/conf/hive-site.xml"
opens=
for p in java.lang java.lang.reflect java.io java.net java.nio java.util java.util.concurrent java.util.concurrent.atomic java.util.regex \
  java.text java.time java.math sun.nio.ch sun.security.action; do
  opens="$opens --add-opens=java.base/$p=ALL-UNNAMED"
done
# shellcheck disable=SC2086 # several options
(cd "$DIR/hive" && TZ=UTC exec java -Xmx1536m -XX:+UseSerialGC $opens --add-opens=java.sql/java.sql=ALL-UNNAMED -Duser.timezone=UTC \
  -Dderby.stream.error.file=/dev/null -Dderby.system.durability=test -Dlog4j2.configurationFile="file:$here/hive4/log4j2.properties" \
  -cp "$DIR/conf:$jars/*" org.apache.hive.service.server.HiveServer2) > "$DIR/hive.log" 2>&1 & server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT
for _ in $(seq 600); do
  "$python" -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null && break
  kill -0 $server || { tail -20 "$DIR/hive.log" >&2; exit 1; }
  sleep 0.2
done
[ $# -gt 0 ] || set -- "$here"/hive4/*.sql
"$python" "$here/hive4/compare.py" "127.0.0.1:$port" "$HS2" "$@"
echo "hive4 passed"
