package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const completionHelp = `hiveql completion prints a script with which a shell completes the commands and the flags of hiveql,
but not its statements, which the shell of hiveql itself does.

  source <(hiveql completion bash)                               or in ~/.bashrc
  hiveql completion zsh >~/.zfunc/_hiveql                        a directory in $fpath
  hiveql completion fish >~/.config/fish/completions/hiveql.fish
`

// completion runs hiveql completion.
func (p *program) completion(_ context.Context, args []string) error {
	fs := newFlags("completion")
	if help := fs.Parse(args) != nil; help || fs.NArg() == 0 {
		_, err := io.WriteString(p.stdout, completionHelp)
		return err
	}
	write, ok := map[string]func([]subcommand) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[fs.Arg(0)]
	switch {
	case !ok:
		return usagef("completion: there is none for %q; there are bash, zsh and fish", fs.Arg(0))
	case fs.NArg() > 1:
		return usagef("completion: unexpected argument %q", fs.Arg(1))
	}
	itself := subcommand{name: "*", flags: flagSet(&options{})} // last, where a case statement has what else there is
	_, err := io.WriteString(p.stdout, write(append(subcommands(), itself)))
	return err
}

// flagWords are the words that the value of a flag is one of, if there are any.
func flagWords(name string) string {
	switch name {
	case "outputformat":
		return strings.Join(formatNames(), " ")
	case "showHeader":
		return "true false"
	case "log-format":
		return "text json"
	}
	return ""
}

// flagsOf are the flags of a command that are told of, and --help.
func flagsOf(c subcommand) []*pflag.Flag {
	var all []*pflag.Flag
	if c.flags != nil {
		c.flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				all = append(all, f)
			}
		})
	}
	fs := newFlags("")
	fs.Bool("help", false, "print help")
	return append(all, fs.Lookup("help"))
}

func commandNames(all []subcommand) string {
	var names []string
	for _, c := range all[:len(all)-1] {
		names = append(names, c.name)
	}
	return strings.Join(names, " ")
}

// about is what there is to say of a flag, in a line.
func about(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	return strings.ReplaceAll(usage, "\n", " ")
}

func bashCompletion(all []subcommand) string {
	var values, flags, words strings.Builder
	done := map[string]bool{}
	for _, c := range all {
		var names []string
		for _, f := range flagsOf(c) {
			names = append(names, "--"+f.Name)
			if choice := flagWords(f.Name); choice != "" && !done[f.Name] {
				when := ""
				if f.NoOptDefVal != "" {
					when = "[[ $given == = ]] && "
				}
				fmt.Fprintf(&values, "    --%s) %swords='%s' ;;\n", f.Name, when, choice)
				done[f.Name] = true
			}
		}
		fmt.Fprintf(&flags, "      %s) words='%s' ;;\n", c.name, strings.Join(names, " "))
		if c.words != "" {
			fmt.Fprintf(&words, "      %s) words='%s' ;;\n", c.name, c.words)
		}
	}
	return "# bash completion of hiveql\n_hiveql() {\n" +
		"  local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} given= words=\n" +
		"  if [[ $cur == = ]]; then given==; cur=; elif [[ $flag == = ]]; then given==; flag=${COMP_WORDS[COMP_CWORD-2]}; fi\n" +
		"  case $flag in\n" + values.String() + "  esac\n" +
		"  if [[ -n $words ]]; then\n    :\n  elif [[ $COMP_CWORD == 1 && $cur != -* ]]; then\n    words='" + commandNames(all) + "'\n" +
		"  elif [[ $cur == -* ]]; then\n    case ${COMP_WORDS[1]} in\n" + flags.String() + "    esac\n" +
		"  elif [[ $COMP_CWORD == 2 ]]; then\n    case ${COMP_WORDS[1]} in\n" + words.String() + "    esac\n  fi\n" +
		"  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _hiveql hiveql\n"
}

func zshCompletion(all []subcommand) string {
	escape := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`, `'`, `'\''`)
	choice := func(words string) string {
		if words == "" {
			return "_files"
		}
		return "(" + words + ")"
	}
	var b strings.Builder
	b.WriteString("#compdef hiveql\n_hiveql() {\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    local -a commands\n    commands=(\n")
	for _, c := range all[:len(all)-1] {
		fmt.Fprintf(&b, "      '%s:%s'\n", c.name, escape.Replace(c.about))
	}
	b.WriteString("    )\n    _describe command commands\n    return\n  fi\n  case $words[2] in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "    %s) _arguments", c.name)
		for _, f := range flagsOf(c) {
			value, _ := pflag.UnquoteUsage(f)
			many, takes := "", ""
			if slices.Contains([]string{"stringArray", "name=value"}, f.Value.Type()) {
				many = "*"
			}
			switch words := flagWords(f.Name); {
			case f.NoOptDefVal == "":
				takes = ":" + escape.Replace(value) + ":" + choice(words)
			case words != "":
				takes = "::" + escape.Replace(value) + ":" + choice(words)
			}
			equals := map[bool]string{true: "="}[takes != ""]
			if strings.HasPrefix(takes, "::") {
				equals = "=-"
			}
			fmt.Fprintf(&b, " \\\n      '%s--%s%s[%s]%s'", many, f.Name, equals, escape.Replace(about(f)), takes)
		}
		fmt.Fprintf(&b, " \\\n      '2: :%s' '*: :_files' ;;\n", choice(c.words))
	}
	b.WriteString("  esac\n}\nif [[ $funcstack[1] == _hiveql ]]; then\n  _hiveql \"$@\"\nelse\n  compdef _hiveql hiveql\nfi\n")
	return b.String()
}

func fishCompletion(all []subcommand) string {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	b.WriteString("# fish completion of hiveql\n" +
		"function __hiveql_command\n  set -l words (commandline -opc)\n  contains -- \"$words[2]\" $argv\nend\n" +
		"function __hiveql_itself\n  set -l words (commandline -opc)\n  test (count $words) -lt 2; or string match -q -- '-*' $words[2]\nend\n" +
		"function __hiveql_argument\n  test (count (commandline -opc)) = $argv[1]\nend\n")
	for _, c := range all {
		when := "'__hiveql_command " + c.name + "'"
		if c.name == "*" {
			when = "__hiveql_itself"
		} else {
			fmt.Fprintf(&b, "complete -c hiveql -n '__hiveql_argument 1' -f -a %s -d '%s'\n", c.name, escape.Replace(c.about))
		}
		for _, f := range flagsOf(c) {
			short, takes := "", ""
			if f.Shorthand != "" {
				short = " -s " + f.Shorthand
			}
			switch words := flagWords(f.Name); {
			case words != "" && f.NoOptDefVal == "":
				takes = " -x -a '" + words + "'"
			case words != "":
				takes = " -f -a '" + words + "'"
			case f.NoOptDefVal == "":
				takes = " -r"
			}
			fmt.Fprintf(&b, "complete -c hiveql -n %s%s -l %s%s -d '%s'\n", when, short, f.Name, takes, escape.Replace(about(f)))
		}
		if c.words != "" {
			fmt.Fprintf(&b, "complete -c hiveql -n '__hiveql_command %s; and __hiveql_argument 2' -f -a '%s'\n", c.name, c.words)
		}
	}
	return b.String()
}
