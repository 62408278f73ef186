package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// verbHelp is what there is to know of the command line of a verb. A copy's name is empty.
type verbHelp struct {
	name, synopsis, about string
	flags                 []*pflag.Flag
}

// verbHelps asks every verb for its flags, the copy first.
func (c *command) verbHelps(ctx context.Context) ([]verbHelp, error) {
	all := []verbHelp{
		{about: "copy"}, {name: "ls", about: "list objects and directories"}, {name: "cat", about: "print objects"},
		{name: "stat", about: "print what is known of objects"}, {name: "checksum", about: "print checksums of objects"},
		{name: "du", about: "count objects and bytes"}, {name: "rm", about: "delete objects"},
		{name: "mv", about: "move objects and directories"},
		{name: "mkvolume", about: "make a volume of the block store"}, {name: "volumes", about: "list the volumes of the block store"},
		{name: "rmvolume", about: "remove a volume of the block store"}, {name: "snapshot", about: "make, list and remove snapshots of volumes"},
		{name: "diff", about: "list what has changed between two snapshots"},
		{name: "df", about: "list the disks of the block store"}, {name: "setrep", about: "set how many replicas blocks have"},
		{name: "fsck", about: "look for damage in the block store, and repair it"}, {name: "balance", about: "fill all disks about as much"},
		{name: "decommission", about: "drain a disk of the block store"},
		{name: "verify", about: "compare names, sizes and checksums"}, {name: "jobs", about: "tell of jobs, forget one"},
		{name: "limit", about: "change the rates of a running job"},
		{name: "completion", about: "print a completion script for a shell"}, {name: "man", about: "print the manual page"},
		{name: "help", about: "print help"},
	}
	verbs := c.verbs()
	for i := range all {
		v := &all[i]
		if v.name == "help" {
			v.synopsis = "help [command]"
			continue
		}
		asked := &command{getenv: c.getenv, inspect: func(f *pflag.FlagSet, synopsis string) {
			v.synopsis = synopsis
			f.SortFlags = false
			f.VisitAll(func(one *pflag.Flag) {
				if !one.Hidden {
					v.flags = append(v.flags, one)
				}
			})
		}}
		do := asked.copy
		if v.name != "" {
			do = asked.verbs()[v.name]
		}
		if err := do(ctx, nil); !errors.Is(err, pflag.ErrHelp) {
			return nil, fmt.Errorf("the flags of %q are not known: %w", v.name, err)
		}
	}
	if len(all) != len(verbs)+1 {
		return nil, fmt.Errorf("%d commands are described, there are %d", len(all)-1, len(verbs))
	}
	return all, nil
}

func (c *command) completion(ctx context.Context, args []string) error {
	f := pflag.NewFlagSet("completion", pflag.ContinueOnError)
	if err := c.parse(f, args, "completion bash|zsh|fish", 1, 1); err != nil {
		return err
	}
	write, ok := map[string]func([]verbHelp) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[f.Arg(0)]
	if !ok {
		return usagef("there is no completion for %q; use bash, zsh or fish", f.Arg(0))
	}
	verbs, err := c.verbHelps(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(c.stdout, write(verbs))
	return err
}

func (c *command) man(ctx context.Context, args []string) error {
	f := pflag.NewFlagSet("man", pflag.ContinueOnError)
	if err := c.parse(f, args, "man", 0, 0); err != nil {
		return err
	}
	verbs, err := c.verbHelps(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(c.stdout, manPage(verbs))
	return err
}

// manPage is the manual page in the language of man(7).
func manPage(verbs []verbHelp) string {
	escape := strings.NewReplacer(`\`, `\e`, `-`, `\-`)
	line := func(text string) string { // no text may be taken for a request
		text = escape.Replace(text)
		if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
			text = `\&` + text
		}
		return text
	}
	var b strings.Builder
	b.WriteString(".TH DISTCP 1\n.SH NAME\ndistcp \\- copy and compact objects between S3, a block store and files\n.SH SYNOPSIS\n.nf\n")
	for _, v := range verbs {
		fmt.Fprintf(&b, "distcp %s\n", line(v.synopsis))
	}
	b.WriteString(".fi\n")
	for _, v := range verbs {
		if len(v.flags) == 0 {
			continue
		}
		fmt.Fprintf(&b, ".SH %s\n", strings.ToUpper("options of "+orElse(v.name, "a copy")))
		for _, f := range v.flags {
			value, usage := pflag.UnquoteUsage(f)
			b.WriteString(".TP\n")
			if f.Shorthand != "" {
				fmt.Fprintf(&b, "\\fB%s\\fR, ", line("-"+f.Shorthand))
			}
			fmt.Fprintf(&b, "\\fB%s\\fR", line("--"+f.Name))
			switch {
			case value != "" && f.NoOptDefVal != "" && f.Value.Type() != "bool":
				fmt.Fprintf(&b, "[=\\fI%s\\fR]", line(value))
			case value != "":
				fmt.Fprintf(&b, " \\fI%s\\fR", line(value))
			}
			fmt.Fprintf(&b, "\n%s\n", line(usage+defaultOf(f)))
		}
	}
	b.WriteString(".SH EXIT STATUS\n.nf\n")
	for text := range strings.Lines(strings.TrimPrefix(exitText, "\nExit codes:\n")) {
		b.WriteString(line(text))
	}
	b.WriteString(".fi\n")
	return b.String()
}

// defaultOf tells the value of a flag that is not given, if it has one.
func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
		return ""
	}
	return " (default " + f.DefValue + ")"
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
