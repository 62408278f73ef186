package main

import (
	"fmt"
	"strings"
)

// step is one block of the tour: remarks, then a command or a statement, then what it should
// print.
type step struct {
	line    int // of tour.txt
	remarks []string
	sql     bool
	text    string
	want    []string // lines "= ...": the whole of standard output
	holds   []string // lines "~ ...": texts that standard output contains
}

// parseTour reads tour.txt: blocks separated by empty lines, whose lines begin with "# " for a
// remark, "$ " for a shell command, "= " and "~ " for what is expected; other lines are HiveQL.
func parseTour(text string) ([]step, error) {
	var steps []step
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] == "" {
			continue
		}
		s := step{line: i + 1}
		for ; i < len(lines) && lines[i] != ""; i++ {
			s.add(lines[i])
		}
		if s.text == "" && len(s.want)+len(s.holds) > 0 {
			return nil, fmt.Errorf("tour.txt:%d: a result without a command", s.line)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func (s *step) add(line string) {
	switch {
	case strings.HasPrefix(line, "# "):
		s.remarks = append(s.remarks, line[2:])
	case strings.HasPrefix(line, "$ "):
		s.text = line[2:]
	case strings.HasPrefix(line, "= "):
		s.want = append(s.want, line[2:])
	case strings.HasPrefix(line, "~ "):
		s.holds = append(s.holds, line[2:])
	default:
		s.sql = true
		s.text = strings.TrimPrefix(s.text+"\n"+line, "\n")
	}
}

// check compares what a step printed with what it should have printed.
func (s step) check(stdout string) error {
	if s.want != nil {
		if want := strings.Join(s.want, "\n") + "\n"; stdout != want {
			return fmt.Errorf("tour.txt:%d: wrong result\ngot:\n%swant:\n%s", s.line, stdout, want)
		}
	}
	for _, h := range s.holds {
		if !strings.Contains(stdout, h) {
			return fmt.Errorf("tour.txt:%d: the result does not contain %q:\n%s", s.line, h, stdout)
		}
	}
	return nil
}
