// Conversions between types, as Hive makes them.
#include "functions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace skep {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && static_cast<unsigned char>(s.front()) <= ' ') s.remove_prefix(1);
  while (!s.empty() && static_cast<unsigned char>(s.back()) <= ' ') s.remove_suffix(1);
  return s;
}

bool digit(char c) { return c >= '0' && c <= '9'; }

// toInteger reads digits with a sign; digits after a point are cut off.
template <typename T> bool toInteger(T &out, std::string_view s) {
  s = trim(s);
  bool negative = false;
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
    negative = s[0] == '-';
    s.remove_prefix(1);
  }
  const uint64_t limit = uint64_t(std::numeric_limits<T>::max()) + 1;
  uint64_t n = 0;
  size_t i = 0;
  for (; i < s.size() && s[i] != '.'; i++) {
    if (!digit(s[i]) || n > limit / 10) return false;
    n = n * 10 + (s[i] - '0');
  }
  if (n > limit || (n == limit && !negative)) return false;
  bool digits = i > 0;
  for (i++; i < s.size(); i++) {
    if (!digit(s[i])) return false;
    digits = true;
  }
  out = static_cast<T>(negative ? 0 - n : n);
  return digits;
}

// toFloat reads what Java's Double.parseDouble does, without hexadecimal.
template <typename T> bool toFloat(T &out, std::string_view s) {
  s = trim(s);
  bool negative = false;
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
    negative = s[0] == '-';
    s.remove_prefix(1);
  }
  if (s == "NaN" || s == "Infinity") {
    out = s == "NaN" ? std::numeric_limits<T>::quiet_NaN() : std::numeric_limits<T>::infinity();
    if (negative) out = -out;
    return true;
  }
  if (s.size() > 1 && (s.back() == 'd' || s.back() == 'D' || s.back() == 'f' || s.back() == 'F')) s.remove_suffix(1);
  if (s.empty() || !(digit(s[0]) || s[0] == '.')) return false;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out);
  if (end != s.data() + s.size()) return false;
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: from_chars does not say which, the exponent does.
    size_t e = s.find_first_of("eE");
    bool tiny = e == s.npos ? s[0] == '.' || s[0] == '0' : s.find('-', e) != s.npos;
    out = tiny ? T(0) : std::numeric_limits<T>::infinity();
  } else if (error != std::errc()) {
    return false;
  }
  if (negative) out = -out;
  return true;
}

// shifted writes digits with the point after the first `whole` of them.
void shifted(std::string &out, bool negative, const std::string &digits, int64_t whole) {
  if (negative) out += '-';
  if (whole <= 0) {
    out += "0.";
    out.append(size_t(-whole), '0');
    out += digits;
  } else if (whole >= int64_t(digits.size())) {
    out += digits;
    out.append(size_t(whole) - digits.size(), '0');
  } else {
    out.append(digits, 0, size_t(whole));
    out += '.';
    out.append(digits, size_t(whole));
  }
}

// number writes a decimal number without sign + and exponent, and nothing else. One that is too
// large for any decimal is none, one that is too small is 0.
bool number(std::string &out, std::string_view s) {
  s = trim(s);
  bool negative = !s.empty() && s[0] == '-';
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  std::string digits;
  size_t i = 0;
  for (; i < s.size() && digit(s[i]); i++) digits += s[i];
  int64_t whole = int64_t(digits.size());
  if (i < s.size() && s[i] == '.') {
    for (i++; i < s.size() && digit(s[i]); i++) digits += s[i];
  }
  if (digits.empty()) return false;
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    i++;
    if (i + 1 < s.size() && s[i] == '+' && digit(s[i + 1])) i++;
    int32_t exponent = 0;
    auto [end, error] = std::from_chars(s.data() + i, s.data() + s.size(), exponent);
    if (error != std::errc()) return false;
    i = size_t(end - s.data());
    whole += exponent;
  }
  if (i != s.size()) return false;
  size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, zeros);
  whole -= int64_t(zeros);
  out.clear();
  if (digits.empty() || whole < -38) return out = "0", true;
  if (whole > 38) return false;
  shifted(out, negative, digits, whole);
  return true;
}

