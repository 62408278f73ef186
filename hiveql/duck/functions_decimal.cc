// Arithmetic on decimals whose exact results have up to 76 digits: one function for each
// combination of scales and result, made when a query needs it.
#include "functions.h"

#include <cstdlib>

using namespace skep;

namespace {

using Unsigned = unsigned __int128;

// Wide is an unsigned number of 256 bits.
struct Wide {
  Unsigned high = 0, low = 0;
};

Wide product(Unsigned a, Unsigned b) {
  const Unsigned mask = (Unsigned(1) << 64) - 1;
  Unsigned al = a & mask, ah = a >> 64, bl = b & mask, bh = b >> 64;
  Unsigned ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
  Unsigned middle = (ll >> 64) + (lh & mask) + (hl & mask);
  return {hh + (lh >> 64) + (hl >> 64) + (middle >> 64), (middle << 64) | (ll & mask)};
}

// Powers are the powers of ten that have 128 bits.
struct Powers {
  Unsigned of[39];
  constexpr Powers() : of() {
    of[0] = 1;
    for (int i = 1; i < 39; i++) of[i] = of[i - 1] * 10;
  }
};

constexpr Powers powers;

// power is ten to the n, of at most 38.
Unsigned power(int n) { return powers.of[n]; }

// digit divides upper and lower, 192 bits, by d, whose highest bit is set and which is above upper: one digit
// of 64 bits by Knuth's algorithm D. The rest is in upper then.
uint64_t digit(Unsigned &upper, uint64_t lower, Unsigned d) {
  uint64_t dh = uint64_t(d >> 64), dl = uint64_t(d);
  Unsigned q = ~uint64_t(0);
  if (uint64_t(upper >> 64) < dh) q = upper / dh;
  Unsigned r = upper - q * dh;  // q is at most two too large
  while ((r >> 64) == 0 && q * dl > (r << 64 | lower)) {
    q--;
    r += dh;
  }
  upper = (upper << 64 | lower) - q * d;  // modulo 2^128, into which it fits
  return uint64_t(q);
}

// quotient divides by d and says whether the rest is at least one half. It reports false if the
// result needs more than 128 bits.
bool quotient(Unsigned &out, Wide n, Unsigned d, bool &half, Unsigned &rest) {
  if (n.high >= d) return false;
  if (n.high == 0) {
    out = n.low / d;
    rest = n.low - out * d;
  } else {
    int by = (d >> 64) ? __builtin_clzll(uint64_t(d >> 64)) : 64 + __builtin_clzll(uint64_t(d));
    Unsigned shifted = d << by, upper = n.high, lower = n.low << by;
    if (by > 0) upper = n.high << by | n.low >> (128 - by);
    Unsigned q = digit(upper, uint64_t(lower >> 64), shifted);
    out = q << 64 | digit(upper, uint64_t(lower), shifted);
    rest = upper >> by;
  }
  half = rest >= d - rest;
  return true;
}

struct Operation {
  char op[8];
  int a, b, precision, scale;  // the scales of the arguments, the type of the result
  int by;                      // of a product: the power of ten from its own scale to the result's
  Unsigned limit;              // the least number of too many digits
};

Unsigned magnitude(__int128 v) { return v < 0 ? 0 - Unsigned(v) : Unsigned(v); }

// rescaled changes the scale of a number by a power of ten, rounding half up.
bool rescaled(Unsigned &out, Wide v, int by) {
  Unsigned rest;
  bool half;
  for (; by < -38; by += 38) {
    Unsigned q;
    if (!quotient(q, v, power(38), half, rest)) return false;
    v = {0, q};
  }
  if (by < 0) {
    if (!quotient(out, v, power(-by), half, rest)) return false;
    out += half;
    return true;
  }
  if (by > 38 || v.high) return v.high == 0 && v.low == 0 && (out = 0, true);
  Wide w = product(v.low, power(by));
  out = w.low;
  return w.high == 0;
}

bool compute(__int128 &out, const Operation &o, __int128 a, __int128 b) {
  Unsigned u, ua = magnitude(a), ub = magnitude(b), rest;
  bool half = false, negative = (a < 0) != (b < 0);
  if (o.op[0] == 'm' && o.op[1] == 'u') {
    if (o.by == 0 && ((ua | ub) >> 64) == 0) {
      u = Unsigned(uint64_t(ua)) * uint64_t(ub);
    } else if (!rescaled(u, product(ua, ub), o.by)) {
      return false;
    }
  } else if (o.op[0] == 'd') {
    if (b == 0) return false;
    int by = o.scale - o.a + o.b;  // a * 10^by / b
    if (by > 38) {
      if (ua != 0 && (product(ua, power(by - 38)).high)) return false;
      ua *= power(by - 38);
      by = 38;
    }
    if (by >= 0) {
      if (!quotient(u, product(ua, power(by)), ub, half, rest)) return false;
    } else {
      Wide d = product(ub, power(-by));
      if (d.high) {
        u = 0;
      } else if (!quotient(u, {0, ua}, d.low, half, rest)) {
        return false;
      }
    }
    u += half;
  } else {
    // The others work at the larger of both scales.
    int common = o.a > o.b ? o.a : o.b;
    if (!rescaled(ua, {0, ua}, common - o.a) || !rescaled(ub, {0, ub}, common - o.b)) return false;
    if (ua >> 127 || ub >> 127) return false;
    bool na = a < 0, nb = (b < 0) != (o.op[0] == 's');
    negative = na;
    if (o.op[0] == 'a' || o.op[0] == 's') {
      if (na == nb) {
        ua += ub;
      } else if (ua >= ub) {
        ua -= ub;
      } else {
        ua = ub - ua;
        negative = nb;
      }
    } else {
      if (ub == 0) return false;
      ua %= ub;
      if (o.op[0] == 'p' && ua != 0 && na != nb) {  // the remainder has the sign of the divisor
        ua = ub - ua;
        negative = nb;
      }
    }
    if (!rescaled(u, {0, ua}, o.scale - common)) return false;
  }
  if (u >= o.limit) return false;
  out = negative ? -__int128(u) : __int128(u);
  return true;
}

void run(duck_handle info, duck_handle chunk, duck_handle output) {
  const auto &o = *static_cast<const Operation *>(duckdb_scalar_function_get_extra_info(info));
  Column<Huge> a(chunk, 0), b(chunk, 1);
  void *data = duckdb_vector_get_data(output);
  Nulls nulls{output};
  uint64_t size = duckdb_data_chunk_get_size(chunk);
  for (uint64_t row = 0; row < size; row++) {
    Huge result;
    if (a.valid(row) && b.valid(row) && compute(result.value, o, a.get(row).value, b.get(row).value)) {
      Cell<Huge>::set(output, data, row, result);
    } else {
      nulls.set(row);
    }
  }
}

}  // namespace

