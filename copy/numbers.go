package copier

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
)

// numbering finds outputs that numbers in front of their names give one name: 1 before "2a" and 12
// before "a". Only a name that begins with a digit can be like a later one with more digits before
// it; of those it remembers about 30 bytes each.
type numbering struct {
	seed  maphash.Seed
	taken map[uint64]int64 // the number before a name with a digit, by the hash of both
}

// add takes a numbered name in a directory, and reports the earlier one that is the same.
func (n *numbering) add(dir string, number int64, name string) error {
	if n.taken == nil {
		n.seed, n.taken = maphash.MakeSeed(), map[uint64]int64{}
	}
	digits := strconv.FormatInt(number, 10)
	output := digits + name
	hash := maphash.String(n.seed, dir+output)
	if other, ok := n.taken[hash]; ok && other != number {
		if more, ok := strings.CutPrefix(digits, strconv.FormatInt(other, 10)); ok {
			return fmt.Errorf("it, with the number %d, and %s%s%s, with the number %d, would both become %s%s; another --startingIndex keeps them apart",
				number, dir, more, name, other, dir, output)
		}
	}
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		n.taken[hash] = number
	}
	return nil
}