// toBoolean is Hive's: everything is true but a few words.
bool toBoolean(bool &out, std::string_view s) {
  auto is = [&](const char *word) {
    size_t n = std::strlen(word);
    if (s.size() != n) return false;
    for (size_t i = 0; i < n; i++) {
      if ((s[i] | 0x20) != (word[i] | 0x20)) return false;
    }
    return true;
  };
  out = !(s.empty() || is("false") || is("no") || is("off") || s == "0");
  return true;
}

// wholeDigits are the digits of a whole number below 2^63 that is too large for the bits of its
// type, as Java prints them before Java 19: without as many of the last ones as the missing bits
// stand for, rounded. It returns how many it left out, or -1 for other numbers.
template <typename T> int wholeDigits(std::string &digits, T v) {
  constexpr int significant = sizeof(T) == 4 ? 24 : 53;
  int exponent;
  std::frexp(v, &exponent);
  int missing = exponent - 1 - significant;
  if (missing < 0 || exponent > 63) return -1;
  uint64_t n = static_cast<uint64_t>(std::fabs(v)), unit = 1;
  int insignificant = missing - 1 <= 1 ? 0 : (missing - 1) * 30103 / 100000;
  for (int i = 0; i < insignificant; i++) unit *= 10;
  uint64_t rest = n % unit;
  n /= unit;
  if (unit > 1 && rest >= unit / 2) n++;
  digits = std::to_string(n);
  return insignificant;
}

// printFloat prints digits that read back as the same number, the way Java does: the shortest ones,
// but see wholeDigits.
template <typename T> bool printFloat(std::string &out, T v) {
  if (std::isnan(v)) return out = "NaN", true;
  if (std::isinf(v)) return out = v > 0 ? "Infinity" : "-Infinity", true;
  out.clear();
  if (std::signbit(v)) out += '-';
  if (v == 0) return out += "0.0", true;
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(v), std::chars_format::scientific).ptr;
  std::string_view text(buffer, end - buffer);
  size_t e = text.find('e');
  int exponent = 0;
  std::string_view power = text.substr(e + 1);
  std::from_chars(power.data() + (power[0] == '+'), power.data() + power.size(), exponent);
  if (e == 1) {
    // Java prints two digits at least, and the two nearest ones where one would do.
    end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(v), std::chars_format::scientific, 1).ptr;
    text = std::string_view(buffer, end - buffer);
    e = text.find('e');
    if (text[2] == '0') e = 1;
  }
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  std::string whole;
  if (int left = exponent >= 7 ? wholeDigits(whole, v) : -1; left >= 0) {
    exponent = int(whole.size()) - 1 + left;
    digits = whole;
    while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  }
  if (exponent < -3 || exponent >= 7) {
    out += digits[0];
    out += '.';
    out += digits.size() > 1 ? digits.substr(1) : "0";
    out += 'E';
    out += std::to_string(exponent);
  } else if (exponent < 0) {
    out += "0.";
    out.append(-exponent - 1, '0');
    out += digits;
  } else {
    if (int(digits.size()) < exponent + 2) digits.append(exponent + 2 - digits.size(), '0');
    out += digits.substr(0, exponent + 1);
    out += '.';
    out += digits.substr(exponent + 1);
  }
  return true;
}

// narrow is Java's (int) of a floating number: it cuts the fraction off and stays in range. For
// the types below int, Java goes through int.
template <typename T, typename F> bool narrow(T &out, F v) {
  using Wide = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  Wide w;
  if (std::isnan(v)) {
    w = 0;
  } else if (v >= -static_cast<double>(std::numeric_limits<Wide>::min())) {
    w = std::numeric_limits<Wide>::max();
  } else if (v <= static_cast<double>(std::numeric_limits<Wide>::min())) {
    w = std::numeric_limits<Wide>::min();
  } else {
    w = static_cast<Wide>(v);
  }
  out = static_cast<T>(w);
  return true;
}

