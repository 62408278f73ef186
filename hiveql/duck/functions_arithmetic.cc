// Integer arithmetic that wraps around, and Hive's hash.
#include "functions.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <type_traits>

namespace skep {
namespace {

template <typename T> T wrapped(std::make_unsigned_t<T> v) { return static_cast<T>(v); }

template <typename T> bool add(T &out, T a, T b) {
  using U = std::make_unsigned_t<T>;
  return out = wrapped<T>(U(a) + U(b)), true;
}
template <typename T> bool subtract(T &out, T a, T b) {
  using U = std::make_unsigned_t<T>;
  return out = wrapped<T>(U(a) - U(b)), true;
}
template <typename T> bool multiply(T &out, T a, T b) {
  return out = wrapped<T>(static_cast<std::make_unsigned_t<T>>(uint64_t(a) * uint64_t(b))), true;
}
template <typename T> bool negate(T &out, T a) { return out = wrapped<T>(0 - std::make_unsigned_t<T>(a)), true; }

template <typename T> bool divide(T &out, T a, T b) {
  if (b == 0) return false;
  if (b == -1) return negate(out, a);
  return out = a / b, true;
}

template <typename T> bool modulo(T &out, T a, T b) {
  if (b == 0) return false;
  return out = b == -1 ? 0 : a % b, true;
}
bool moduloDouble(double &out, double a, double b) { return b != 0 && (out = std::fmod(a, b), true); }

// pmod is never negative for a positive divisor.
template <typename T> bool positive(T &out, T a, T b) {
  T r;
  if (!modulo(r, a, b)) return false;
  if (!add(r, r, b)) return false;
  return modulo(out, r, b);
}
bool positiveDouble(double &out, double a, double b) {
  return b != 0 && (out = std::fmod(std::fmod(a, b) + b, b), true);
}

template <typename T> bool shiftLeft(T &out, T a, int32_t n) {
  return out = wrapped<T>(std::make_unsigned_t<T>(a) << (n & (sizeof(T) * 8 - 1))), true;
}
template <typename T> bool shiftRight(T &out, T a, int32_t n) { return out = a >> (n & (sizeof(T) * 8 - 1)), true; }
template <typename T> bool shiftUnsigned(T &out, T a, int32_t n) {
  return out = wrapped<T>(std::make_unsigned_t<T>(a) >> (n & (sizeof(T) * 8 - 1))), true;
}

// roundInteger rounds to tens, hundreds ...: places is negative.
bool roundInteger(int64_t &out, int64_t v, int32_t places) {
  if (places >= 0) return out = v, true;
  if (places < -18) return out = 0, true;
  int64_t unit = 1;
  for (int i = 0; i < -places; i++) unit *= 10;
  int64_t rest = v % unit, base = v - rest;
  if (rest >= unit - rest && rest > 0) return add(out, base, unit);
  if (-rest >= unit + rest && rest < 0) return subtract(out, base, unit);
  return out = base, true;
}

enum Mode { halfUp, halfEven, down };

// roundText rounds the shortest decimal form of a number, as Java's BigDecimal does: 2.675 is
// 2.68.
bool roundText(double &out, double v, int32_t places, Mode mode) {
  if (!std::isfinite(v) || v == 0 || places > 340) return out = v, true;
  char buffer[512];
  int exponent;
  char digits[32];
  for (int precision = 0;; precision++) {
    std::snprintf(buffer, sizeof buffer, "%.*e", precision, std::fabs(v));
    if (precision >= 16 || std::strtod(buffer, nullptr) == std::fabs(v)) {
      size_t n = 0;
      for (char *p = buffer; *p != 'e'; p++) {
        if (*p != '.') digits[n++] = *p;
      }
      digits[n] = 0;
      exponent = std::atoi(std::strchr(buffer, 'e') + 1);
      break;
    }
  }
  int keep = exponent + 1 + places, count = int(std::strlen(digits));
  if (keep >= count) return out = v, true;
  if (keep < 0) return out = std::copysign(0.0, v), true;
  bool rest = false;
  for (int i = keep + 1; i < count; i++) rest |= digits[i] != '0';
  bool odd = keep > 0 && (digits[keep - 1] - '0') % 2 != 0;
  bool up = mode != down && (digits[keep] > '5' || (digits[keep] == '5' && (mode == halfUp || rest || odd)));
  std::string kept(digits, keep);
  int power = exponent + 1 - keep;
  if (up) {
    int i = keep - 1;
    for (; i >= 0 && kept[i] == '9'; i--) kept[i] = '0';
    if (i >= 0) kept[i]++;
    else kept.insert(0, 1, '1');
  }
  if (kept.empty()) kept = "0";
  out = std::copysign(std::strtod((kept + "e" + std::to_string(power)).c_str(), nullptr), v);
  return true;
}
bool roundDouble(double &out, double v, int32_t places) { return roundText(out, v, places, halfUp); }
bool roundEven(double &out, double v, int32_t places) { return roundText(out, v, places, halfEven); }
bool truncateDouble(double &out, double v, int32_t places) { return roundText(out, v, places, down); }
bool truncateInteger(int64_t &out, int64_t v, int32_t places) {
  if (places >= 0) return out = v, true;
  if (places < -18) return out = 0, true;
  int64_t unit = 1;
  for (int i = 0; i < -places; i++) unit *= 10;
  return out = v - v % unit, true;
}
bool roundEvenInteger(int64_t &out, int64_t v, int32_t places) {
  if (places >= 0) return out = v, true;
  if (places < -18) return out = 0, true;
  int64_t unit = 1;
  for (int i = 0; i < -places; i++) unit *= 10;
  int64_t rest = std::abs(v % unit), base = v - v % unit;
  bool odd = (base / unit) % 2 != 0;
  if (rest > unit - rest || (rest == unit - rest && odd)) {
    return v > 0 ? add(out, base, unit) : subtract(out, base, unit);
  }
  return out = base, true;
}

// cubeRoot takes the precision of long double, since that of double misses 3 for 27.
bool cubeRoot(double &out, double v) { return out = double(cbrtl(v)), true; }

// The hash of rows: 31 times the hash so far, plus that of the next value.
bool hashNext(int32_t &out, int32_t so_far, int32_t next) {
  return out = static_cast<int32_t>(uint32_t(so_far) * 31 + uint32_t(next)), true;
}
bool hashLong(int32_t &out, int64_t v) { return out = static_cast<int32_t>(uint64_t(v) ^ uint64_t(v) >> 32), true; }
// hashTime takes the seconds since 1970, shifted, and the nanoseconds in the second.
bool hashTime(int32_t &out, int64_t micros) {
  int64_t part = micros % 1000000;
  if (part < 0) part += 1000000;
  return hashLong(out, int64_t(uint64_t((micros - part) / 1000000) << 30 | uint64_t(part * 1000)));
}
bool hashFloat(int32_t &out, float v) { return std::memcpy(&out, &v, 4), true; }
bool hashDouble(int32_t &out, double v) {
  if (v != v) v = std::numeric_limits<double>::quiet_NaN();  // Java has one
  int64_t bits;
  std::memcpy(&bits, &v, 8);
  return hashLong(out, bits & (v != v ? INT64_MAX : -1));
}
// hashBytes begins with 0 for strings, and with 1 for varchar and char.
int32_t hashBytes(uint32_t h, std::string_view s) {
  for (char c : s) h = h * 31 + static_cast<uint32_t>(static_cast<int32_t>(static_cast<signed char>(c)));
  return static_cast<int32_t>(h);
}
bool hashText(int32_t &out, std::string_view s) { return out = hashBytes(0, s), true; }
bool hashChars(int32_t &out, std::string_view s) { return out = hashBytes(1, s), true; }

// javaRandom is what java.util.Random of a seed returns as the row-th double, from 1. Its state
// after n steps is multiplier^n times the first plus a sum that doubles likewise, so that a row
// need not know those before it.
bool javaRandom(double &out, int64_t seed, int64_t row) {
  constexpr uint64_t mask = (uint64_t(1) << 48) - 1;
  uint64_t state = (uint64_t(seed) ^ 0x5DEECE66D) & mask;
  uint64_t factor = 0x5DEECE66D, addend = 0xB;
  for (uint64_t n = uint64_t(row - 1) * 2; n > 0; n >>= 1) {
    if (n & 1) state = (state * factor + addend) & mask;
    addend = (factor + 1) * addend & mask;
    factor = factor * factor & mask;
  }
  auto bits = [&](int count) {
    state = (state * 0x5DEECE66D + 0xB) & mask;
    return state >> (48 - count);
  };
  uint64_t high = bits(26) << 27;
  return out = double(high + bits(27)) * 0x1p-53, true;
}

}  // namespace

std::vector<Function> arithmetic() {
  return {
      function<add<int8_t>>("skep_add"), function<add<int16_t>>("skep_add"),
      function<add<int32_t>>("skep_add"), function<add<int64_t>>("skep_add"),
      function<subtract<int8_t>>("skep_subtract"), function<subtract<int16_t>>("skep_subtract"),
      function<subtract<int32_t>>("skep_subtract"), function<subtract<int64_t>>("skep_subtract"),
      function<multiply<int8_t>>("skep_multiply"), function<multiply<int16_t>>("skep_multiply"),
      function<multiply<int32_t>>("skep_multiply"), function<multiply<int64_t>>("skep_multiply"),
      function<negate<int8_t>>("skep_negate"), function<negate<int16_t>>("skep_negate"),
      function<negate<int32_t>>("skep_negate"), function<negate<int64_t>>("skep_negate"),
      function<divide<int64_t>>("skep_divide"),
      function<modulo<int8_t>>("skep_modulo"), function<modulo<int16_t>>("skep_modulo"),
      function<modulo<int32_t>>("skep_modulo"), function<modulo<int64_t>>("skep_modulo"),
      function<moduloDouble>("skep_modulo"),
      function<positive<int8_t>>("skep_pmod"), function<positive<int16_t>>("skep_pmod"),
      function<positive<int32_t>>("skep_pmod"), function<positive<int64_t>>("skep_pmod"),
      function<positiveDouble>("skep_pmod"),
      function<shiftLeft<int32_t>>("skep_shiftleft"), function<shiftLeft<int64_t>>("skep_shiftleft"),
      function<shiftRight<int32_t>>("skep_shiftright"), function<shiftRight<int64_t>>("skep_shiftright"),
      function<shiftUnsigned<int32_t>>("skep_shiftrightunsigned"),
      function<shiftUnsigned<int64_t>>("skep_shiftrightunsigned"),
      function<roundInteger>("skep_round"), function<roundDouble>("skep_round"),
      function<cubeRoot>("skep_cbrt"), function<truncateDouble>("skep_truncate"),
      function<truncateInteger>("skep_truncate"), function<roundEven>("skep_bround"), function<roundEvenInteger>("skep_bround"),
      function<hashNext>("skep_hash_next"),
      function<hashLong>("skep_hash_long"), function<hashFloat>("skep_hash_float"),
      function<hashDouble>("skep_hash_double"), function<hashText>("skep_hash_text"),
      function<hashChars>("skep_hash_chars"),
      function<hashTime>("skep_hash_time"), function<javaRandom>("skep_rand"),
  };
}

}  // namespace skep
