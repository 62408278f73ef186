package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// file is a skep.toml that was read: its settings as text, by name.
type file struct {
	path   string
	text   string
	values map[string]string
}

// readFile reads the skep.toml of src. Without one the result is empty.
func readFile(src Source) (*file, error) {
	path, named := src.File, "--config"
	if path == "" {
		path, named = src.Getenv("SKEP_CONFIG"), "SKEP_CONFIG"
	}
	if path == "" {
		dir, err := xdgDir(src.Getenv, "XDG_CONFIG_HOME", ".config")
		if err != nil {
			return &file{}, nil // no home, so no file in it
		}
		path, named = filepath.Join(dir, "skep", "skep.toml"), ""
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && named == "":
		return &file{}, nil
	case err != nil && named != "":
		return nil, fmt.Errorf("configuration file of %s: %w", named, err)
	case err != nil:
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return parseFile(path, string(text))
}

func parseFile(path, text string) (*file, error) {
	f := &file{path: path, text: text, values: map[string]string{}}
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		var p toml.ParseError
		if errors.As(err, &p) {
			// Only the message: the error's own text quotes the line, secrets and all.
			return nil, fmt.Errorf("%s:%d: %s", path, p.Position.Line, p.Message)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, f.flatten("", tree)
}

// flatten notes the settings of a table, in the order of their names, and reports the first
// that is not known or is of the wrong kind.
func (f *file) flatten(prefix string, table map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(table)) {
		name := prefix + key
		if inner, ok := table[key].(map[string]any); ok && name == "s3" {
			if err := f.flatten("s3.", inner); err != nil {
				return err
			}
			continue
		}
		if _, ok := settings[name]; !ok {
			return fmt.Errorf("%s: unknown setting %q; known are %s", f.at(name), name, strings.Join(known(), ", "))
		}
		text, ok := asText(table[key])
		if !ok {
			return fmt.Errorf("%s: %s has a value of the wrong kind", f.at(name), name)
		}
		f.values[name] = text
	}
	return nil
}

func known() []string { return slices.Sorted(maps.Keys(settings)) }

// asText is a value as it would be written in an environment variable.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		return strconv.FormatBool(v), true
	case []any:
		var list []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return "", false
			}
			list = append(list, text)
		}
		return strings.Join(list, ","), true
	}
	return "", false
}

func (f *file) find(name string) value {
	return value{name, f.values[name], f.at(name)}
}

// at is the place of a setting: file:line, or the file alone where the line is not plain to
// see, as with inline tables.
func (f *file) at(name string) string {
	table := ""
	for i, line := range strings.Split(f.text, "\n") {
		line = strings.TrimSpace(line)
		if header, ok := strings.CutPrefix(line, "["); ok {
			header, _, _ = strings.Cut(header, "]")
			table = strings.Trim(plain(header), "[]") + "."
			if strings.TrimSuffix(table, ".") == name {
				return fmt.Sprintf("%s:%d", f.path, i+1)
			}
			continue
		}
		if key, _, ok := strings.Cut(line, "="); ok && table+plain(key) == name {
			return fmt.Sprintf("%s:%d", f.path, i+1)
		}
	}
	return f.path
}

// plain is a key without its quotes and spaces.
func plain(key string) string {
	return strings.NewReplacer(" ", "", "\t", "", `"`, "", "'", "").Replace(key)
}
