// Command distcp copies and compacts large sets of objects between S3, the local block store
// and local files. S3DistCp's command lines run as they are:
//
//	distcp --src s3://lake/logs/ --dest block://logs/ --srcPattern '.*\.gz' \
//	    --groupBy '.*/(\d{4}-\d\d)-\d\d\.gz' --targetSize 256 --outputManifest=manifest.gz
//
// distcp ls, cat, stat, du and verify look at what is there, mv and rm change it, and others tend
// jobs and block stores: distcp help lists them. Data goes to standard output, everything else to
// standard error; the exit code says how it went (see help.go).
//
// The package is wiring: flags become copier.Options, events become lines and a progress bar,
// errors become one line and an exit code. It does not know how objects are copied: that is
// package copier's business.
package main
