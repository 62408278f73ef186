// Timestamps in nanoseconds: HUGEINTs whose upper 64 bits are the microseconds since 1970, and whose
// lower ones are the nanoseconds behind them.
#include "functions.h"

#include <atomic>
#include <stdexcept>

namespace skep {

namespace {

constexpr int64_t second = 1000000, dayMicros = 86400 * second;

Huge pack(int64_t micros, int64_t rest) {
  return {static_cast<__int128>(static_cast<unsigned __int128>(static_cast<uint64_t>(micros)) << 64 | static_cast<uint64_t>(rest))};
}

int64_t microsOf(Huge s) { return static_cast<int64_t>(s.value >> 64); }
int32_t restOf(Huge s) { return static_cast<int32_t>(static_cast<uint64_t>(s.value)); }

int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

bool ofClock(Huge &out, Time t) { return out = pack(t.micros, 0), true; }
bool ofClockAndRest(Huge &out, Time t, int32_t rest) { return out = pack(t.micros, rest), true; }
bool clock(Time &out, Huge s) { return out.micros = microsOf(s), true; }
bool rest(int32_t &out, Huge s) { return out = restOf(s), true; }

bool ofNanos(Huge &out, int64_t ns) {
  int64_t micros = floorDivide(ns, 1000);
  return out = pack(micros, ns - micros * 1000), true;
}

bool parse(Huge &out, std::string_view text) {
  int64_t micros;
  int32_t rest;
  if (!parseStamp(micros, rest, text)) return false;
  return out = pack(micros, rest), true;
}

// seconds since 1970 are added up as in Java, so that they are the same double.
bool seconds(double &out, Huge s) {
  int64_t whole = floorDivide(microsOf(s), second);
  int64_t nanos = (microsOf(s) - whole * second) * 1000 + restOf(s);
  return out = double(whole) + double(nanos) / 1e9, true;
}

// ofSeconds reads a plain decimal number of seconds, of which the digits behind the nanoseconds are
// cut off.
bool ofSeconds(Huge &out, std::string_view text) {
  bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  __int128 n = 0;
  int places = -1;
  for (char c : text) {
    if (c == '.' && places < 0) {
      places = 0;
      continue;
    }
    if (c < '0' || c > '9') return false;
    if (places == 9) continue;
    n = n * 10 + (c - '0');
    if (places >= 0) places++;
    if (n > static_cast<__int128>(1) << 100) return false;
  }
  for (places = places < 0 ? 0 : places; places < 9; places++) n *= 10;
  if (negative) n = -n;
  __int128 micros = n / 1000 - (n % 1000 < 0);
  if (micros != static_cast<int64_t>(micros)) return false;
  return out = pack(static_cast<int64_t>(micros), static_cast<int64_t>(n - micros * 1000)), true;
}

__int128 nanosOf(Huge s) { return static_cast<__int128>(microsOf(s)) * 1000 + restOf(s); }

// since is the nanoseconds between two times, after a time so many nanoseconds later.
bool since(Huge &out, Huge a, Huge b) { return out.value = nanosOf(a) - nanosOf(b), true; }

bool after(Huge &out, Huge s, Huge length) {
  __int128 n = nanosOf(s) + length.value, micros = n / 1000 - (n % 1000 < 0);
  return out = pack(static_cast<int64_t>(micros), static_cast<int64_t>(n - micros * 1000)), micros == static_cast<int64_t>(micros);
}

void padded(std::string &out, int64_t n, size_t width) {
  std::string digits = std::to_string(n);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void printDate(std::string &out, int64_t days) {
  int64_t year;
  int month, day;
  dateOf(days, year, month, day);
  out.clear();
  if (year < 0) out += '-';
  if (year > 9999) out += '+';
  padded(out, year < 0 ? -year : year, 4);
  const char rest[] = {'-', char('0' + month / 10), char('0' + month % 10), '-', char('0' + day / 10), char('0' + day % 10)};
  out.append(rest, sizeof rest);
}

bool dateText(std::string &out, Date d) { return printDate(out, d.days), true; }

// print prints as Hive does: without zeros at the end, and no fraction if it is zero.
bool print(std::string &out, Huge s) {
  int64_t days = floorDivide(microsOf(s), dayMicros), micros = microsOf(s) - days * dayMicros;
  printDate(out, days);
  for (auto [mark, part] : {std::pair<char, int64_t>{' ', micros / (3600 * second)}, {':', micros / (60 * second) % 60},
                            {':', micros / second % 60}}) {
    out += mark;
    padded(out, part, 2);
  }
  int64_t nanos = micros % second * 1000 + restOf(s);
  if (nanos > 0) {
    out += '.';
    padded(out, nanos, 9);
    while (out.back() == '0') out.pop_back();
  }
  return true;
}

// Written counts the values of a column that do not fit the unit in which it is written: those with
// digits behind the microseconds, or those that 64 bits of nanoseconds do not reach. The first may
// end the statement.
struct Written {
  std::atomic<int64_t> misfits{0};
  std::atomic<bool> stops{true};

  bool add() {
    misfits.fetch_add(1, std::memory_order_relaxed);
    if (stops) throw std::runtime_error("skep:a timestamp does not fit the unit of the file");
    return true;
  }
};

bool inNanos(int64_t &ns, Huge s) {
  __int128 n = nanosOf(s);
  return ns = static_cast<int64_t>(n), n == ns && ns != INT64_MIN;
}

// Both take the address of a Written, which outlives the statement.
bool writtenMicros(Time &out, int64_t address, Huge s) {
  if (restOf(s)) reinterpret_cast<Written *>(address)->add();
  return out.micros = microsOf(s), true;
}

bool writtenNanos(int64_t &out, int64_t address, Huge s) {
  return inNanos(out, s) || (reinterpret_cast<Written *>(address)->add(), false);
}

}  // namespace

std::vector<Function> stamps() {
  return {
      function<ofClock>("skep_stamp"), function<ofClockAndRest>("skep_stamp"), function<ofNanos>("skep_stamp_ns"),
      function<clock>("skep_clock"), function<rest>("skep_stamp_rest"), function<since>("skep_stamp_since"), function<after>("skep_stamp_after"), function<parse>("skep_to_stamp"), function<dateText>("skep_date_text"),
      function<seconds>("skep_stamp_seconds"), function<ofSeconds>("skep_stamp_of"), function<print>("skep_stamp_text"),
      function<inNanos>("skep_stamp_nanos"),
      function<writtenMicros>("skep_written_micros"), function<writtenNanos>("skep_written_nanos"),
  };
}

}  // namespace skep

extern "C" void *skep_written_new(int stops) {
  auto *w = new skep::Written;
  w->stops = stops;
  return w;
}
extern "C" void skep_written_free(void *w) { delete static_cast<skep::Written *>(w); }
extern "C" int64_t skep_written_misfits(void *w) { return static_cast<skep::Written *>(w)->misfits.load(); }
