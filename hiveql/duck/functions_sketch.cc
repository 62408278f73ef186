// Sketches of different values, as Hive makes them: HyperLogLog with 1,024 registers over Murmur3 of
// numbers and texts. Package distinct says what its bytes are; here they have no estimate yet.
#include "functions.h"

#include <algorithm>
#include <memory>

using namespace skep;

namespace {

constexpr int precision = 10, registers = 1 << precision, key_bits = 25, value_bits = 6;
constexpr size_t most_entries = registers * 6 / 8 / 5;

uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }
uint64_t scramble(uint64_t k) { return rotate(k * 0x87c37b91114253d5, 31) * 0x4cf5ad432745937f; }
uint64_t stir(uint64_t hash, uint64_t k) { return rotate(hash ^ scramble(k), 27) * 5 + 0x52dce729; }

uint64_t finish(uint64_t h) {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

constexpr uint64_t seed = 104729;

uint64_t hash(int64_t n) { return finish(stir(seed, __builtin_bswap64(uint64_t(n))) ^ 8); }

uint64_t hash(double f) {
  int64_t bits;
  if (f != f) {
    bits = 0x7ff8000000000000;  // Java has one NaN
  } else {
    std::memcpy(&bits, &f, sizeof bits);
  }
  return hash(bits);
}

uint64_t hash(std::string_view text) {
  uint64_t h = seed, k;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::memcpy(&k, text.data() + i, 8);
    h = stir(h, k);
  }
  if (i < text.size()) {
    k = 0;
    std::memcpy(&k, text.data() + i, text.size() - i);
    h ^= scramble(k);
  }
  return finish(h ^ text.size());
}

// Sketch is of few values their entries, as long as it has no registers.
struct Sketch {
  std::vector<uint32_t> entries;
  std::unique_ptr<uint8_t[]> dense;

  void put(uint32_t index, uint8_t value) {
    uint8_t &at = dense[index & (registers - 1)];
    at = std::max(at, value);
  }
  void add(uint64_t hash) {
    uint64_t rest = hash >> precision;
    auto value = uint8_t(rest ? __builtin_ctzll(rest) + 1 : 64 - precision + 1);
    if (dense) {
      put(uint32_t(hash), value);
    } else {
      insert(uint32_t(hash & ((1 << key_bits) - 1)) << value_bits | value);
    }
  }
  void insert(uint32_t entry) {
    if (!entries.empty() && entries.back() == entry) return;
    entries.push_back(entry);
    if (entries.size() > 4 * most_entries) compact();
  }
  // compact sorts the entries, with the highest one of each key, and makes registers of too many.
  void compact() {
    std::sort(entries.begin(), entries.end());
    size_t kept = 0;
    for (size_t i = 0; i < entries.size(); i++) {
      if (i + 1 == entries.size() || entries[i] >> value_bits != entries[i + 1] >> value_bits) entries[kept++] = entries[i];
    }
    entries.resize(kept);
    if (kept > most_entries) thicken();
  }
  void thicken() {
    dense.reset(new uint8_t[registers]());
    for (uint32_t e : entries) put(e >> value_bits, uint8_t(e & ((1 << value_bits) - 1)));
    entries = {};
  }
  void merge(const Sketch &o) {
    if (o.dense) {
      if (!dense) thicken();
      for (uint32_t i = 0; i < registers; i++) put(i, o.dense[i]);
    } else if (dense) {
      for (uint32_t e : o.entries) put(e >> value_bits, uint8_t(e & ((1 << value_bits) - 1)));
    } else {
      for (uint32_t e : o.entries) {
        if (dense) {
          put(e >> value_bits, uint8_t(e & ((1 << value_bits) - 1)));
        } else {
          insert(e);
        }
      }
    }
  }
  // bytes are Hive's, with an estimate of 1.
  std::string bytes() {
    if (!dense) compact();
    std::string b = "HLL";
    if (dense) {
      b += char(precision << 4 | 7);  // a byte for each register
      b += char(1);
      return b.append(reinterpret_cast<const char *>(dense.get()), registers);
    }
    b += char(precision << 4);
    b += char(1);
    number(b, entries.size());
    uint32_t before = 0;
    for (uint32_t e : entries) {
      number(b, e - before);
      before = e;
    }
    return b;
  }
  static void number(std::string &b, uint64_t n) {
    for (; n >= 0x80; n >>= 7) b += char(n | 0x80);
    b += char(n);
  }
};

// A state points to its sketch, which the first value makes.
struct State {
  Sketch *sketch;
};

uint64_t size(duck_handle) { return sizeof(State); }

void init(duck_handle, void *state) { static_cast<State *>(state)->sketch = nullptr; }

void destroy(void **states, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    delete static_cast<State *>(states[i])->sketch;
    static_cast<State *>(states[i])->sketch = nullptr;
  }
}

Sketch &of(void *state) {
  auto *s = static_cast<State *>(state);
  if (!s->sketch) s->sketch = new Sketch;
  return *s->sketch;
}

template <typename T> void update(duck_handle, duck_handle chunk, void **states) {
  Column<T> values(chunk, 0);
  uint64_t rows = duckdb_data_chunk_get_size(chunk);
  for (uint64_t row = 0; row < rows; row++) {
    if (values.valid(row)) of(states[row]).add(hash(values.get(row)));
  }
}

void combine(duck_handle, void **from, void **to, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    if (Sketch *s = static_cast<State *>(from[i])->sketch) of(to[i]).merge(*s);
  }
}

void finalize(duck_handle, void **states, duck_handle output, uint64_t count, uint64_t offset) {
  void *data = duckdb_vector_get_data(output);
  Nulls nulls{output};
  for (uint64_t i = 0; i < count; i++) {
    if (Sketch *s = static_cast<State *>(states[i])->sketch) {
      Cell<BytesOut>::set(output, data, offset + i, BytesOut{s->bytes()});
    } else {
      nulls.set(offset + i);
    }
  }
}

template <typename T> Aggregate of() {
  return {duckdb_create_logical_type(Cell<T>::type), duckdb_create_logical_type(Cell<BytesOut>::type),
          size, init, update<T>, combine, finalize, destroy};
}

}  // namespace

// skep_register_sketch makes the aggregate skep_sketch known. It returns 0 if that worked.
extern "C" int skep_register_sketch(void *connection) {
  return registerAggregates(connection, "skep_sketch", {of<int64_t>(), of<double>(), of<std::string_view>()});
}
