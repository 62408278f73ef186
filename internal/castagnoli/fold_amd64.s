#include "textflag.h"

// func fold(state *[256]byte, p []byte, by *[2]uint64)
//
// Of each 16 bytes of the state the first 8 are multiplied by by[0] and the last 8 by by[1], and what is next
// of p is added to the sum of both. len(p) is a multiple of 256.
TEXT ·fold(SB), NOSPLIT, $0-40
	MOVQ state+0(FP), DI
	MOVQ p_base+8(FP), SI
	MOVQ p_len+16(FP), CX
	MOVQ by+32(FP), DX

	VBROADCASTI32X4 (DX), Z8
	VMOVDQU64       (DI), Z0
	VMOVDQU64       64(DI), Z1
	VMOVDQU64       128(DI), Z2
	VMOVDQU64       192(DI), Z3

	SHRQ $8, CX
	JZ   done

loop:
	PREFETCHT0 1024(SI)
	PREFETCHT0 1088(SI)
	PREFETCHT0 1152(SI)
	PREFETCHT0 1216(SI)
	VPCLMULQDQ $0x00, Z8, Z0, Z4
	VPCLMULQDQ $0x11, Z8, Z0, Z0
	VPCLMULQDQ $0x00, Z8, Z1, Z5
	VPCLMULQDQ $0x11, Z8, Z1, Z1
	VPCLMULQDQ $0x00, Z8, Z2, Z6
	VPCLMULQDQ $0x11, Z8, Z2, Z2
	VPCLMULQDQ $0x00, Z8, Z3, Z7
	VPCLMULQDQ $0x11, Z8, Z3, Z3
	VPTERNLOGD $0x96, (SI), Z4, Z0    // the sum of the three
	VPTERNLOGD $0x96, 64(SI), Z5, Z1
	VPTERNLOGD $0x96, 128(SI), Z6, Z2
	VPTERNLOGD $0x96, 192(SI), Z7, Z3
	ADDQ       $256, SI
	DECQ       CX
	JNZ        loop

done:
	VMOVDQU64  Z0, (DI)
	VMOVDQU64  Z1, 64(DI)
	VMOVDQU64  Z2, 128(DI)
	VMOVDQU64  Z3, 192(DI)
	VZEROUPPER
	RET
