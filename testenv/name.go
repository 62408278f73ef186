package testenv

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
)

// uniqueName makes a name for a bucket or database out of the test's, of small letters,
// digits and the separator. The random end keeps runs and processes apart that share a
// server.
func uniqueName(t testing.TB, sep string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(t.Name()) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), sep):
			b.WriteString(sep)
		}
		if b.Len() == 32 {
			break
		}
	}
	name := strings.Trim(b.String(), sep)
	return "t" + sep + name + sep + strings.ToLower(rand.Text()[:10])
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// minimalEnv is the environment of a server: nothing of ours that could configure it.
func minimalEnv(home string) []string {
	env := []string{"HOME=" + home, "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	for _, name := range []string{"TMPDIR", "TZ"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
