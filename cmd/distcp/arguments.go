package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/spf13/pflag"
)

// withoutProgram is a command line without the words by which EMR's steps and scripts call S3DistCp: "hadoop jar",
// the jar, its class, the name of the program or its path, of which each may be there. What is left may be in lists.
func withoutProgram(args []string) []string {
	rest := args
	if len(rest) > 0 && (rest[0] == "hadoop" || rest[0] == "yarn") {
		rest = rest[1:]
	}
	if len(rest) > 1 && rest[0] == "jar" && strings.HasSuffix(rest[1], ".jar") {
		args = rest[2:]
		if len(args) > 0 && strings.Contains(strings.ToLower(args[0]), ".s3distcp.") { // com.amazon.elasticmapreduce.s3distcp.Main
			args = args[1:]
		}
	}
	if len(args) > 0 {
		if after, ok := strings.CutPrefix(args[0], "s3-dist-cp,"); ok {
			return append(splitList(after), splitLists(args[1:])...)
		}
		if path.Base(args[0]) == "s3-dist-cp" { // as command-runner.jar has it
			args = args[1:]
		}
	}
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") {
		return args // a command of ours
	}
	return splitLists(args)
}

// aList is how an argument begins that is a list. No option is called so, and a value does not begin with two hyphens.
var aList = regexp.MustCompile(`^--[A-Za-z0-9]+,`)

// splitLists splits the arguments that are lists.
func splitLists(args []string) []string {
	var split []string
	for _, arg := range args {
		if aList.MatchString(arg) {
			split = append(split, splitList(arg)...)
		} else {
			split = append(split, arg)
		}
	}
	return split
}

// aDivision is a comma of a list before an option.
var aDivision = regexp.MustCompile(`,(?:--[A-Za-z]|-D)`)

// splitList splits a list of arguments as the command line of AWS takes it for a step, in part or whole:
// --src,s3://a/,--dest=hdfs:///b. Commas that stand neither before an option nor behind its name are those of values,
// as in --srcPattern,.*[a-z,]+
func splitList(list string) []string {
	var args []string
	add := func(option string) {
		if aList.MatchString(option) {
			name, value, _ := strings.Cut(option, ",")
			args = append(args, name, value)
		} else {
			args = append(args, option)
		}
	}
	from := 0
	for _, at := range aDivision.FindAllStringIndex(list, -1) {
		add(list[from:at[0]])
		from = at[0] + 1
	}
	add(list[from:])
	return args
}

// joinValues writes the options that take a value though they need none as --option=value, which is how
// flags want it: S3DistCp takes --appendToLastFile alone, and with a value behind a space.
func joinValues(args []string) []string {
	var joined []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(joined, args[i:]...)
		}
		if arg == "--appendToLastFile" && i+1 < len(args) && isTruth(args[i+1]) {
			i++
			arg += "=" + args[i]
		}
		joined = append(joined, arg)
	}
	return joined
}

func isTruth(text string) bool {
	return strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
}

// isPlace reports whether an argument is most likely a URL or a path, as other programs take them without options.
func isPlace(arg string) bool { return strings.Contains(arg, "://") || strings.HasPrefix(arg, "/") }

// unexpected is the error of an argument that a copy does not take.
func unexpected(arg string) error {
	hint := "--src takes one URL, without wildcards"
	if isPlace(arg) {
		hint = "a copy is written --src URL --dest URL, and --src takes no wildcards"
	}
	if isTruth(arg) {
		hint = "what is optional stands behind =, as in --restart=" + arg
	}
	return usagef("unexpected argument %q: %s", arg, hint)
}

// flagError is an error of parsing flags, with what may have been meant.
func flagError(f *pflag.FlagSet, err error) error {
	name := ""
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if name = unknown.GetSpecifiedName(); len(name) == 1 && unknown.GetSpecifiedShortnames() != "" {
			name, _, _ = strings.Cut(unknown.GetSpecifiedShortnames(), "=") // -src
		}
	}
	meant := ""
	f.VisitAll(func(known *pflag.Flag) {
		if name != "" && plain(known.Name) == plain(name) {
			meant = fmt.Sprintf("; it is written --%s", known.Name)
		}
	})
	return usagef("%v%s", err, meant)
}

// plain is the name of a flag as those write it who know other programs.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
}

// refuseEmpty refuses options without the value that decides what is copied, and how: a script whose
// variable is not set does not mean that everything is to be copied.
func refuseEmpty(f *pflag.FlagSet) error {
	for _, name := range []string{
		"srcPattern", "groupBy", "srcPrefixesFile", "previousManifest", "filters", "src-list", "src-list0", "backup-dir",
		"s3ServerSideEncryption", "kmsKeyId", "srcCustomerKey", "destCustomerKey",
		"log-dir", "failures", "failures0", "on-success", "on-failure",
	} {
		if f.Changed(name) && strings.TrimSpace(f.Lookup(name).Value.String()) == "" {
			return usagef("--%s is empty", name)
		}
	}
	return nil
}
