// The sum of decimals, which is NULL where it has more than 38 digits; DuckDB's own ends the query.
#include "functions.h"

using namespace skep;

namespace {

// State is high * 2^64 + low, of two's complement numbers taken apart, so that no number of rows
// makes either too large.
struct State {
  uint64_t high[2], low[2];
  uint64_t some;  // whether there was a number
};

__int128 get(const uint64_t *p) {
  __int128 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

void add(uint64_t *p, __int128 v) {
  v += get(p);
  std::memcpy(p, &v, sizeof v);
}

uint64_t size(duck_handle) { return sizeof(State); }

void init(duck_handle, void *state) { std::memset(state, 0, sizeof(State)); }

void update(duck_handle, duck_handle chunk, void **states) {
  Column<Huge> numbers(chunk, 0);
  uint64_t rows = duckdb_data_chunk_get_size(chunk);
  for (uint64_t row = 0; row < rows; row++) {
    if (!numbers.valid(row)) continue;
    auto *s = static_cast<State *>(states[row]);
    __int128 v = numbers.get(row).value;
    add(s->high, v >> 64);
    add(s->low, __int128(uint64_t(v)));
    s->some = 1;
  }
}

void combine(duck_handle, void **from, void **to, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    auto *a = static_cast<State *>(from[i]), *b = static_cast<State *>(to[i]);
    add(b->high, get(a->high));
    add(b->low, get(a->low));
    b->some |= a->some;
  }
}

void finalize(duck_handle, void **states, duck_handle output, uint64_t count, uint64_t offset) {
  void *data = duckdb_vector_get_data(output);
  Nulls nulls{output};
  __int128 limit = 1;
  for (int i = 0; i < 38; i++) limit *= 10;
  for (uint64_t i = 0; i < count; i++) {
    auto *s = static_cast<State *>(states[i]);
    __int128 low = get(s->low), high = get(s->high) + (low >> 64);
    Huge sum{};
    if (!s->some || high != int64_t(high)) {
      nulls.set(offset + i);
      continue;
    }
    sum.value = __int128((unsigned __int128)(high) << 64 | uint64_t(low));
    if (sum.value >= limit || sum.value <= -limit) {
      nulls.set(offset + i);
    } else {
      Cell<Huge>::set(output, data, offset + i, sum);
    }
  }
}

}  // namespace

// skep_register_sum makes an aggregate name(DECIMAL(38,scale)) known, whose result has the same
// type. It returns 0 if that worked.
extern "C" int skep_register_sum(void *connection, const char *name, int scale) {
  auto type = [&] { return duckdb_create_decimal_type(38, uint8_t(scale)); };
  return registerAggregates(connection, name, {{type(), type(), size, init, update, combine, finalize}});
}
