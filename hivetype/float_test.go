package hivetype

import "testing"

// What Java 8 to 18 print.
func TestFloatsLikeJava(t *testing.T) {
	for _, c := range []struct {
		f    float64
		bits int
		want string
	}{
		{2147483648, 32, "2.14748365E9"}, {-222282153733, 32, "-2.22282154E11"}, {9.223372036854775807e18, 32, "9.223372E18"},
		{16777216, 32, "1.6777216E7"}, {33554432, 32, "3.3554432E7"}, {1e10, 32, "1.0E10"},
		{1.49936299222378906e18, 64, "1.49936299222378906E18"}, {9223372036854775807, 64, "9.223372036854776E18"},
		{9007199254740993, 64, "9.007199254740992E15"}, {1e18, 64, "1.0E18"}, {1234567890123, 64, "1.234567890123E12"}, {2e7, 64, "2.0E7"},
	} {
		f := c.f
		if c.bits == 32 {
			f = float64(float32(f))
		}
		if got := string(appendFloat(nil, f, c.bits)); got != c.want {
			t.Errorf("%v of %d bits: %s, want %s", c.f, c.bits, got, c.want)
		}
	}
}