// wrap keeps the low bits, as Java does.
template <typename T> bool wrap(T &out, int64_t v) { return out = static_cast<T>(v), true; }
bool wrapHuge(int64_t &out, Huge v) { return out = static_cast<int64_t>(v.value), true; }

// utf8 decodes bytes as Java does: each that belongs to no character becomes U+FFFD.
bool utf8(std::string &out, Bytes in) {
  out.clear();
  const auto *p = reinterpret_cast<const unsigned char *>(in.text.data());
  size_t n = in.text.size();
  for (size_t i = 0; i < n;) {
    unsigned char c = p[i];
    size_t length = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    bool good = length > 0 && i + length <= n;
    for (size_t k = 1; good && k < length; k++) good = (p[i + k] & 0xC0) == 0x80;
    if (good && c == 0xE0) good = p[i + 1] >= 0xA0;
    if (good && c == 0xED) good = p[i + 1] < 0xA0;
    if (good && c == 0xF0) good = p[i + 1] >= 0x90;
    if (good && c == 0xF4) good = p[i + 1] < 0x90;
    if (good) {
      out.append(reinterpret_cast<const char *>(p + i), length);
      i += length;
    } else {
      out += "\xEF\xBF\xBD";
      i++;
    }
  }
  return true;
}

bool bytes(BytesOut &out, std::string_view in) { return out.text.assign(in), true; }

bool toDate(Date &out, std::string_view s) {
  int64_t days;
  if (!parseDate(days, s)) return false;
  out.days = static_cast<int32_t>(days);
  return true;
}

bool toTime(Time &out, std::string_view s) { return parseTime(out.micros, s); }
bool toWhole(Time &out, std::string_view s) { return parseWhole(out.micros, s); }

// pad cuts to n characters and fills up with blanks; cut only cuts.
size_t prefix(std::string_view s, int32_t n, int32_t &characters) {
  size_t i = 0;
  for (characters = 0; i < s.size() && characters < n; characters++) {
    for (i++; i < s.size() && (s[i] & 0xC0) == 0x80; i++) {}
  }
  return i;
}

bool cut(std::string &out, std::string_view s, int32_t n) {
  int32_t characters;
  return out.assign(s.substr(0, prefix(s, n, characters))), true;
}

bool pad(std::string &out, std::string_view s, int32_t n) {
  int32_t characters;
  out.assign(s.substr(0, prefix(s, n, characters)));
  out.append(n - characters, ' ');
  return true;
}

}  // namespace

std::vector<Function> conversions() {
  return {
      function<toInteger<int8_t>>("skep_to_tinyint"), function<toInteger<int16_t>>("skep_to_smallint"),
      function<toInteger<int32_t>>("skep_to_int"), function<toInteger<int64_t>>("skep_to_bigint"),
      function<toFloat<float>>("skep_to_float"), function<toFloat<double>>("skep_to_double"),
      function<number>("skep_number"), function<toBoolean>("skep_to_boolean"),
      function<toDate>("skep_to_date"), function<toTime>("skep_to_timestamp"), function<toWhole>("skep_to_whole_timestamp"),
      function<printFloat<float>>("skep_print"), function<printFloat<double>>("skep_print"),
      function<narrow<int8_t, double>>("skep_to_tinyint"), function<narrow<int16_t, double>>("skep_to_smallint"),
      function<narrow<int32_t, double>>("skep_to_int"), function<narrow<int64_t, double>>("skep_to_bigint"),
      function<wrap<int8_t>>("skep_to_tinyint"), function<wrap<int16_t>>("skep_to_smallint"),
      function<wrap<int32_t>>("skep_to_int"), function<wrapHuge>("skep_to_bigint"),
      function<utf8>("skep_utf8"), function<bytes>("skep_bytes"),
      function<cut>("skep_cut"), function<pad>("skep_pad"),
  };
}

}  // namespace skep
