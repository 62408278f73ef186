package copier

import "slices"

// takenNames are those that outputs must not have: other outputs of the job do, or files of a source in the
// same place. Of those files there may be many, so only hashes are kept, in 8 bytes each; that one is like
// that of another name would make an output take a further index, and no more.
type takenNames struct {
	outputs map[string]bool
	sources []uint64
	sorted  bool
}

func (n *takenNames) addSource(name string) { n.sources = append(n.sources, hashText(fnvBasis, name)) }

func (n *takenNames) has(name string) bool {
	if n.outputs[name] {
		return true
	}
	if !n.sorted {
		slices.Sort(n.sources)
		n.sorted = true
	}
	_, found := slices.BinarySearch(n.sources, hashText(fnvBasis, name))
	return found
}
