package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skepdata/skep/testenv"
)

// toolNames are the racers, ours first. The two shells run the group workload only, which the
// other peers cannot do.
var toolNames = []string{ours, "s5cmd", "rclone", "mc", "shell", "shell-par"}

// ours is the name of the racer that all of this is about.
const ours = "distcp"

// place is a local directory or a prefix of a bucket; either may be one side of a copy.
type place struct {
	local       string
	bucket, key string
}

// url is the place as distcp and s5cmd know it, with a slash at its end.
func (p place) url() string {
	if p.local != "" {
		return p.local + "/"
	}
	return "s3://" + p.bucket + "/" + p.key + "/"
}

// under is the place for a tool that puts a word of its own before buckets.
func (p place) under(word string) string {
	if p.local != "" {
		return p.local
	}
	return word + p.bucket + "/" + p.key
}

// job is one run of one tool.
type job struct {
	workload
	src, dest place
}

// workers is the tuned number of workers, as the flags of s5cmd and rclone take it.
func (j job) workers() string {
	return map[bulk]string{small: "32", medium: "8", big: "4"}[j.bulk]
}

// tool is a racer: what to run for a job, or nil if it cannot do that.
type tool struct {
	name    string
	program string
	env     []string
	args    func(j job) []string
}

// kit is all racers' programs.
type kit struct {
	programs map[string]string // by the tool's name
	names    []string          // the racers, in the order of toolNames
	config   string            // an empty directory, for tools that look for settings
	extra    []string          // distcp's further flags
}

// assemble finds or builds the programs of the chosen tools.
func (o *options) assemble(ctx context.Context, dir string, progress io.Writer) (*kit, error) {
	k := &kit{programs: map[string]string{}, config: filepath.Join(dir, "config"), extra: strings.Fields(o.distcpFlags)}
	for _, name := range toolNames {
		if len(o.tools) == 0 || slices.Contains(o.tools, name) {
			k.names = append(k.names, name)
		}
	}
	if err := os.Mkdir(k.config, 0o700); err != nil {
		return nil, err
	}
	var err error
	if k.programs[ours] = o.distcp; o.distcp == "" {
		if k.programs[ours], err = buildDistcp(ctx, dir); err != nil {
			return nil, err
		}
	}
	for _, p := range peers {
		needed := slices.Contains(k.names, p.name) ||
			p.name == "s5cmd" && (slices.Contains(k.names, "shell") || slices.Contains(k.names, "shell-par"))
		if !needed {
			continue
		}
		if k.programs[p.name], err = p.binary(ctx, progress); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// tool is the racer of that name, pointed at the server.
func (k *kit) tool(name string, s3 testenv.S3) tool {
	env := append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + k.config}, s3.Env()...)
	t := tool{name: name, program: k.programs[name], env: env}
	switch name {
	case ours:
		t.args = k.distcpArgs
	case "s5cmd":
		t.args = func(j job) []string { return s5cmdArgs(s3.Endpoint, j) }
	case "rclone":
		t.env = append(t.env, "RCLONE_CONFIG=/dev/null", "RCLONE_S3_PROVIDER=Minio", "RCLONE_S3_ENV_AUTH=true",
			"RCLONE_S3_ENDPOINT="+s3.Endpoint, "RCLONE_S3_REGION="+s3.Region)
		t.args = rcloneArgs
	case "mc":
		host := strings.Replace(s3.Endpoint, "://", "://"+s3.AccessKey+":"+s3.SecretKey+"@", 1)
		t.env = append(t.env, "MC_CONFIG_DIR="+k.config, "MC_HOST_bench="+host)
		t.args = mcArgs
	case "shell", "shell-par":
		t.program = "/bin/sh"
		t.args = func(j job) []string {
			return shellArgs(k.programs["s5cmd"], s3.Endpoint, j, name == "shell-par")
		}
	}
	return t
}

func (k *kit) distcpArgs(j job) []string {
	args := append([]string{"--quiet"}, k.extra...)
	switch j.dir {
	case again:
		args = append(args, "--update")
	case group:
		args = append(args, "--groupBy", `.*/(app-\d)-\d+\.log`, "--outputCodec", "gzip")
	}
	return append(args, "--src", j.src.url(), "--dest", j.dest.url())
}

func s5cmdArgs(endpoint string, j job) []string {
	args := []string{"--endpoint-url", endpoint, "--log", "error", "--numworkers", j.workers()}
	src := j.src.url()
	if j.src.local == "" {
		src += "*"
	}
	switch {
	case j.dir == group:
		return nil
	case j.dir == again:
		return append(args, "sync", src, j.dest.url())
	case j.bulk == big:
		return append(args, "cp", "-c", "4", "-p", "64", src, j.dest.url())
	}
	return append(args, "cp", src, j.dest.url())
}

func rcloneArgs(j job) []string {
	const remote = ":s3:"
	args := []string{"copy", "--no-check-dest", "--no-traverse"}
	switch j.dir {
	case group:
		return nil
	case again:
		args = []string{"sync", "--update", "--use-server-modtime"}
	}
	args = append(args, "--transfers", j.workers(), "--checkers", "32", "--fast-list",
		"--s3-disable-checksum", "--s3-use-unsigned-payload=true")
	if j.bulk == big { // after multipart uploads it takes sizes from HEAD, or they are 0
		args = append(args, "--s3-chunk-size", "64Mi", "--s3-upload-concurrency", "4", "--multi-thread-streams", "4")
	} else {
		args = append(args, "--s3-no-head", "--s3-no-head-object")
	}
	return append(args, j.src.under(remote), j.dest.under(remote))
}

func mcArgs(j job) []string {
	if j.dir == group {
		return nil
	}
	const remote = "bench/"
	return []string{"--quiet", "mirror", j.src.under(remote), j.dest.under(remote)}
}

// shellArgs is a script that joins and compresses one group after the other, or as many at a
// time as there are cores.
func shellArgs(s5cmd, endpoint string, j job, parallel bool) []string {
	if j.dir != group {
		return nil
	}
	one := `cat "$0"/*/app-$3-*.log | gzip -6 | "$1" --endpoint-url ` + endpoint + ` --log error pipe "$2app-$3.gz"`
	names := make([]string, groups)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	list := strings.Join(names, " ")
	script := fmt.Sprintf(`set -e; for g in %s; do sh -e -c '%s' "$0" "$1" "$2" $g; done`, list, one)
	if parallel {
		script = fmt.Sprintf(`printf '%%s\n' %s | xargs -P "$(nproc)" -n 1 sh -e -c '%s' "$0" "$1" "$2"`, list, one)
	}
	return []string{"-c", script, j.src.local, s5cmd, j.dest.url()}
}
