// How a C++ function over single values becomes a function of DuckDB over vectors.
#pragma once

#include "duckdb.h"

#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace skep {

// Types of values that share their representation with others.
struct Date { int32_t days; };
struct Time { int64_t micros; };
struct Bytes { std::string_view text; };
struct BytesOut { std::string text; };
struct Huge { __int128 value; };

// A string as DuckDB holds it: up to twelve bytes in place, more elsewhere, with the first four
// bytes repeated.
struct StringCell {
  uint32_t length;
  char start[4];
  union {
    char rest[8];
    const char *pointer;
  };
  std::string_view view() const { return {length <= 12 ? reinterpret_cast<const char *>(this) + 4 : pointer, length}; }
};
static_assert(sizeof(StringCell) == 16);

// Cell<T> says how values of type T lie in a vector, and DuckDB's number for the type.
template <typename T> struct Cell;
template <typename T, int number> struct Plain {
  static constexpr int type = number;
  static T get(const void *data, uint64_t row) { return static_cast<const T *>(data)[row]; }
  static void set(duck_handle, void *data, uint64_t row, const T &v) { static_cast<T *>(data)[row] = v; }
};
template <> struct Cell<bool> : Plain<bool, 1> {};
template <> struct Cell<int8_t> : Plain<int8_t, 2> {};
template <> struct Cell<int16_t> : Plain<int16_t, 3> {};
template <> struct Cell<int32_t> : Plain<int32_t, 4> {};
template <> struct Cell<int64_t> : Plain<int64_t, 5> {};
template <> struct Cell<float> : Plain<float, 10> {};
template <> struct Cell<double> : Plain<double, 11> {};
template <> struct Cell<Time> : Plain<Time, 12> {};
template <> struct Cell<Date> : Plain<Date, 13> {};
template <> struct Cell<Huge> {
  static constexpr int type = 16;
  static Huge get(const void *data, uint64_t row) {
    Huge h;
    std::memcpy(&h.value, static_cast<const char *>(data) + row * 16, 16);
    return h;
  }
  static void set(duck_handle, void *data, uint64_t row, const Huge &v) {
    std::memcpy(static_cast<char *>(data) + row * 16, &v.value, 16);
  }
};
template <> struct Cell<std::string_view> {
  static constexpr int type = 17;
  static std::string_view get(const void *data, uint64_t row) { return static_cast<const StringCell *>(data)[row].view(); }
};
template <> struct Cell<std::string> {
  static constexpr int type = 17;
  static void set(duck_handle vector, void *, uint64_t row, const std::string &v) {
    duckdb_unsafe_vector_assign_string_element_len(vector, row, v.data(), v.size());
  }
};
template <> struct Cell<Bytes> {
  static constexpr int type = 18;
  static Bytes get(const void *data, uint64_t row) { return {static_cast<const StringCell *>(data)[row].view()}; }
};
template <> struct Cell<BytesOut> {
  static constexpr int type = 18;
  static void set(duck_handle vector, void *, uint64_t row, const BytesOut &v) {
    duckdb_unsafe_vector_assign_string_element_len(vector, row, v.text.data(), v.text.size());
  }
};

// Column reads one argument.
template <typename T> struct Column {
  const void *data;
  const uint64_t *validity;
  Column(duck_handle chunk, uint64_t index) {
    duck_handle vector = duckdb_data_chunk_get_vector(chunk, index);
    data = duckdb_vector_get_data(vector);
    validity = duckdb_vector_get_validity(vector);
  }
  bool valid(uint64_t row) const { return !validity || (validity[row >> 6] >> (row & 63) & 1); }
  T get(uint64_t row) const { return Cell<T>::get(data, row); }
};

// Nulls marks rows of the output as NULL.
struct Nulls {
  duck_handle vector;
  uint64_t *mask = nullptr;
  void set(uint64_t row) {
    if (!mask) {
      duckdb_vector_ensure_validity_writable(vector);
      mask = duckdb_vector_get_validity(vector);
    }
    mask[row >> 6] &= ~(uint64_t(1) << (row & 63));
  }
};

// Vectorized<f>::run applies bool f(R &result, A... arguments) to every row without a NULL among
// its arguments. All other rows, and those for which f returns false, are NULL.
template <auto f> struct Vectorized;
template <typename R, typename... A, bool (*f)(R &, A...)> struct Vectorized<f> {
  template <size_t... I> static void rows(duck_handle chunk, duck_handle output, std::index_sequence<I...>) {
    uint64_t size = duckdb_data_chunk_get_size(chunk);
    std::tuple<Column<A>...> columns{Column<A>(chunk, I)...};
    void *data = duckdb_vector_get_data(output);
    Nulls nulls{output};
    R result{};
    for (uint64_t row = 0; row < size; row++) {
      if ((std::get<I>(columns).valid(row) && ...) && f(result, std::get<I>(columns).get(row)...)) {
        Cell<R>::set(output, data, row, result);
      } else {
        nulls.set(row);
      }
    }
  }
  static void run(duck_handle info, duck_handle chunk, duck_handle output) {
    try {
      rows(chunk, output, std::index_sequence_for<A...>{});
    } catch (const std::exception &e) {
      duckdb_scalar_function_set_error(info, e.what());
    }
  }
  static std::vector<int> parameters() { return {Cell<A>::type...}; }
  static constexpr int result = Cell<R>::type;
};

// Function is what a library registers: overloads have one name.
struct Function {
  const char *name;
  duck_scalar run;
  std::vector<int> parameters;
  int result;
  bool changing = false;  // of equal arguments it need not be the same
};

template <auto f> Function function(const char *name) {
  return {name, Vectorized<f>::run, Vectorized<f>::parameters(), Vectorized<f>::result};
}

// Aggregate is an aggregate of one argument, whose types it owns until it is registered.
struct Aggregate {
  duck_handle argument, result;
  uint64_t (*size)(duck_handle);
  void (*init)(duck_handle, void *state);
  void (*update)(duck_handle, duck_handle chunk, void **states);
  void (*combine)(duck_handle, void **from, void **to, uint64_t count);
  void (*finalize)(duck_handle, void **states, duck_handle output, uint64_t count, uint64_t offset);
  void (*destroy)(void **states, uint64_t count) = nullptr;  // for states that own memory
};

// registerAggregates makes the overloads of an aggregate known to the database of the connection. It returns 0 if that
// worked.
int registerAggregates(duck_handle connection, const char *name, std::vector<Aggregate> overloads);

// The libraries.
std::vector<Function> conversions();
std::vector<Function> arithmetic();
std::vector<Function> texts();
std::vector<Function> dates();
std::vector<Function> stamps();
std::vector<Function> dateTimes();
std::vector<Function> ordinals();

// Proleptic Gregorian days since 1970, and back.
int64_t daysOf(int64_t year, int month, int day);
void dateOf(int64_t days, int64_t &year, int &month, int &day);
int daysIn(int64_t year, int month);

// Reads dates and times as Hive does; false where the text is none.
bool parseDate(int64_t &days, std::string_view text);
bool parseTime(int64_t &micros, std::string_view text);
bool parseWhole(int64_t &micros, std::string_view text);
// parseStamp reads the nanoseconds behind the microseconds too.
bool parseStamp(int64_t &micros, int32_t &rest, std::string_view text);

}  // namespace skep
