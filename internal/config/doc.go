// Package config is where both programs find endpoints, roots and defaults.
//
//	cfg, err := config.Load(config.Source{Overrides: map[string]string{"metastore": flagValue}})
//	opener := cfg.Opener()
//	defer opener.Close()
//	at, err := opener.Open(ctx, "s3://lake/flights/")
//
// # Order
//
// A setting is taken from the first of these that has it:
//
//  1. the command line, passed in as Overrides
//  2. SKEP_* environment variables
//  3. AWS_* environment variables and the profile they name, for S3; a profile that 1 or 2 name comes before
//     the variables
//  4. skep.toml: the file that Source.File or SKEP_CONFIG names, or else
//     $XDG_CONFIG_HOME/skep/skep.toml
//  5. the default
//
// # Settings
//
//	skep.toml           environment              default
//	default_fs          SKEP_DEFAULT_FS          none; the URL that stands for hdfs:///
//	metastore           SKEP_METASTORE           sqlite://$XDG_DATA_HOME/skep/metastore.db
//	metastore_password  SKEP_METASTORE_PASSWORD  none; for a URL of a server without one
//	metastore_password_file  SKEP_METASTORE_PASSWORD_FILE  none; a file that holds it
//	warehouse           SKEP_WAREHOUSE           file://$XDG_DATA_HOME/skep/warehouse
//	block_roots         SKEP_BLOCK_ROOT          $XDG_DATA_HOME/skep/blocks; several: a list, or separated by ","
//	verify_reads        SKEP_VERIFY_READS        always; sampled, never: which chunks the block store compares
//	cache_dir           SKEP_CACHE_DIR           $XDG_CACHE_HOME/skep
//	s3.endpoint         SKEP_S3_ENDPOINT         Amazon S3; then AWS_ENDPOINT_URL_S3 comes before skep.toml
//	s3.region           SKEP_S3_REGION           us-east-1, or at Amazon the bucket's own
//	s3.profile          SKEP_S3_PROFILE          AWS_PROFILE, or default
//	s3.access_key       none                     the profile's, or its credential_process; otherwise the machine's role
//	s3.secret_key       none
//	s3.session_token    none
//	s3.anonymous        SKEP_S3_ANONYMOUS        false
//	s3.addressing       SKEP_S3_ADDRESSING       auto; path or virtual
//	s3.part_size        SKEP_S3_PART_SIZE        16MiB
//	s3.workers          SKEP_S3_WORKERS          256 connections kept open
//	s3.attempts         SKEP_S3_ATTEMPTS         5 times that one request is sent
//	s3.ca_file          SKEP_S3_CA_FILE          AWS_CA_BUNDLE; then what the machine trusts
//	s3.storage_class    SKEP_S3_STORAGE_CLASS    the bucket's
//
// Keys on the command line would be seen by every user of the machine, so the three that
// are secrets come from AWS_* variables, from a profile or from skep.toml only, and always
// all from the same one.
//
// What is wrong is reported with its source: a file and line, a variable, the command line.
// Trouble with S3 alone is reported when an s3:// URL is opened, for a copy between local
// files does not care about it.
//
// The package knows which kinds of store there are. It knows nothing of tables or copies.
package config
