// Package testenv gives tests and demos the real servers that skep works with: MinIO,
// PostgreSQL and MariaDB.
//
//	func TestCopy(t *testing.T) {
//		s3 := testenv.MinIO(t) // a bucket of its own on a server shared by this test binary
//		cmd.Env = append(os.Environ(), s3.Env()...)
//	}
//
// # Where a server comes from
//
// First the environment: SKEP_TEST_S3_ENDPOINT, SKEP_TEST_POSTGRES_URL and
// SKEP_TEST_MYSQL_URL (with docker compose up, [ComposeEnv] prints what to set). Otherwise
// one is started: MinIO from a binary on PATH or in the cache directory, built there once
// with the Go toolchain; the databases from the packages of the distribution. A server that
// cannot be had fails the test and says what to install. Nothing is ever skipped.
//
// # How a server ends
//
// There is no TestMain to stop a shared server, and a test binary may be killed at any
// moment. So each server is bound to the process that started it three times over:
//
//	the test binary ── starts ──> the server        the kernel kills it when the binary's
//	      │                          │              thread that started it is gone (Linux)
//	      │ pipe                     │ inherits
//	      v                          v
//	   the janitor, a shell       lock in the       a directory whose lock nobody holds is
//	   that reads the pipe:       run directory     what a dead run left; the next start
//	   at its end it kills                          removes it
//	   the server and removes
//	   the run directory
//
// Servers listen on loopback only, on ports that were free a moment ago (another is tried
// when that has changed), with random credentials, and with their data in a temporary
// directory. Run by root, the databases run as their own system accounts.
//
// The package is for tests, for the demo and for the command in testenv/up; product code
// does not import it.
package testenv
