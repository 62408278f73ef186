package main

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// withTwoDashes writes the flags that the Hive CLI also takes with one dash, as -hiveconf and -database, with two;
// with two is also what only looks like one of them, which -h would otherwise swallow.
func withTwoDashes(fs *pflag.FlagSet, args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && len(name) > 1 && (fs.Lookup(name) != nil || name[0] == 'h') {
			args[i] = "-" + arg
		}
	}
	return args
}

// beeline are flags of Beeline's, which are not in the help.
type beeline struct {
	url, user, password string
	ignored             string
}

// addBeeline adds the flags of Beeline's that scripts have. Some say how a terminal looks or how a driver of
// JDBC behaves: they change nothing here.
func addBeeline(fs *pflag.FlagSet, o *options) {
	fs.StringVarP(&o.beeline.url, "jdbc-url", "u", "", "")
	fs.StringVarP(&o.beeline.user, "jdbc-user", "n", "", "")
	fs.StringVarP(&o.beeline.password, "jdbc-password", "p", "", "")
	for _, name := range []string{"jdbc-url", "jdbc-user", "jdbc-password"} {
		fs.Lookup(name).Hidden = true
	}
	for _, name := range []string{"autoCommit", "color", "convertBinaryArrayToString", "fastConnect", "headerInterval", "incremental",
		"incrementalBufferRows", "isolation", "maxColumnWidth", "maxWidth", "numberFormat", "showDbInPrompt", "showElapsedTime",
		"showNestedErrs", "showWarnings", "truncateTable"} {
		fs.StringVar(&o.beeline.ignored, name, "", "")
		fs.Lookup(name).Hidden, fs.Lookup(name).NoOptDefVal = true, "true"
	}
}

// database is the database that the URL of JDBC names. One that names a server is an error: there is none
// to connect to.
func (b beeline) database() (string, error) {
	switch u, err := url.Parse(strings.TrimPrefix(b.url, "jdbc:")); {
	case b.url == "" && b.user+b.password == "":
		return "", nil
	case b.url == "":
		return "", usagef("-n and -p are Beeline's, and there is no server to log in to: leave them out")
	case err != nil || u.Scheme != "hive2" || u.Host != "":
		return "", usagef("-u: hiveql runs statements by itself and connects to no server: leave out -u, -n and -p; " +
			"--database NAME is the database, --metastore URL says where the tables are known")
	default:
		name, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), ";")
		return name, nil
	}
}

// unexpected is the error of an argument that is no flag.
func unexpected(arg string) error {
	var commands []string
	for _, c := range subcommands() {
		commands = append(commands, c.name)
	}
	_, err := os.Stat(arg)
	switch ext := path.Ext(arg); {
	case err == nil || slices.Contains([]string{".sql", ".hql", ".q"}, ext):
		return usagef("unexpected argument %q; -f FILE runs a script", arg)
	case strings.ContainsAny(arg, " ;"):
		return usagef("unexpected argument %q; statements are given with -e or -f", arg)
	}
	return usagef("there is no command %q; there are %s. Statements are given with -e or -f", arg, joinAnd(commands))
}

// joinAnd lists words: "a, b and c".
func joinAnd(words []string) string {
	last := len(words) - 1
	return fmt.Sprintf("%s and %s", strings.Join(words[:last], ", "), words[last])
}
