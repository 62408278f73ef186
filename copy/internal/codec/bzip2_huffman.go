package codec

import (
	"cmp"
	"slices"
)

const (
	bzip2Group   = 50 // symbols that share a table
	bzip2Longest = 17 // bits of a code; decoders allow 20
)

// writeSymbols writes the symbols of a block, with up to six Huffman tables among which every
// fifty symbols choose.
func writeSymbols(w *bitWriter, symbols []uint16, alphabet int) {
	tables, choice := chooseTables(symbols, alphabet)
	w.write(uint64(len(tables)), 3)
	w.write(uint64(len(choice)), 15)
	recent := []byte{0, 1, 2, 3, 4, 5}
	for _, c := range choice {
		at := slices.Index(recent, c)
		w.write(1<<(at+1)-2, uint(at+1)) // at ones and a zero
		copy(recent[1:at+1], recent[:at])
		recent[0] = c
	}
	codes := make([][]uint32, len(tables))
	for i, lengths := range tables {
		writeLengths(w, lengths)
		codes[i] = assignCodes(lengths)
	}
	for i, s := range symbols {
		t := choice[i/bzip2Group]
		w.write(uint64(codes[t][s]), uint(tables[t][s]))
	}
}

// writeLengths writes the lengths of a table's codes, each as the difference from the one before.
func writeLengths(w *bitWriter, lengths []byte) {
	now := lengths[0]
	w.write(uint64(now), 5)
	for _, l := range lengths {
		for ; now < l; now++ {
			w.write(0b10, 2)
		}
		for ; now > l; now-- {
			w.write(0b11, 2)
		}
		w.write(0, 1)
	}
}

// chooseTables starts with tables that each favour a stretch of the alphabet, lets every group
// take the one that is cheapest for it, and fits the tables to the groups that took them.
func chooseTables(symbols []uint16, alphabet int) (tables [][]byte, choice []byte) {
	counts := make([]int, alphabet)
	for _, s := range symbols {
		counts[s]++
	}
	count := 6
	for i, limit := range []int{200, 600, 1200, 2400} {
		if len(symbols) < limit {
			count = i + 2
			break
		}
	}
	tables = firstTables(counts, count, len(symbols))
	choice = make([]byte, (len(symbols)+bzip2Group-1)/bzip2Group)
	for range 4 {
		fit := make([][]int, count)
		for i := range fit {
			fit[i] = make([]int, alphabet)
		}
		for g := range choice {
			group := symbols[g*bzip2Group : min((g+1)*bzip2Group, len(symbols))]
			choice[g] = cheapest(tables, group)
			for _, s := range group {
				fit[choice[g]][s]++
			}
		}
		for i := range tables {
			tables[i] = codeLengths(fit[i])
		}
	}
	return tables, choice
}

func firstTables(counts []int, count, total int) [][]byte {
	tables := make([][]byte, count)
	low, left := 0, total
	for i := range tables {
		high, sum := low, 0
		for high < len(counts) && (sum < left/(count-i) || high == low) {
			sum += counts[high]
			high++
		}
		left -= sum
		lengths := make([]byte, len(counts))
		for s := range lengths {
			lengths[s] = 15
			if s >= low && s < high {
				lengths[s] = 1
			}
		}
		tables[i], low = lengths, high
	}
	return tables
}

func cheapest(tables [][]byte, group []uint16) byte {
	best, least := 0, 1<<30
	for i, lengths := range tables {
		cost := 0
		for _, s := range group {
			cost += int(lengths[s])
		}
		if cost < least {
			best, least = i, cost
		}
	}
	return byte(best)
}

// codeLengths are those of a Huffman code for the counts, in which every symbol has a code. If
// one gets too long, the counts are made more alike.
func codeLengths(counts []int) []byte {
	weights := make([]int, len(counts))
	for i, c := range counts {
		weights[i] = max(c, 1)
	}
	for {
		lengths := huffman(weights)
		if slices.Max(lengths) <= bzip2Longest {
			return lengths
		}
		for i, w := range weights {
			weights[i] = w/2 + 1
		}
	}
}

// huffman joins the two lightest trees until one is left. Leaves sorted by weight and joined
// trees, which come about in order of weight, form two queues.
func huffman(weights []int) []byte {
	n := len(weights)
	leaves := make([]int, n)
	for i := range leaves {
		leaves[i] = i
	}
	slices.SortStableFunc(leaves, func(a, b int) int { return cmp.Compare(weights[a], weights[b]) })
	weight := append(slices.Clone(weights), make([]int, n-1)...)
	parent := make([]int, 2*n-1)
	joined := n
	lightest := func(end int) int {
		if joined >= end || len(leaves) > 0 && weight[leaves[0]] <= weight[joined] {
			leaf := leaves[0]
			leaves = leaves[1:]
			return leaf
		}
		joined++
		return joined - 1
	}
	for node := n; node < 2*n-1; node++ {
		a := lightest(node)
		b := lightest(node)
		weight[node] = weight[a] + weight[b]
		parent[a], parent[b] = node, node
	}
	depth := make([]byte, 2*n-1)
	for node := 2*n - 3; node >= 0; node-- {
		depth[node] = depth[parent[node]] + 1
	}
	return depth[:n]
}

// assignCodes numbers the codes by length, then by symbol.
func assignCodes(lengths []byte) []uint32 {
	codes := make([]uint32, len(lengths))
	code := uint32(0)
	for l := byte(1); l <= bzip2Longest; l++ {
		for s, have := range lengths {
			if have == l {
				codes[s] = code
				code++
			}
		}
		code <<= 1
	}
	return codes
}