// skep_register_decimal makes a function name(DECIMAL(38,a), DECIMAL(38,b)) known whose result
// is a DECIMAL(precision,scale), or, if that has 64 bits or fewer, a DECIMAL(38,scale) of as few
// digits. It returns 0 if that worked.
extern "C" int skep_register_decimal(void *connection, const char *name, const char *op, int a, int b, int precision,
                                     int scale) {
  auto *o = static_cast<Operation *>(std::calloc(1, sizeof(Operation)));
  std::strncpy(o->op, op, sizeof o->op - 1);
  o->a = a, o->b = b, o->precision = precision, o->scale = scale;
  o->by = scale - a - b, o->limit = power(precision);
  duck_handle function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name);
  for (int s : {a, b}) {
    duck_handle t = duckdb_create_decimal_type(38, uint8_t(s));
    duckdb_scalar_function_add_parameter(function, t);
    duckdb_destroy_logical_type(&t);
  }
  duck_handle t = duckdb_create_decimal_type(precision > 18 ? uint8_t(precision) : 38, uint8_t(scale));
  duckdb_scalar_function_set_return_type(function, t);
  duckdb_destroy_logical_type(&t);
  duckdb_scalar_function_set_extra_info(function, o, std::free);
  duckdb_scalar_function_set_function(function, run);
  int failed = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_scalar_function(&function);
  return failed;
}
