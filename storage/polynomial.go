package storage

import "hash/crc32"

// crcField are the polynomials over GF(2) modulo the one of a CRC, that of x^0 in the highest bit, as the CRCs of S3 have
// them. The CRC of a message followed by n bytes is that of the message times x^8n, plus that of these bytes.
type crcField struct {
	poly uint64
	bits int
}

// crcOf is the field of an algorithm that Digest.Quick names.
func crcOf(algorithm string) crcField {
	switch algorithm {
	case "CRC32":
		return crcField{crc32.IEEE, 32}
	case "CRC64NVME":
		return crcField{0x9a6c9329ac4bc9b5, 64}
	}
	return crcField{crc32.Castagnoli, 32}
}

// one is x^0.
func (f crcField) one() uint64 { return 1 << (f.bits - 1) }

func (f crcField) times(a, b uint64) (product uint64) {
	for k := f.bits - 1; k >= 0; k-- {
		product ^= b & -(a >> k & 1)
		b = b>>1 ^ f.poly&-(b&1) // times x
	}
	return product
}

// ofBytes is x^8n.
func (f crcField) ofBytes(n int64) uint64 {
	power, all := f.one()>>8, f.one()
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			all = f.times(power, all)
		}
		power = f.times(power, power)
	}
	return all
}
