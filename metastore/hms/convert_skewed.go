package hms

import (
	"strings"

	"github.com/skepdata/skep/metastore"
)

// wireSkewed says in d what is known of skewed values.
func (d *storageDescriptor) wireSkewed(k *metastore.Skewed) {
	s := d.SkewedInfo
	s.SkewedColNames, s.SkewedColValues, d.StoredAsSubDirectories = k.Columns, k.Values, k.Directories
	for _, l := range k.Locations {
		s.Locations = append(s.Locations, skewedLocation{l.Values, l.Location})
	}
}

// storeSkewed reads what d says of skewed values, nil where there are no skewed columns, and what of
// it is not understood.
func storeSkewed(d *storageDescriptor) (*metastore.Skewed, *skewedInfo) {
	s := d.SkewedInfo
	if s == nil {
		return nil, nil
	}
	k := &metastore.Skewed{Values: s.SkewedColValues, Directories: d.StoredAsSubDirectories}
	for _, name := range s.SkewedColNames {
		k.Columns = append(k.Columns, strings.ToLower(name))
	}
	for _, l := range s.Locations {
		k.Locations = append(k.Locations, metastore.SkewedLocation{Values: l.Key, Location: l.Value})
	}
	if len(k.Columns) == 0 {
		k = nil
	}
	if len(s.Unknown) == 0 {
		return k, nil
	}
	return k, &skewedInfo{Unknown: s.Unknown}
}
