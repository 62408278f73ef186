package orc

import "encoding/binary"

// appendRuns writes numbers for runs.
func appendRuns(b []byte, list []int64, signed bool) []byte {
	for len(list) > 0 {
		n, step := sameStep(list)
		if n >= 3 {
			b = appendVarint(append(b, byte(n-3), byte(step)), list[0], signed)
			list = list[n:]
			continue
		}
		plain := 1
		for plain < len(list) && plain < 128 {
			if n, _ := sameStep(list[plain:min(len(list), plain+3)]); n >= 3 {
				break
			}
			plain++
		}
		b = append(b, byte(-plain))
		for _, v := range list[:plain] {
			b = appendVarint(b, v, signed)
		}
		list = list[plain:]
	}
	return b
}

// sameStep is how many numbers at the beginning of a list differ by as much, up to 130, and by how
// much, which fits a byte.
func sameStep(list []int64) (int, int64) {
	if len(list) < 3 {
		return 1, 0
	}
	step := list[1] - list[0]
	if step < -128 || step > 127 || (step < 0) != (list[1] < list[0]) {
		return 1, 0
	}
	n := 2
	for n < len(list) && n < 130 && list[n]-list[n-1] == step && (step < 0) == (list[n] < list[n-1]) {
		n++
	}
	return n, step
}

func appendVarint(b []byte, n int64, signed bool) []byte {
	if signed {
		return binary.AppendVarint(b, n)
	}
	return binary.AppendUvarint(b, uint64(n))
}

// appendBytes writes bytes for byteRuns.
func appendBytes(b, list []byte) []byte {
	same := func(at int) int {
		n := 1
		for at+n < len(list) && n < 130 && list[at+n] == list[at] {
			n++
		}
		return n
	}
	for at := 0; at < len(list); {
		if n := same(at); n >= 3 {
			b = append(b, byte(n-3), list[at])
			at += n
			continue
		}
		end := at + 1
		for end < len(list) && end-at < 128 && same(end) < 3 {
			end++
		}
		b = append(append(b, byte(at-end)), list[at:end]...)
		at = end
	}
	return b
}

// appendBits writes bits for bitRuns.
func appendBits(b []byte, list []bool) []byte {
	bytes := make([]byte, (len(list)+7)/8)
	for i, bit := range list {
		if bit {
			bytes[i/8] |= 128 >> (i % 8)
		}
	}
	return appendBytes(b, bytes)
}
