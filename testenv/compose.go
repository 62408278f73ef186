package testenv

import "fmt"

// Where docker-compose.yml puts its servers, and who may use them. The ports are not the
// servers' usual ones, so that they do not meet servers of the machine's own.
const (
	composeS3Port       = 19000
	composePostgresPort = 15432
	composeMariaDBPort  = 13306
	composeUser         = "skep"
	composePassword     = "skep-password"
	composeDatabase     = "skep"
)

// ComposeEnv is the environment with which tests use the servers of docker-compose.yml
// instead of starting their own.
func ComposeEnv() []string {
	login := composeUser + ":" + composePassword
	return []string{
		EnvS3Endpoint + "=http://" + loopback(composeS3Port),
		EnvS3AccessKey + "=" + composeUser,
		EnvS3SecretKey + "=" + composePassword,
		EnvPostgresURL + fmt.Sprintf("=postgres://%s@%s/%s", login, loopback(composePostgresPort), composeDatabase),
		// root, for only it may create databases there.
		EnvMySQLURL + fmt.Sprintf("=mysql://root:%s@%s/", composePassword, loopback(composeMariaDBPort)),
	}
}
