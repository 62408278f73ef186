package hms

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// locationsField is skewedColValueLocationMaps of SkewedInfo: map<list<string>, string>. No map of
// Go has lists for keys, so it is read and written as a field that is not known.
const locationsField = 3

// wireSkewed says in d what is known of skewed values.
func (d *storageDescriptor) wireSkewed(k *metastore.Skewed) {
	s := d.SkewedInfo
	s.SkewedColNames, s.SkewedColValues, d.StoredAsSubDirectories = k.Columns, k.Values, k.Directories
	if len(k.Locations) == 0 {
		return
	}
	m := thrift.Entries{Key: thrift.List, Value: thrift.String}
	for _, l := range k.Locations {
		key := thrift.Items{Type: thrift.String}
		for _, v := range l.Values {
			key.Values = append(key.Values, []byte(v))
		}
		m.Pairs = append(m.Pairs, thrift.Entry{Key: key, Value: []byte(l.Location)})
	}
	s.Unknown = append(s.Unknown, thrift.Field{ID: locationsField, Type: thrift.Map, Value: m})
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
	rest := slices.DeleteFunc(slices.Clone(s.Unknown), func(f thrift.Field) bool {
		m, ok := f.Value.(thrift.Entries)
		if f.ID != locationsField || !ok {
			return false
		}
		for _, e := range m.Pairs {
			key, _ := e.Key.(thrift.Items)
			location, _ := e.Value.([]byte)
			l := metastore.SkewedLocation{Location: string(location)}
			for _, v := range key.Values {
				text, _ := v.([]byte)
				l.Values = append(l.Values, string(text))
			}
			k.Locations = append(k.Locations, l)
		}
		return true
	})
	if len(k.Columns) == 0 {
		k = nil
	}
	if len(rest) == 0 {
		return k, nil
	}
	return k, &skewedInfo{Unknown: rest}
}
