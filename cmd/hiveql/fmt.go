package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/hiveql/syntax"
)

const fmtHelp = `hiveql fmt lays scripts out: reserved words in upper case, a clause a line where a statement
does not fit on one. Comments stay; statements that do not parse are left as they are.

  hiveql fmt FILE ...      print the scripts, laid out
  hiveql fmt               lay out what standard input holds
  hiveql fmt -w FILE ...   write them back
  hiveql fmt -l FILE ...   print the names of those that would change; exit code 1 if there are any
`

type fmtOptions struct{ write, list bool }

func (o *fmtOptions) flags() *pflag.FlagSet {
	fs := newFlags("fmt")
	fs.BoolVarP(&o.write, "write", "w", false, "write the scripts back")
	fs.BoolVarP(&o.list, "list", "l", false, "print the names of scripts that would change")
	return fs
}

// format runs hiveql fmt.
func (p *program) format(_ context.Context, args []string) error {
	var o fmtOptions
	fs := o.flags()
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			_, err = io.WriteString(p.stdout, fmtHelp)
			return err
		}
		return usagef("fmt: %v", err)
	}
	if len(fs.Args()) == 0 {
		if o.write || o.list {
			return usagef("fmt: -w and -l need files")
		}
		text, err := io.ReadAll(p.stdin)
		if err == nil {
			_, err = io.WriteString(p.stdout, syntax.FormatScript(string(text)))
		}
		return err
	}
	changed := false
	for _, name := range fs.Args() {
		differs, err := p.formatFile(name, o.write, o.list)
		if err != nil {
			return err
		}
		changed = changed || differs
	}
	if o.list && changed {
		return errReported
	}
	return nil
}

// formatFile lays one script out and reports whether that changes it.
func (p *program) formatFile(name string, write, list bool) (bool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return false, fmt.Errorf("cannot read the script: %w", err)
	}
	laid := syntax.FormatScript(string(text))
	differs := laid != string(text)
	if list && differs {
		fmt.Fprintln(p.stdout, name)
	}
	if write && differs {
		return true, replaceFile(name, laid)
	}
	if !write && !list {
		_, err = io.WriteString(p.stdout, laid)
	}
	return differs, err
}

// replaceFile writes a file such that it is the old or the new one at any moment.
func replaceFile(name, text string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	made := name + ".hiveql-fmt"
	if err := os.WriteFile(made, []byte(text), info.Mode().Perm()); err != nil {
		return err
	}
	if err := os.Rename(made, name); err != nil {
		_ = os.Remove(made)
		return err
	}
	return nil
}
