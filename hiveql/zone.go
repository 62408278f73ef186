package hiveql

import (
	"os"
	"strings"
	"time"
)

// LocalZone is the zone of the machine under its name, which time.Local does not tell, where it
// can be found out.
func LocalZone() *time.Location {
	name, ok := os.LookupEnv("TZ")
	if link, err := os.Readlink("/etc/localtime"); !ok && err == nil {
		_, name, _ = strings.Cut(link, "zoneinfo/")
	}
	if loc, err := time.LoadLocation(strings.TrimPrefix(name, ":")); err == nil && (ok || name != "") {
		return loc
	}
	return time.Local
}
