// CRC32C by the instruction for it, three pieces of the bytes at a time, because the next can begin before the one before
// has ended. How sums of pieces are put together is in zlib's crc32.c and in "A Painless Guide to CRC Error Detection
// Algorithms" (Williams, 1993): a sum is a remainder of polynomials, and zeros that follow multiply it by a power of x.

#include <string.h>

#include "hook_table.h"

static const uint32_t polynomial = 0x82f63b78; // bits in the order of the sums: the highest power is the lowest bit

#if defined(__x86_64__)

#define WITH_CRC __attribute__((target("sse4.2")))

int skep_crc32c_works(void) { return __builtin_cpu_supports("sse4.2"); }
WITH_CRC static inline uint32_t eight(uint32_t sum, uint64_t v) { return (uint32_t)__builtin_ia32_crc32di(sum, v); }
WITH_CRC static inline uint32_t one(uint32_t sum, uint8_t v) { return __builtin_ia32_crc32qi(sum, v); }

#elif defined(__aarch64__) && defined(__linux__)

#include <asm/hwcap.h>
#include <sys/auxv.h>

#define WITH_CRC

int skep_crc32c_works(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
static inline uint32_t eight(uint32_t sum, uint64_t v) {
	__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(sum) : "r"(v));
	return sum;
}
static inline uint32_t one(uint32_t sum, uint8_t v) {
	__asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(sum) : "r"((uint32_t)v));
	return sum;
}

#else

#define WITH_CRC

int skep_crc32c_works(void) { return 0; }
static inline uint32_t eight(uint32_t sum, uint64_t v) { return sum ^ (uint32_t)v; }
static inline uint32_t one(uint32_t sum, uint8_t v) { return sum ^ v; }

#endif

// times is the product of two remainders.
static uint32_t times(uint32_t a, uint32_t b) {
	uint32_t product = 0;
	for (; a != 0; a <<= 1) {
		product ^= (a & 0x80000000) ? b : 0;
		b = (b >> 1) ^ ((b & 1) ? polynomial : 0);
	}
	return product;
}

// zeros is what n bytes of zeros multiply by: x to the power of 8n.
static uint32_t zeros(size_t n) {
	uint32_t power = 0x80000000, square = 0x00800000; // x to the power of 0, of 8
	for (; n != 0; n >>= 1) {
		if (n & 1) {
			power = times(power, square);
		}
		square = times(square, square);
	}
	return power;
}

static inline uint64_t load(const unsigned char *p) {
	uint64_t v; // of the least byte first on both kinds of processors
	memcpy(&v, p, sizeof v);
	return v;
}

WITH_CRC uint32_t skep_crc32c(const void *bytes, size_t n) {
	const unsigned char *p = bytes;
	uint32_t sum = ~UINT32_C(0);
	size_t piece = n / 24 * 8;
	if (piece >= 256) {
		const unsigned char *q = p + piece, *r = q + piece;
		uint32_t second = 0, third = 0;
		for (size_t i = 0; i < piece; i += 8) {
			sum = eight(sum, load(p + i));
			second = eight(second, load(q + i));
			third = eight(third, load(r + i));
		}
		uint32_t shift = zeros(piece);
		sum = times(times(sum, shift) ^ second, shift) ^ third;
		p += 3 * piece;
		n -= 3 * piece;
	}
	for (; n >= 8; n -= 8, p += 8) {
		sum = eight(sum, load(p));
	}
	for (; n > 0; n--, p++) {
		sum = one(sum, *p);
	}
	return ~sum;
}
