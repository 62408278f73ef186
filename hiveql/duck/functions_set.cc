// skep_set is a list of the different values of a group, in the order in which they come first. DuckDB's own
// list(DISTINCT) gives them in the order of a hash table.
#include "functions.h"

#include <memory>

using namespace skep;

namespace {

uint64_t mix(uint64_t h) {
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93;
  return h ^ h >> 32;
}

// Texts lie one behind the other.
struct Texts {
  std::string bytes;
  std::vector<uint64_t> ends;

  size_t size() const { return ends.size(); }
  std::string_view at(size_t i) const {
    uint64_t begin = i ? ends[i - 1] : 0;
    return std::string_view(bytes).substr(begin, ends[i] - begin);
  }
  void push(std::string_view v) {
    bytes.append(v);
    ends.push_back(bytes.size());
  }
  static uint64_t hash(std::string_view v) { return std::hash<std::string_view>{}(v); }
  static bool same(std::string_view a, std::string_view b) { return a == b; }
  static void put(duck_handle vector, void *, uint64_t row, std::string_view v) {
    duckdb_unsafe_vector_assign_string_element_len(vector, row, v.data(), v.size());
  }
};

template <typename T> struct Numbers {
  std::vector<T> all;

  size_t size() const { return all.size(); }
  T at(size_t i) const { return all[i]; }
  void push(T v) { all.push_back(v); }
  // Zero is zero with either sign, and what is no number is as any other.
  static uint64_t hash(T v) {
    uint64_t bits = 0;
    if (v == v && v != 0) std::memcpy(&bits, &v, sizeof v);
    return mix(bits);
  }
  static bool same(T a, T b) { return a == b || (a != a && b != b); }
  static void put(duck_handle vector, void *data, uint64_t row, T v) { Cell<T>::set(vector, data, row, v); }
};

template <typename T> struct Kept { using type = Numbers<T>; };
template <> struct Kept<std::string_view> { using type = Texts; };

// Set is what a group has. A few values are compared one by one; more are found by a table of their places.
template <typename T> class Set {
  using Values = typename Kept<T>::type;
  static constexpr size_t few = 8;
  std::vector<uint32_t> table;  // places plus one, 0 for none; a power of two of them, at most half of them used

  void enter(size_t place) {
    size_t mask = table.size() - 1, i = Values::hash(values.at(place)) & mask;
    while (table[i]) i = (i + 1) & mask;
    table[i] = uint32_t(place + 1);
  }
  bool has(T v) const {
    if (table.empty()) {
      for (size_t i = 0; i < values.size(); i++) {
        if (Values::same(values.at(i), v)) return true;
      }
      return false;
    }
    size_t mask = table.size() - 1;
    for (size_t i = Values::hash(v) & mask; table[i]; i = (i + 1) & mask) {
      if (Values::same(values.at(table[i] - 1), v)) return true;
    }
    return false;
  }

public:
  Values values;

  void add(T v) {
    if (has(v)) return;
    values.push(v);
    size_t n = values.size();
    if (n > few && 2 * n > table.size()) {
      table.assign(table.empty() ? 4 * few : 2 * table.size(), 0);
      for (size_t i = 0; i < n; i++) enter(i);
    } else if (!table.empty()) {
      enter(n - 1);
    }
  }
};

// A state points to its set, which the first value makes.
template <typename T> struct State {
  Set<T> *set;
  static State &of(void *state) { return *static_cast<State *>(state); }
};

template <typename T> uint64_t size(duck_handle) { return sizeof(State<T>); }

template <typename T> void init(duck_handle, void *state) { State<T>::of(state).set = nullptr; }

template <typename T> void destroy(void **states, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    delete State<T>::of(states[i]).set;
    State<T>::of(states[i]).set = nullptr;
  }
}

template <typename T> void update(duck_handle, duck_handle chunk, void **states) {
  Column<T> column(chunk, 0);
  uint64_t rows = duckdb_data_chunk_get_size(chunk);
  for (uint64_t row = 0; row < rows; row++) {
    if (!column.valid(row)) continue;
    auto &state = State<T>::of(states[row]);
    if (!state.set) state.set = new Set<T>;
    state.set->add(column.get(row));
  }
}

template <typename T> void combine(duck_handle, void **from, void **to, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    auto &source = State<T>::of(from[i]), &target = State<T>::of(to[i]);
    if (!source.set) continue;
    if (!target.set) {
      std::swap(source.set, target.set);
      continue;
    }
    const auto &values = source.set->values;
    for (size_t k = 0; k < values.size(); k++) target.set->add(values.at(k));
  }
}

struct ListEntry {
  uint64_t offset, length;
};

template <typename T> void finalize(duck_handle, void **states, duck_handle output, uint64_t count, uint64_t offset) {
  uint64_t begin = duckdb_list_vector_get_size(output), total = begin;
  for (uint64_t i = 0; i < count; i++) {
    if (Set<T> *s = State<T>::of(states[i]).set) total += s->values.size();
  }
  duckdb_list_vector_reserve(output, total);
  duck_handle child = duckdb_list_vector_get_child(output);
  void *data = duckdb_vector_get_data(child);
  auto *entries = static_cast<ListEntry *>(duckdb_vector_get_data(output));
  for (uint64_t i = 0; i < count; i++) {
    Set<T> *s = State<T>::of(states[i]).set;
    uint64_t length = s ? s->values.size() : 0;
    entries[offset + i] = {begin, length};
    for (uint64_t k = 0; k < length; k++) Kept<T>::type::put(child, data, begin + k, s->values.at(k));
    begin += length;
  }
  duckdb_list_vector_set_size(output, total);
}

template <typename T> Aggregate of() {
  duck_handle argument = duckdb_create_logical_type(Cell<T>::type);
  return {argument, duckdb_create_list_type(argument), size<T>, init<T>, update<T>, combine<T>, finalize<T>, destroy<T>};
}

}  // namespace

// skep_register_set makes the aggregate skep_set known. It returns 0 if that worked.
extern "C" int skep_register_set(void *connection) {
  return registerAggregates(connection, "skep_set", {of<int64_t>(), of<double>(), of<std::string_view>()});
}
