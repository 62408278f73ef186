package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

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
