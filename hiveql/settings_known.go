package hiveql

// knownSetting is what SHOW CONF says of a setting. Others can be set and shown by SET all the same, so
// that scripts written for Hive run.
type knownSetting struct {
	name, value string // the value is the default
	kind        string // BOOLEAN, INT, LONG, STRING, TIME
	about       string
}

// idle is said of settings of engines that are not here. Scripts set them, and nothing changes.
const idle = "Of Hive's own engines: it can be set, and changes nothing here."

// knownSettings are the settings whose value means something here, or that scripts look at.
func knownSettings() []knownSetting {
	return append(append(hiveSettings(), ownSettings()...), idleSettings()...)
}

func hiveSettings() []knownSetting {
	return []knownSetting{
		{"hive.cli.errors.ignore", "false", "BOOLEAN", "Whether a script goes on after an error."},
		{"hive.cli.print.header", "false", "BOOLEAN", "Whether the names of columns are printed."},
		{"hive.cli.print.escape.crlf", "false", "BOOLEAN", "Whether line feeds and carriage returns in values are printed as \\n and \\r."},
		{"hive.cli.print.current.db", "false", "BOOLEAN", "Whether the prompt shows the current database."},
		{"hive.constraint.notnull.enforce", "true", "BOOLEAN", "Whether INSERT refuses rows that break NOT NULL or CHECK."},
		{"hive.ddl.output.format", "text", "STRING", "How SHOW and DESCRIBE answer: text or json."},
		{"hive.exec.schema.evolution", "true", "BOOLEAN", "Whether changes of columns are refused that files in ORC, or in Parquet of partitions, would not follow."},
		{"orc.force.positional.evolution", "true", "BOOLEAN", "Whether columns of ORC files are found by their places, not names."},
		{"hive.decode.partition.name", "false", "BOOLEAN", "Whether SHOW PARTITIONS shows names without the escapes of special characters."},
		{"hive.default.fileformat", "TextFile", "STRING", "The format of tables without STORED AS."},
		{"hive.default.rcfile.serde", "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe", "STRING", "The SerDe of tables STORED AS RCFILE; ColumnarSerDe writes text."},
		{"hive.default.fileformat.managed", "none", "STRING", "The same for managed tables; none is that of hive.default.fileformat."},
		{"hive.default.nulls.last", "true", "BOOLEAN", "Whether NULL comes last in ascending order, and first in descending."},
		{"hive.exec.compress.output", "false", "BOOLEAN", "Whether text files are written compressed."},
		{"hive.exec.default.partition.name", "__HIVE_DEFAULT_PARTITION__", "STRING", "The name of the partition of NULL. It cannot be another."},
		{"hive.exec.drop.ignorenonexistent", "true", "BOOLEAN", "Whether dropping what does not exist is no error."},
		{"hive.exec.dynamic.partition", "true", "BOOLEAN", "Whether rows may choose the partition that they go to."},
		{"hive.exec.dynamic.partition.mode", "nonstrict", "STRING", "strict wants at least one static partition key in INSERT."},
		{"hive.exec.max.dynamic.partitions", "1000", "INT", "How many partitions one INSERT may make."},
		{"avro.output.codec", "deflate", "STRING", "The codec of Avro files with hive.exec.compress.output: null, deflate, snappy, zstandard or xz."},
		{"hive.avro.proleptic.gregorian.default", "false", "BOOLEAN", "Whether Avro files of unknown writers have today's calendar before 1582."},
		{"hive.avro.timestamp.skip.conversion", "false", "BOOLEAN", "Whether timestamps of Avro files of unknown writers are clocks, not instants."},
		{"hive.fileformat.check", "true", "BOOLEAN", "Whether LOAD DATA refuses files of another format than the table's."},
		{"hive.groupby.position.alias", "false", "BOOLEAN", "Whether numbers in GROUP BY are places in the SELECT list."},
		{"hive.groupby.orderby.position.alias", "false", "BOOLEAN", "Whether numbers in GROUP BY and ORDER BY are places in the SELECT list."},
		{"hive.orderby.position.alias", "true", "BOOLEAN", "Whether numbers in ORDER BY are places in the SELECT list."},
		{"hive.int.timestamp.conversion.in.seconds", "false", "BOOLEAN", "Whether CAST of a whole number to a timestamp takes it for seconds, not milliseconds."},
		{"hive.lazysimple.extended_boolean_literal", "false", "BOOLEAN", "Whether t, f, 1 and 0 are booleans in text files too."},
		{"hive.local.time.zone", "LOCAL", "STRING", "The time zone of the session; LOCAL is that of the machine."},
		{mergeSize, "256000000", "LONG", "About how many bytes the files have that are written."},
		{"hive.metastore.disallow.incompatible.col.type.changes", "true", "BOOLEAN", "Whether columns may change to types in which the files cannot be read."},
		{"hive.metastore.warehouse.dir", "", "STRING", "Where managed tables lie."},
		{"hive.msck.path.validation", "throw", "STRING", "What MSCK does with directories that are no partitions: throw, skip or ignore."},
		{"hive.parquet.infer.binary.as", "binary", "STRING", "What CREATE TABLE LIKE FILE makes of binary columns: binary or string."},
		{"hive.parquet.timestamp.time.unit", "millis", "STRING", "The unit of timestamps of 64 bits: millis, micros or nanos."},
		{"hive.parquet.write.int64.timestamp", "false", "BOOLEAN", "Whether Parquet files get timestamps in that unit."},
		{"hive.resultset.use.unique.column.names", "true", "BOOLEAN", "Whether headings of results have the table before the column, where it was written so or is one of a *."},
		{basicAutogather, "true", "BOOLEAN", "Whether INSERT counts rows."},
		{autogather, "true", "BOOLEAN", "Whether INSERT keeps statistics of columns."},
		{"hive.stats.fetch.bitvector", "true", "BOOLEAN", "Whether DESCRIBE shows that there is a bit vector."},
		{"hive.support.quoted.identifiers", "column", "STRING", "none: names in backquotes in a SELECT list are regular expressions."},
		{"hive.tez.dynamic.partition.pruning", "true", "BOOLEAN", "Whether small sides of joins choose partitions and row groups of the other."},
		{"hive.variable.substitute", "true", "BOOLEAN", "Whether ${...} is replaced."},
		{"parquet.compression", "", "STRING", "How Parquet files are compressed: UNCOMPRESSED, SNAPPY, GZIP, ZSTD and others."},
	}
}

