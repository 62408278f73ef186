package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// subcommand is a first word of the command line that means something else than running statements.
type subcommand struct {
	name  string
	about string // in a line
	help  func() string
	run   func(p *program, ctx context.Context, args []string) error
	flags *pflag.FlagSet // for completion; nil if there are none
	words string         // that its first argument is one of; files if empty
}

// subcommands are all of them, in the order of the help.
func subcommands() []subcommand {
	constant := func(text string) func() string { return func() string { return text } }
	var file string
	var grace time.Duration
	var dry bool
	return []subcommand{
		{"fmt", "lay scripts out", constant(fmtHelp), (*program).format, (&fmtOptions{}).flags(), ""},
		{"metastore", "look after the metastore", constant(metastoreHelp), (*program).metastore, (&metastoreOptions{}).flags(),
			"info migrate log export import doctor"},
		{"vacuum", "remove what writes have left behind", constant(vacuumHelp), (*program).vacuum, vacuumFlags(&options{}, &grace, &dry), ""},
		{"cache", "look after the cache of far files", constant(cacheHelp), (*program).cache, cacheFlags(&file), "ls stats clear"},
		{"serve", "serve the metastore and HiveQL", serveHelp, (*program).serve, (&serveOptions{}).flags(), ""},
		{"man", "print the manual page", constant(manHelp), (*program).man, nil, ""},
		{"completion", "print a completion script for a shell", constant(completionHelp), (*program).completion, nil, "bash zsh fish"},
		{"help", "tell more of a command", help, (*program).help, nil, "fmt metastore vacuum cache serve man completion"},
	}
}

// help runs hiveql help.
func (p *program) help(_ context.Context, args []string) error {
	text := help()
	if len(args) > 0 {
		text = ""
		for _, c := range subcommands() {
			if c.name == args[0] {
				text = c.help()
			}
		}
	}
	if text == "" || len(args) > 1 {
		return unexpected(args[len(args)-1])
	}
	_, err := io.WriteString(p.stdout, text)
	return err
}

const manHelp = `hiveql man prints the manual page, in the language of man(7).

  hiveql man >/usr/local/share/man/man1/hiveql.1
`

// man runs hiveql man.
func (p *program) man(_ context.Context, args []string) error {
	switch {
	case len(args) == 0:
		_, err := io.WriteString(p.stdout, manPage())
		return err
	case args[0] == "-h" || args[0] == "--help":
		_, err := io.WriteString(p.stdout, manHelp)
		return err
	}
	return usagef("man: unexpected argument %q", args[0])
}

// manPage is the manual page: the flags of the program, and the help of each of its commands.
func manPage() string {
	var b strings.Builder
	before, _, _ := strings.Cut(help(), "\n  -e,")
	_, after, _ := strings.Cut(help(), "\nWhere the metastore")
	b.WriteString(".TH HIVEQL 1\n.SH NAME\nhiveql \\- run HiveQL over tables projected onto files\n.SH SYNOPSIS\n.nf\n")
	_, synopsis, _ := strings.Cut(before, "\n\n")
	b.WriteString(manLines(strings.TrimSuffix(synopsis, "\n")))
	b.WriteString(".fi\n.SH OPTIONS\n")
	flagSet(&options{}).VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR", manText(name))
		if value != "" {
			fmt.Fprintf(&b, " \\fI%s\\fR", manText(value))
		}
		b.WriteString("\n" + manLines(usage))
	})
	b.WriteString(".SH DESCRIPTION\n.nf\n" + manLines(strings.TrimSuffix("Where the metastore"+after, "\n")) + ".fi\n")
	for _, c := range subcommands() {
		if c.name != "help" {
			fmt.Fprintf(&b, ".SH %s\n.nf\n%s.fi\n", strings.ToUpper("hiveql "+c.name), manLines(strings.TrimSuffix(c.help(), "\n")))
		}
	}
	return b.String()
}

// manText is text of which nothing is taken for a request.
func manText(text string) string { return strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text) }

func manLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text + "\n") {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			b.WriteString(`\&`)
		}
		b.WriteString(manText(line))
	}
	return b.String()
}
