package hms

import (
	"regexp"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// catalog is the only one there is.
const catalog = "hive"

// database reads the name of a database as clients write it: db, @hive#db, or @hive# for any
// database. !, after the catalog, is what Hive 3 writes for the empty name.
func databaseName(name string) (string, error) {
	rest, ok := strings.CutPrefix(name, "@")
	if !ok {
		return strings.ToLower(name), nil
	}
	cat, db, ok := strings.Cut(rest, "#")
	if !ok {
		return "", metaf("%s is prepended with the catalog marker but does not appear to have a catalog name in it", name)
	}
	if err := knownCatalog(cat); err != nil {
		return "", err
	}
	if db == "!" {
		db = ""
	}
	return strings.ToLower(db), nil
}

// knownCatalog accepts the catalog, and none.
func knownCatalog(name string) error {
	if name == "" || strings.EqualFold(name, catalog) || strings.EqualFold(name, "spark_catalog") {
		return nil
	}
	return &noSuchObject{"No catalog " + name}
}

func tableName(db, name string) (metastore.TableName, error) {
	database, err := databaseName(db)
	return metastore.TableName{Database: database, Name: strings.ToLower(name)}, err
}

// pattern decides which names a client asks for: * is any text, | separates alternatives, and
// the rest is a regular expression, as Hive's server treats it.
type pattern struct{ alternatives []*regexp.Regexp }

// newPattern reads a pattern; an empty one, and .*, match everything.
func newPattern(text string) (pattern, error) {
	var p pattern
	if text == "" || text == "*" || text == ".*" {
		return p, nil
	}
	for alternative := range strings.SplitSeq(text, "|") {
		expr := strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(alternative), ".*", "*"), "*", ".*")
		re, err := regexp.Compile("(?i)^(?:" + expr + ")$")
		if err != nil {
			return p, metaf("the pattern %q is not understood: %v", text, err)
		}
		p.alternatives = append(p.alternatives, re)
	}
	return p, nil
}

// simple is the pattern of package metastore that is no narrower, for stores to list by.
func simple(text string) string {
	if strings.ContainsAny(strings.ReplaceAll(text, ".*", "*"), `.[](){}\+?^$`) {
		return ""
	}
	return strings.ReplaceAll(text, ".*", "*")
}

func (p pattern) match(name string) bool {
	for _, re := range p.alternatives {
		if re.MatchString(name) {
			return true
		}
	}
	return len(p.alternatives) == 0
}

func (p pattern) filter(names []string) []string {
	kept := []string{}
	for _, name := range names {
		if p.match(name) {
			kept = append(kept, name)
		}
	}
	return kept
}