func ownSettings() []knownSetting {
	return []knownSetting{
		{memoryLimit, "", "STRING", "What queries keep in memory before they spill to disk, as 500MB or 4GiB."},
		{threadsLimit, "0", "INT", "Threads of a query; 0 is one for each processor."},
		{tempDirectory, "", "STRING", "The local directory to which queries spill."},
		{listingTTL, "0s", "TIME", "How long a listing of an external table is good."},
		{stagingSize, "1GiB", "STRING", "How much of what is written may wait on the local disk."},
		{trackFiles, "true", "BOOLEAN", "Whether writes list their files in the metastore."},
		{nanos, "keep", "STRING", "What becomes of digits of timestamps behind the microseconds: keep, cut or refuse."},
		{verifyRanges, "true", "BOOLEAN", "Whether parts of files without sums that come over plain HTTP come twice before they are used."},
		{verifyWhole, "false", "BOOLEAN", "Whether Parquet files without sums that come over plain HTTP are compared as a whole before they are used."},
		{writeLease, "5m", "TIME", "How long after its last sign of life a process on another machine counts as dead."},
		{vacuumGrace, "500ms", "TIME", "How long files are kept at least after they were replaced: 0s, or 300ms and more."},
	}
}

// idleSettings are those that scripts set most, with Hive's defaults.
func idleSettings() []knownSetting {
	list := []knownSetting{{"hive.execution.engine", "duckdb", "STRING", "The engine that runs queries. Others can be named, and are not there."}}
	for _, s := range [][3]string{
		{"hive.auto.convert.join", "true", "BOOLEAN"},
		{"hive.auto.convert.join.noconditionaltask", "true", "BOOLEAN"},
		{"hive.auto.convert.join.noconditionaltask.size", "10000000", "LONG"},
		{"hive.auto.convert.sortmerge.join", "true", "BOOLEAN"},
		{"hive.auto.convert.sortmerge.join.to.mapjoin", "false", "BOOLEAN"},
		{"hive.cbo.enable", "true", "BOOLEAN"},
		{"hive.compute.query.using.stats", "true", "BOOLEAN"},
		{"hive.exec.max.dynamic.partitions.pernode", "100", "INT"},
		{"hive.exec.parallel", "false", "BOOLEAN"},
		{"hive.exec.parallel.thread.number", "8", "INT"},
		{"hive.exec.reducers.bytes.per.reducer", "256000000", "LONG"},
		{"hive.exec.reducers.max", "1009", "INT"},
		{"hive.exec.submitviachild", "false", "BOOLEAN"},
		{"hive.fetch.task.conversion", "more", "STRING"},
		{"hive.groupby.skewindata", "false", "BOOLEAN"},
		{"hive.input.format", "org.apache.hadoop.hive.ql.io.CombineHiveInputFormat", "STRING"},
		{"hive.map.aggr", "true", "BOOLEAN"},
		{"hive.mapred.mode", "nonstrict", "STRING"},
		{"hive.merge.mapfiles", "true", "BOOLEAN"},
		{"hive.merge.mapredfiles", "false", "BOOLEAN"},
		{"hive.merge.smallfiles.avgsize", "16000000", "LONG"},
		{"hive.merge.tezfiles", "false", "BOOLEAN"},
		{"hive.optimize.bucketmapjoin", "false", "BOOLEAN"},
		{"hive.optimize.ppd", "true", "BOOLEAN"},
		{"hive.optimize.skewjoin", "false", "BOOLEAN"},
		{"hive.optimize.sort.dynamic.partition.threshold", "0", "INT"},
		{"hive.strict.checks.cartesian.product", "false", "BOOLEAN"},
		{"hive.strict.checks.no.partition.filter", "false", "BOOLEAN"},
		{"hive.support.concurrency", "false", "BOOLEAN"},
		{"hive.tez.container.size", "-1", "INT"},
		{"hive.vectorized.execution.enabled", "true", "BOOLEAN"},
		{"hive.vectorized.execution.reduce.enabled", "true", "BOOLEAN"},
		{"hive.zookeeper.quorum", "", "STRING"},
		{"hive.zookeeper.session.timeout", "120000ms", "STRING"},
	} {
		list = append(list, knownSetting{s[0], s[1], s[2], idle})
	}
	return list
}

func defaultSettings() map[string]string {
	all := map[string]string{}
	for _, s := range knownSettings() {
		all[s.name] = s.value
	}
	return all
}
