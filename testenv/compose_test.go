package testenv_test

import (
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/testenv"
	"go.yaml.in/yaml/v3"
)

type composeFile struct {
	Services map[string]composeService
	Volumes  map[string]any
}

type composeService struct {
	Image       string
	Environment map[string]string
	Ports       []string
	Healthcheck struct {
		Test     []string
		Interval string
		Retries  int
	}
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var f composeFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// pinned images name an exact version: at least two numbers, or a dated release.
var pinned = regexp.MustCompile(`:(\d+\.\d+(\.\d+)?|RELEASE\.\d{4}-\d\d-\d\dT[\d-]+Z)$`)

func TestComposeServices(t *testing.T) {
	f := readCompose(t)
	if got := slices.Sorted(maps.Keys(f.Services)); !slices.Equal(got, []string{"mariadb", "minio", "postgres"}) {
		t.Fatalf("services %v", got)
	}
	for name, s := range f.Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q is not pinned to a version", name, s.Image)
		}
		if len(s.Healthcheck.Test) < 2 || s.Healthcheck.Interval == "" || s.Healthcheck.Retries == 0 {
			t.Errorf("%s: no complete health check: %+v", name, s.Healthcheck)
		}
		if len(s.Ports) != 1 || !strings.HasPrefix(s.Ports[0], "127.0.0.1:") {
			t.Errorf("%s: ports %v, want one on loopback only", name, s.Ports)
		}
	}
}

func TestComposeEnvAgrees(t *testing.T) {
	f := readCompose(t)
	env := map[string]string{}
	for _, line := range testenv.ComposeEnv() {
		name, v, _ := strings.Cut(line, "=")
		env[name] = v
	}
	minio, postgres, mariadb := f.Services["minio"], f.Services["postgres"], f.Services["mariadb"]
	for _, c := range []struct{ name, got, want string }{
		{"S3 endpoint", env[testenv.EnvS3Endpoint], "http://" + published(t, minio, "9000")},
		{"S3 access key", env[testenv.EnvS3AccessKey], minio.Environment["MINIO_ROOT_USER"]},
		{"S3 secret key", env[testenv.EnvS3SecretKey], minio.Environment["MINIO_ROOT_PASSWORD"]},
		{"S3 region", "us-east-1", minio.Environment["MINIO_REGION"]},
		{"PostgreSQL", env[testenv.EnvPostgresURL], (&url.URL{
			Scheme: "postgres", Host: published(t, postgres, "5432"), Path: "/" + postgres.Environment["POSTGRES_DB"],
			User: url.UserPassword(postgres.Environment["POSTGRES_USER"], postgres.Environment["POSTGRES_PASSWORD"]),
		}).String()},
		{"MariaDB", env[testenv.EnvMySQLURL], (&url.URL{
			Scheme: "mysql", Host: published(t, mariadb, "3306"), Path: "/",
			User: url.UserPassword("root", mariadb.Environment["MARIADB_ROOT_PASSWORD"]),
		}).String()},
	} {
		if c.got != c.want || c.got == "" {
			t.Errorf("%s: ComposeEnv says %q, docker-compose.yml %q", c.name, c.got, c.want)
		}
	}
}

// published is the host:port at which the container's port can be reached.
func published(t *testing.T, s composeService, inside string) string {
	t.Helper()
	for _, p := range s.Ports {
		if host, ok := strings.CutSuffix(p, ":"+inside); ok {
			return host
		}
	}
	t.Errorf("%s: port %s is not published", s.Image, inside)
	return ""
}
