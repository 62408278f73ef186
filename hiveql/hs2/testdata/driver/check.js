// Talks to HiveServer2 at 127.0.0.1:PORT with hive-driver, and prints what it got, a line each.
// usage: node check.js PORT tcp|plain|http USER PASSWORD
const hive = require('hive-driver');
const { TCLIService, TCLIService_types: types } = hive.thrift;

const [port, transport, username, password] = process.argv.slice(2);
const connection = transport === 'http' ? new hive.connections.HttpConnection() : new hive.connections.TcpConnection();
const auth = {
  tcp: () => new hive.auth.NoSaslAuthentication(),
  plain: () => new hive.auth.PlainTcpAuthentication({ username, password }),
  http: () => new hive.auth.PlainHttpAuthentication({ username, password }),
}[transport]();
const utils = new hive.HiveUtils(types);

// rows runs an operation to its end and gives all its rows.
async function rows(operation) {
  await utils.waitUntilReady(operation, false, () => {});
  await utils.fetchAll(operation);
  const value = utils.getResult(operation).getValue();
  await operation.close();
  return value;
}

async function main() {
  const client = await new hive.HiveClient(TCLIService, types).connect(
    { host: '127.0.0.1', port: Number(port), options: { path: '/cliservice' } }, connection, auth);
  const session = await client.openSession({ client_protocol: types.TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V10 });
  const say = (name, value) => console.log(name + ': ' + JSON.stringify(value));
  const run = async (statement) => rows(await session.executeStatement(statement, { runAsync: true }));

  say('server', (await session.getInfo(types.TGetInfoType.CLI_DBMS_NAME)).getValue());
  await run('CREATE TABLE IF NOT EXISTS t (a INT, b STRING, c DECIMAL(10,2), d ARRAY<INT>) PARTITIONED BY (ds STRING)');
  await run("INSERT OVERWRITE TABLE t PARTITION (ds='x') SELECT 1, 'one', 1.50, array(1, 2) UNION ALL SELECT 2, NULL, NULL, NULL");
  say('rows', await run('SELECT a, b, c, d, ds FROM t ORDER BY a'));
  say('many', (await run('SELECT i FROM (SELECT 1) x LATERAL VIEW posexplode(split(space(24999), " ")) p AS i, v')).length);
  say('tables', await rows(await session.getTables({ schemaName: 'default', tableName: '%' })));
  say('columns', (await rows(await session.getColumns({ schemaName: 'default', tableName: 't' }))).map((c) => c.COLUMN_NAME + ' ' + c.TYPE_NAME));
  say('schemas', await rows(await session.getSchemas({})));
  try {
    await run('SELECT nope FROM t');
  } catch (e) {
    say('error', e.message);
  }
  await session.close();
  client.close();
}

main().catch((e) => {
  console.log('failed: ' + e.message);
  process.exitCode = 1;
});
