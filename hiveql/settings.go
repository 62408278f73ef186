package hiveql

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what SET sets and shows: settings (hiveconf), variables (hivevar) and system
// properties. The environment can be read only.
type settings struct {
	conf, vars, system map[string]string
	first              map[string]string // conf as the session began; RESET goes back to it
	defaults           map[string]string // those of the engine, which are not changed
	getenv             func(string) (string, bool)
}

// autogather is the setting that says whether INSERT keeps statistics of columns.
const autogather = "hive.stats.column.autogather"

// basicAutogather is the setting that says whether INSERT counts rows.
const basicAutogather = "hive.stats.autogather"

// Settings of our own.
const (
	nanos        = "skep.timestamp.nanos" // what becomes of digits behind microseconds: keep, cut, refuse
	trackFiles   = "skep.track.files"     // whether writes list their files in the metastore
	writeLease   = "skep.write.lease"     // how long after its last sign of life a process elsewhere counts as dead
	vacuumGrace  = "skep.vacuum.grace"    // how long replaced files are kept, as 500ms, 10m or 24h
	stagingSize  = "skep.staging.limit"   // how much files take on the local disk that are being written, as 1GiB
	verifyWhole  = "skep.verify.whole"    // whether far Parquet files without sums are compared before they are used
	verifyRanges = "skep.verify.ranges"   // whether parts of far files that have no sums are confirmed before they are used
	listingTTL   = "skep.listing.ttl"     // how long a listing of a table that is not managed is good
)

// isTrue reports whether a setting is true.
func (s *settings) isTrue(name string) bool {
	v, _ := s.get(name)
	return strings.EqualFold(v, "true")
}

func wantDuration(v string) error {
	if d, err := time.ParseDuration(v); err != nil || d < 0 {
		return fmt.Errorf("expects a duration such as 500ms, 10m or 0s, not %s", v)
	}
	return nil
}

// shortestLease is the shortest time that signs of life can be good for.
const shortestLease = 10 * time.Second

func wantLease(v string) error {
	if d, err := time.ParseDuration(v); err != nil || d < shortestLease {
		return fmt.Errorf("expects a duration of at least %v such as 5m, not %s", shortestLease, v)
	}
	return nil
}

func newSettings(conf, vars, defaults map[string]string, getenv func(string) (string, bool)) *settings {
	s := &settings{
		conf: map[string]string{}, vars: map[string]string{}, first: map[string]string{},
		system: map[string]string{}, defaults: defaults, getenv: getenv,
	}
	maps.Copy(s.first, conf)
	maps.Copy(s.conf, conf)
	maps.Copy(s.vars, vars)
	for name, env := range map[string]string{
		"user.name": "USER", "user.home": "HOME", "user.dir": "PWD", "java.io.tmpdir": "TMPDIR",
	} {
		if v, ok := getenv(env); ok {
			s.system[name] = v
		}
	}
	return s
}

// The kinds of names that SET and ${...} know, by their prefix.
const (
	envPrefix    = "env:"
	systemPrefix = "system:"
	confPrefix   = "hiveconf:"
	varPrefix    = "hivevar:"
	metaPrefix   = "metaconf:"
)

// get looks a name up as SET name does: without a prefix it is a setting.
func (s *settings) get(name string) (string, bool) {
	if v, ok, prefixed := s.prefixed(name); prefixed {
		return v, ok
	}
	if v, ok := s.conf[name]; ok {
		return v, true
	}
	v, ok := s.defaults[name]
	return v, ok
}

func (s *settings) prefixed(name string) (value string, ok, prefixed bool) {
	kind, rest, found := strings.Cut(name, ":")
	if !found {
		return "", false, false
	}
	switch kind + ":" {
	case envPrefix:
		value, ok = s.getenv(rest)
	case systemPrefix:
		value, ok = s.system[rest]
	case confPrefix, metaPrefix:
		value, ok = s.get(rest)
	case varPrefix:
		value, ok = s.vars[rest]
	default:
		return "", false, false
	}
	return value, ok, true
}

// set assigns a name as SET name=value does.
func (s *settings) set(name, value string) error {
	kind, rest, found := strings.Cut(name, ":")
	if !found {
		return s.setConf(name, value)
	}
	switch kind + ":" {
	case envPrefix:
		return errors.New("env:* variables can not be set")
	case systemPrefix:
		s.system[rest] = value
	case varPrefix:
		s.vars[rest] = value
	case confPrefix, metaPrefix:
		return s.setConf(rest, value)
	default:
		return s.setConf(name, value)
	}
	return nil
}

func wantZone(v string) error {
	if v == "" || strings.EqualFold(v, "LOCAL") {
		return nil
	}
	if _, err := time.LoadLocation(v); err != nil {
		return fmt.Errorf("expects LOCAL or the name of a time zone such as Europe/Berlin, not %s", v)
	}
	return nil
}

