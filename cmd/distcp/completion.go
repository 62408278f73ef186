package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// verbNames are those of all verbs but the copy, which has none.
func verbNames(verbs []verbHelp) string {
	var names []string
	for _, v := range verbs[1:] {
		names = append(names, v.name)
	}
	return strings.Join(names, " ")
}

// byName has the copy last, where a case statement has what else there is.
func byName(verbs []verbHelp) []verbHelp { return append(slices.Clone(verbs[1:]), verbs[0]) }

func bashCompletion(verbs []verbHelp) string {
	var b strings.Builder
	b.WriteString("# bash completion of distcp\n_distcp() {\n" +
		"  local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} given= words=\n" +
		"  if [[ $cur == = ]]; then given==; cur=; elif [[ $flag == = ]]; then given==; flag=${COMP_WORDS[COMP_CWORD-2]}; fi\n" +
		"  case $flag in\n")
	values := flagWords()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		when := ""
		if optionalValues(verbs)[name] {
			when = "[[ $given == = ]] && "
		}
		fmt.Fprintf(&b, "    --%s) %swords='%s' ;;\n", name, when, values[name])
	}
	b.WriteString("  esac\n  if [[ -n $words ]]; then\n    :\n  elif [[ $COMP_CWORD == 1 && $cur != -* ]]; then\n")
	fmt.Fprintf(&b, "    words='%s'\n  elif [[ $cur == -* ]]; then\n    case ${COMP_WORDS[1]} in\n", verbNames(verbs))
	for _, v := range byName(verbs) {
		var flags []string
		for _, f := range v.flags {
			flags = append(flags, "--"+f.Name)
		}
		fmt.Fprintf(&b, "      %s) words='%s' ;;\n", orElse(v.name, "*"), strings.Join(append(flags, "--help"), " "))
	}
	b.WriteString("    esac\n  elif [[ $COMP_CWORD == 2 ]]; then\n    case ${COMP_WORDS[1]} in\n")
	firsts := verbWords(verbs)
	for _, name := range slices.Sorted(maps.Keys(firsts)) {
		fmt.Fprintf(&b, "      %s) words='%s' ;;\n", name, firsts[name])
	}
	b.WriteString("      limit) words=$(" + jobNames + ") ;;\n    esac\n" +
		"  elif [[ $COMP_CWORD == 3 && ${COMP_WORDS[1]} == jobs ]]; then\n    words=$(" + jobNames + ")\n  fi\n" +
		"  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _distcp distcp\n")
	return b.String()
}

func zshCompletion(verbs []verbHelp) string {
	escape := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`, `'`, `'\''`)
	var b strings.Builder
	firsts := verbWords(verbs)
	b.WriteString("#compdef distcp\n_distcp_jobs() {\n  local -a names\n  names=(${(f)\"$(" + jobNames + ")\"})\n  compadd -a names\n}\n" +
		"_distcp() {\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    local -a verbs\n    verbs=(\n")
	for _, v := range verbs[1:] {
		fmt.Fprintf(&b, "      '%s:%s'\n", v.name, escape.Replace(v.about))
	}
	b.WriteString("    )\n    _describe command verbs\n    return\n  fi\n  case $words[2] in\n")
	for _, v := range byName(verbs) {
		fmt.Fprintf(&b, "    %s) _arguments", orElse(v.name, "*"))
		for _, f := range v.flags {
			fmt.Fprintf(&b, " \\\n      '%s'", zshFlag(f, escape))
		}
		second, rest := zshWords(firsts[v.name]), "_files"
		if v.name == "limit" {
			second = "_distcp_jobs"
		}
		if v.name == "jobs" {
			rest = "_distcp_jobs"
		}
		fmt.Fprintf(&b, " \\\n      '--help[print help]' '2: :%s' '*: :%s' ;;\n", second, rest)
	}
	b.WriteString("  esac\n}\n" +
		"if [[ $funcstack[1] == _distcp ]]; then\n  _distcp \"$@\"\nelse\n  compdef _distcp distcp\nfi\n")
	return b.String()
}

// zshFlag is what _arguments has to know of a flag.
func zshFlag(f *pflag.Flag, escape *strings.Replacer) string {
	value, usage := pflag.UnquoteUsage(f)
	about, words := "["+escape.Replace(usage)+"]", zshWords(flagWords()[f.Name])
	spec := "--" + f.Name + about
	switch {
	case f.NoOptDefVal == "":
		spec = "--" + f.Name + "=" + about + ":" + escape.Replace(value) + ":" + words
	case flagWords()[f.Name] != "":
		spec = "--" + f.Name + "=-" + about + "::" + escape.Replace(value) + ":" + words
	}
	if strings.HasSuffix(f.Value.Type(), "Array") {
		spec = "*" + spec
	}
	return spec
}

// zshWords is what zsh completes by: words, or the names of files where there are none.
func zshWords(words string) string {
	if words == "" {
		return "_files"
	}
	return "(" + strings.ReplaceAll(words, ":", `\:`) + ")"
}

func fishCompletion(verbs []verbHelp) string {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	values := flagWords()
	b.WriteString("# fish completion of distcp\n" +
		"function __distcp_verb\n  set -l words (commandline -opc)\n  contains -- \"$words[2]\" $argv\nend\n" +
		"function __distcp_copy\n  set -l words (commandline -opc)\n  test (count $words) -lt 2; or string match -q -- '-*' $words[2]\nend\n" +
		"function __distcp_argument\n  test (count (commandline -opc)) = $argv[1]\nend\n")
	for _, v := range verbs[1:] {
		fmt.Fprintf(&b, "complete -c distcp -n '__distcp_argument 1' -f -a %s -d '%s'\n", v.name, escape.Replace(v.about))
	}
	for _, v := range verbs {
		when := "'__distcp_verb " + v.name + "'"
		if v.name == "" {
			when = "__distcp_copy"
		}
		for _, f := range v.flags {
			_, usage := pflag.UnquoteUsage(f)
			short, need := "", ""
			if f.Shorthand != "" {
				short = " -s " + f.Shorthand
			}
			switch {
			case f.NoOptDefVal == "" && values[f.Name] != "":
				need = " -x -a '" + values[f.Name] + "'"
			case values[f.Name] != "":
				need = " -f -a '" + values[f.Name] + "'"
			case f.NoOptDefVal == "":
				need = " -r"
			}
			fmt.Fprintf(&b, "complete -c distcp -n %s%s -l %s%s -d '%s'\n", when, short, f.Name, need, escape.Replace(usage))
		}
	}
	firsts := verbWords(verbs)
	for _, name := range slices.Sorted(maps.Keys(firsts)) {
		fmt.Fprintf(&b, "complete -c distcp -n '__distcp_verb %s; and __distcp_argument 2' -f -a '%s'\n", name, firsts[name])
	}
	names := strings.ReplaceAll(jobNames, "'", `\'`)
	fmt.Fprintf(&b, "complete -c distcp -n '__distcp_verb limit; and __distcp_argument 2' -f -a '(%s)'\n", names)
	fmt.Fprintf(&b, "complete -c distcp -n '__distcp_verb jobs; and __distcp_argument 3' -f -a '(%s)'\n", names)
	return b.String()
}

// optionalValues are the flags whose values, if they have any, stand behind an equals sign.
func optionalValues(verbs []verbHelp) map[string]bool {
	names := map[string]bool{}
	for _, v := range verbs {
		for _, f := range v.flags {
			if f.NoOptDefVal != "" {
				names[f.Name] = true
			}
		}
	}
	return names
}
