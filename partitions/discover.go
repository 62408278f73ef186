package partitions

import (
	"errors"
	"iter"
	"strings"
)

// Found is a directory that Discover came across.
type Found struct {
	Dir    string // below the table's directory, as it is spelled there, without a slash at the end
	Values Values // nil if Err is not
	// Err says why the directory cannot be a partition of the table. It does not end the
	// discovery.
	Err error
}

// Hidden reports whether a path below a table's directory is not data: a file or directory
// whose name begins with _ or a dot, or anything inside one. Directories of a partition key
// whose name begins with _ are not hidden: _date=2024-01-01/part-0.
func Hidden(path string) bool {
	for path != "" {
		segment, rest, isDir := strings.Cut(path, "/")
		isKey := isDir && strings.Contains(segment, "=")
		if strings.HasPrefix(segment, ".") || (strings.HasPrefix(segment, "_") && !isKey) {
			return true
		}
		path = rest
	}
	return false
}

// Discover finds the partitions of a table with these keys among the names of the objects below
// its directory, which must come in byte order. It yields every directory once, as soon as its
// first object is seen, and keeps nothing in memory. Hidden objects do not count, but a name
// that ends in a slash, as some tools leave for an empty directory, does. What stands where a
// partition is expected and is none is yielded with Found.Err, once for each directory, and so
// are files outside of any partition. An error of the sequence is yielded and ends it.
func Discover(keys Keys, objects iter.Seq2[string, error]) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		last := "/" // no directory is called so
		for name, err := range objects {
			if err != nil {
				yield(Found{}, err)
				return
			}
			if Hidden(name) {
				continue
			}
			found, ok := keys.find(name)
			if !ok || found.Dir == last {
				continue
			}
			last = found.Dir
			if !yield(found, nil) {
				return
			}
		}
	}
}

// find is the partition, or the wrong directory, that an object lies in. It is false for the
// marker of a directory above the partitions.
func (k Keys) find(object string) (Found, bool) {
	var f Found
	rest := object
	for _, key := range k {
		segment, below, isDir := strings.Cut(rest, "/")
		if segment == "" && below == "" {
			return Found{}, false
		}
		f.Dir = object[:len(object)-len(rest)+len(segment)]
		value, err := key.parseField(segment)
		if err == nil && !isDir {
			err = errFile
		}
		if err != nil {
			return Found{Dir: f.Dir, Err: err}, true
		}
		f.Values = append(f.Values, value)
		rest = below
	}
	return f, f.Dir != ""
}

var errFile = errors.New("a file where the directory of a partition was expected")