// checks are for the settings of which a wrong value would otherwise go unnoticed.
func checks() map[string]func(string) error {
	return map[string]func(string) error{
		"hive.exec.dynamic.partition":        wantBool,
		"hive.local.time.zone":               wantZone,
		"hive.exec.compress.output":          wantBool,
		"hive.cli.errors.ignore":             wantBool,
		"hive.cli.print.header":              wantBool,
		"hive.exec.max.dynamic.partitions":   wantNumber,
		"hive.parquet.write.int64.timestamp": wantBool,
		"hive.parquet.timestamp.time.unit": func(v string) error {
			if !slices.Contains([]string{"nanos", "micros", "millis"}, strings.ToLower(v)) {
				return errors.New("expects one of [nanos, micros, millis]")
			}
			return nil
		},
		memoryLimit:  wantSize,
		stagingSize:  wantRoom,
		threadsLimit: wantThreads,
		trackFiles:   wantBool,
		verifyWhole:  wantBool,
		verifyRanges: wantBool,
		vacuumGrace:  wantDuration,
		writeLease:   wantLease,
		listingTTL:   wantDuration,
		mergeSize:    wantBytes,
		"hive.datetime.formatter": func(v string) error {
			if !strings.EqualFold(v, "datetime") && !strings.EqualFold(v, "simple") {
				return errors.New("expects one of [DATETIME, SIMPLE]")
			}
			return nil
		},
		nanos: func(v string) error {
			if !slices.Contains([]string{"keep", "cut", "refuse"}, strings.ToLower(v)) {
				return errors.New("expects one of [keep, cut, refuse]")
			}
			return nil
		},
		"hive.exec.dynamic.partition.mode": func(v string) error {
			if !strings.EqualFold(v, "strict") && !strings.EqualFold(v, "nonstrict") {
				return errors.New("expects one of [strict, nonstrict]")
			}
			return nil
		},
	}
}

// keepsNanos reports whether timestamps keep their nanoseconds where that is possible.
func (s *Session) keepsNanos() bool { return !strings.EqualFold(s.Setting(nanos), "cut") }

// refusesNanos reports whether timestamps with digits behind the microseconds are errors.
func (s *Session) refusesNanos() bool { return strings.EqualFold(s.Setting(nanos), "refuse") }

func wantBool(v string) error {
	if !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
		return errors.New("expects BOOLEAN type value")
	}
	return nil
}

func wantNumber(v string) error {
	if _, err := strconv.Atoi(v); err != nil {
		return errors.New("expects INT type value")
	}
	return nil
}

func wantBytes(v string) error {
	if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 1 {
		return fmt.Errorf("expects a number of bytes above 0, not %s", v)
	}
	return nil
}

func (s *settings) setConf(key, value string) error {
	if key == "" {
		return errors.New("a setting needs a name: SET name=value")
	}
	if err := CheckSetting(key, value); err != nil {
		return err
	}
	s.conf[key] = value
	return nil
}

// CheckSetting is the error that SET key=value would give: the setting cannot have this value.
func CheckSetting(key, value string) error {
	if check, ok := checks()[key]; ok {
		if err := check(value); err != nil {
			return fmt.Errorf("'SET %s=%s' FAILED because %s %w", key, redacted(key, value), key, err)
		}
	}
	return nil
}

// reset undoes SET, for some keys or for all.
func (s *settings) reset(keys ...string) {
	if len(keys) == 0 {
		s.conf = maps.Clone(s.first)
		return
	}
	for _, k := range keys {
		if k == "-d" { // RESET -d key: to the default of the system
			continue
		}
		if v, ok := s.first[k]; ok {
			s.conf[k] = v
		} else {
			delete(s.conf, k)
		}
	}
}

// names are the names of all settings and variables.
func (s *settings) names() []string {
	var names []string
	for _, l := range s.lines() {
		name, _, _ := strings.Cut(l, "=")
		names = append(names, name)
	}
	return names
}

// lines are all settings as SET prints them, in order.
func (s *settings) lines() []string {
	all := maps.Clone(s.defaults)
	maps.Copy(all, s.conf)
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, k+"="+redacted(k, all[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(s.vars)) {
		lines = append(lines, varPrefix+k+"="+redacted(k, s.vars[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(s.system)) {
		lines = append(lines, systemPrefix+k+"="+redacted(k, s.system[k]))
	}
	return lines
}

var secretName = regexp.MustCompile(`(?i)password|passwd|secret|token|credential|access[._-]?key`)

// redacted hides the value of a name that sounds like a secret.
func redacted(key, value string) string {
	if value != "" && secretName.MatchString(key) {
		return "***"
	}
	return value
}

var variable = regexp.MustCompile(`\$\{[^}$ ]+\}`)

// maxSubstitutions bounds how often the text of variables is itself searched for variables.
const maxSubstitutions = 40

// substitute replaces ${hivevar:x}, ${hiveconf:x}, ${env:X}, ${system:x} and ${x}, which is a
// hivevar. What is not defined stays as it is.
func (s *settings) substitute(text string) (string, error) {
	if !strings.Contains(text, "${") || strings.EqualFold(s.conf["hive.variable.substitute"], "false") {
		return text, nil
	}
	for range maxSubstitutions {
		changed := false
		text = variable.ReplaceAllStringFunc(text, func(m string) string {
			name := m[2 : len(m)-1]
			v, ok, prefixed := s.prefixed(name)
			if !prefixed {
				v, ok = s.vars[name]
			}
			if !ok || v == m {
				return m
			}
			changed = true
			return v
		})
		if !changed {
			return text, nil
		}
	}
	return "", fmt.Errorf("variables refer to each other more than %d levels deep", maxSubstitutions)
}
