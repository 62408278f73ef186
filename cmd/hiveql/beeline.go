package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/syntax"
)

// beelineCommand is one of the !commands that users of Beeline type.
type beelineCommand struct {
	name, usage string
	run         func(ctx context.Context, c *client, args string) error
}

// beelineCommands are the commands, in the order of !help.
func beelineCommands() []beelineCommand {
	statement := func(format string) func(context.Context, *client, string) error {
		return func(ctx context.Context, c *client, args string) error {
			if strings.Contains(format, "%s") {
				if args == "" {
					return fmt.Errorf("it needs a name, as in !describe t")
				}
				return c.nested(ctx, fmt.Sprintf(format, args))
			}
			return c.nested(ctx, format)
		}
	}
	quit := func(context.Context, *client, string) error { return errQuit }
	return []beelineCommand{
		{"columns", "columns TABLE: the columns of a table", statement("DESCRIBE %s")},
		{"describe", "describe TABLE: the columns of a table", statement("DESCRIBE %s")},
		{"exit", "exit: leave", quit},
		{"help", "help: this text", func(_ context.Context, c *client, _ string) error { return c.printHelp() }},
		{"history", "history: what was typed", func(_ context.Context, c *client, _ string) error { return c.printHistory() }},
		{"indexes", "indexes TABLE: none, Hive has no indexes any more", func(context.Context, *client, string) error { return nil }},
		{"outputformat", "outputformat FORMAT: " + strings.Join(formatNames(), ", "), chooseOutput},
		{"primarykeys", "primarykeys TABLE: the table with its constraints", statement("DESCRIBE FORMATTED %s")},
		{"quit", "quit: leave", quit},
		{"run", "run FILE: run a script", func(ctx context.Context, c *client, args string) error { return c.source(ctx, args) }},
		{"script", "script FILE: run a script", func(ctx context.Context, c *client, args string) error { return c.source(ctx, args) }},
		{"set", "set: the settings", statement("SET")},
		{"sh", "sh COMMAND: run a command of the system; needs --allow-shell", func(ctx context.Context, c *client, args string) error {
			return c.system(ctx, args)
		}},
		{"sql", "sql STATEMENT: run a statement", statement("%s")},
		{"tables", "tables: the tables of the current database", statement("SHOW TABLES")},
		{"verbose", "verbose: print statements before they run, or not", func(_ context.Context, c *client, _ string) error {
			c.o.verbose = !c.o.verbose
			return nil
		}},
	}
}

// meaningless are commands of Beeline that are about connections and transactions of JDBC.
func meaningless(name string) bool {
	return slices.Contains([]string{"addlocaldriverjar", "addlocaldrivername", "all", "autocommit", "batch", "brief", "call",
		"close", "closeall", "commit", "connect", "dbinfo", "delimiter", "dropall", "exportedkeys", "go", "importedkeys",
		"isolation", "list", "manual", "metadata", "nativesql", "nullemptystring", "procedures", "properties", "reconnect",
		"record", "rehash", "rollback", "save", "scan", "typeinfo"}, name)
}

// bang runs a line that begins with !: a command of Beeline's, or as in the Hive CLI one of the
// system.
func (c *client) bang(ctx context.Context, n *syntax.ShellCommand) error {
	name, args, _ := strings.Cut(strings.TrimSpace(n.Args), " ")
	args = strings.TrimSpace(args)
	for _, b := range beelineCommands() {
		if b.name == name {
			if err := b.run(ctx, c, args); err != nil {
				return c.commandError(n, "!"+name, err)
			}
			return nil
		}
	}
	if meaningless(name) {
		return c.commandError(n, "!"+name, fmt.Errorf("there is no connection here that it could be about"))
	}
	if err := c.system(ctx, n.Args); err != nil {
		return c.commandError(n, "!"+name, err)
	}
	return nil
}

// commandError is an error of a command as one of its statement.
func (c *client) commandError(n syntax.Node, name string, err error) error {
	if isReported(err) {
		return err
	}
	return &hiveql.Error{Phase: hiveql.Execution, Code: 1, SQLState: "08S01", Msg: name + ": " + err.Error(), Pos: n.Pos(), Err: err}
}

// nested runs statements on behalf of a command.
func (c *client) nested(ctx context.Context, text string) error { return c.script(ctx, text, "") }

func (c *client) printHelp() error {
	var b strings.Builder
	b.WriteString("Statements end with ';' and may be of several lines. Tab completes, Ctrl-C cancels.\n")
	for _, cmd := range beelineCommands() {
		b.WriteString("  !" + cmd.usage + "\n")
	}
	b.WriteString("  dfs -ls PATH, source FILE, set NAME=VALUE and reset are as in the Hive CLI\n")
	_, err := c.out.WriteString(b.String())
	return err
}

func (c *client) printHistory() error {
	if c.typedBefore == nil {
		return nil
	}
	for i, line := range c.typedBefore.entries {
		if _, err := fmt.Fprintf(c.out, "%d: %s\n", i+1, line); err != nil {
			return err
		}
	}
	return nil
}

func chooseOutput(_ context.Context, c *client, format string) error {
	if !slices.Contains(formatNames(), format) {
		return fmt.Errorf("unknown output format %q; use one of %s", format, strings.Join(formatNames(), ", "))
	}
	c.format = format
	if !c.o.headerGiven {
		c.header = format != "raw"
	}
	return nil
}

// system runs a command of the system, if that is allowed.
func (c *client) system(ctx context.Context, command string) error {
	if !c.o.allowShell {
		return fmt.Errorf("commands of the system are not allowed; start hiveql with --allow-shell")
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Stdout, cmd.Stderr = c.p.stdout, c.p.stderr
	return cmd.Run()
}
