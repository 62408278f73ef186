package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// historyLimit is how many statements are kept.
const historyLimit = 2000

// history is what was typed, the oldest first. It is kept in a file, one statement a line; where
// that cannot be written it lasts as long as the shell. It is the terminal's term.History.
type history struct {
	path    string // "" without a file
	entries []string
}

// openHistory reads what earlier shells have left.
func openHistory(getenv func(string) string) *history {
	h := &history{}
	dir := getenv("XDG_DATA_HOME")
	if dir == "" {
		home := getenv("HOME")
		if home == "" {
			return h
		}
		dir = filepath.Join(home, ".local", "share")
	}
	h.path = filepath.Join(dir, "skep", "hiveql_history")
	f, err := os.Open(h.path)
	if err != nil {
		return h
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		h.entries = append(h.entries, lines.Text())
	}
	if extra := len(h.entries) - historyLimit; extra > historyLimit/2 {
		h.entries = h.entries[extra:]
		_ = os.WriteFile(h.path, []byte(strings.Join(h.entries, "\n")+"\n"), 0o600) // or it stays long
	}
	return h
}

var secretText = regexp.MustCompile(`(?i)(password|passwd|secret|token|credential|access[._-]?key)\S*\s*[=:]`)

// remember adds a statement. One that seems to hold a secret is not kept in the file.
func (h *history) remember(text string) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "\n") && !strings.Contains(text, "--") {
		text = strings.Join(strings.Fields(text), " ")
	}
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \r")
		if line == "" || len(h.entries) > 0 && h.entries[len(h.entries)-1] == line {
			continue
		}
		h.entries = append(h.entries, line)
		h.save(line)
	}
}

func (h *history) save(line string) {
	if h.path == "" || secretText.MatchString(line) {
		return
	}
	if os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(line + "\n") // a history that cannot be written is no reason to stop
	_ = f.Close()
}

// Add is called by the terminal with each line; whole statements are remembered instead.
func (h *history) Add(string) {}

// Len is the number of entries.
func (h *history) Len() int { return len(h.entries) }

// At is an entry; 0 is the newest.
func (h *history) At(i int) string { return h.entries[len(h.entries)-1-i] }
