// Functions of text that DuckDB does not have, or has with another meaning.
#include "functions.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <stdexcept>

// skepSha2 is Go's: see digest.go.
extern "C" int32_t skepSha2(char *bytes, uint64_t length, int32_t bits, char *out);

namespace skep {
namespace {

// next is the index after the character at i.
size_t next(std::string_view s, size_t i) {
  for (i++; i < s.size() && (s[i] & 0xC0) == 0x80; i++) {}
  return i;
}

int64_t characters(std::string_view s) {
  int64_t n = 0;
  for (char c : s) n += (c & 0xC0) != 0x80;
  return n;
}

// at is the index of the n-th character, from 0; at most the end.
size_t at(std::string_view s, int64_t n) {
  size_t i = 0;
  for (; n > 0 && i < s.size(); n--) i = next(s, i);
  return i;
}

// range is Hive's substr in units: position 0 means 1, negative ones count from the end.
bool range(int64_t size, int64_t from, int64_t length, int64_t &start, int64_t &stop) {
  start = from > 0 ? from - 1 : from < 0 ? size + from : 0;
  if (start < 0 || start >= size || length <= 0) return false;
  stop = std::min(size, start + length);
  return true;
}

bool substrFor(std::string &out, std::string_view s, int32_t from, int32_t length) {
  out.clear();
  int64_t start, stop;
  if (!range(characters(s), from, length, start, stop)) return true;
  size_t i = at(s, start);
  return out.assign(s.substr(i, at(s.substr(i), stop - start))), true;
}
bool substrFrom(std::string &out, std::string_view s, int32_t from) { return substrFor(out, s, from, INT32_MAX); }

bool substrBytesFor(BytesOut &out, Bytes s, int32_t from, int32_t length) {
  out.text.clear();
  int64_t start, stop;
  if (range(int64_t(s.text.size()), from, length, start, stop)) out.text.assign(s.text.substr(start, stop - start));
  return true;
}
bool substrBytesFrom(BytesOut &out, Bytes s, int32_t from) { return substrBytesFor(out, s, from, INT32_MAX); }

bool locateFrom(int32_t &out, std::string_view sub, std::string_view s, int32_t from) {
  out = 0;
  if (from <= 0) return true;
  int64_t size = characters(s);
  if (from - 1 > size) return true;
  if (sub.empty()) return out = 1, true;
  size_t found = s.find(sub, at(s, from - 1));
  if (found != s.npos) out = int32_t(characters(s.substr(0, found)) + 1);
  return true;
}
bool locate(int32_t &out, std::string_view sub, std::string_view s) { return locateFrom(out, sub, s, 1); }

// units are the 16-bit units of Java's text, in which it counts.
std::vector<uint16_t> units(std::string_view s) {
  std::vector<uint16_t> all;
  for (size_t i = 0; i < s.size();) {
    size_t stop = next(s, i);
    uint32_t c = uint8_t(s[i]);
    if (stop - i > 1) c &= 0x7F >> (stop - i);
    for (i++; i < stop; i++) c = c << 6 | (s[i] & 0x3F);
    if (c >= 0x10000) {
      all.push_back(uint16_t(0xD7C0 + (c >> 10)));
      c = 0xDC00 | (c & 0x3FF);
    }
    all.push_back(uint16_t(c));
  }
  return all;
}

// levenshtein keeps a row of the table of distances between all beginnings.
bool levenshtein(int32_t &out, std::string_view s, std::string_view t) {
  std::vector<uint16_t> a = units(s), b = units(t);
  std::vector<int32_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) row[j] = int32_t(j);
  for (size_t i = 0; i < a.size(); i++) {
    int32_t before = row[0];
    row[0] = int32_t(i + 1);
    for (size_t j = 0; j < b.size(); j++) {
      int32_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, before + (a[i] != b[j])});
      before = above;
    }
  }
  return out = row[b.size()], true;
}

// withoutReals is a text that is no number with a fraction or an exponent, and no JSON with one in it.
bool withoutReals(std::string &out, std::string_view s) {
  auto digit = [&](size_t i) { return i < s.size() && s[i] >= '0' && s[i] <= '9'; };
  bool nested = !s.empty() && (s[0] == '{' || s[0] == '[');
  if (nested || digit(0) || (!s.empty() && s[0] == '-')) {
    for (size_t i = 1; i < s.size(); i++) {
      if ((s[i] == '.' || s[i] == 'e' || s[i] == 'E') && digit(i - 1)) return false;
    }
  }
  return out.assign(s), true;
}

// between puts a text before each character, and behind the last one.
bool between(std::string &out, std::string_view s, std::string_view put) {
  out.assign(put);
  for (size_t i = 0; i < s.size();) {
    size_t stop = next(s, i);
    out.append(s.substr(i, stop - i)).append(put);
    i = stop;
  }
  return true;
}

bool substringIndex(std::string &out, std::string_view s, std::string_view delimiter, int32_t count) {
  out.clear();
  if (count == 0 || delimiter.empty()) return true;
  size_t found = count > 0 ? 0 : s.npos;
  if (count > 0) {
    for (int32_t i = 0; i < count; i++) {
      found = s.find(delimiter, i == 0 ? 0 : found + delimiter.size());
      if (found == s.npos) return out.assign(s), true;
    }
    return out.assign(s.substr(0, found)), true;
  }
  for (int32_t i = 0; i > count; i--) {
    if (found == 0) return out.assign(s), true;
    found = s.rfind(delimiter, found == s.npos ? s.npos : found - 1);
    if (found == s.npos) return out.assign(s), true;
  }
  return out.assign(s.substr(found + delimiter.size())), true;
}

bool padTo(std::string &out, std::string_view s, int32_t length, std::string_view fill, bool left) {
  if (length < 0 || fill.empty()) return false;
  int64_t have = characters(s);
  if (length > 100000000) throw std::runtime_error("skep:a padded text would have more than 100,000,000 characters");
  if (have >= length) return out.assign(s.substr(0, at(s, length))), true;
  std::string padding;
  for (int64_t missing = length - have; missing > 0;) {
    int64_t n = std::min(missing, characters(fill));
    padding.append(fill.substr(0, at(fill, n)));
    missing -= n;
  }
  if (left) out = padding + std::string(s);
  else out = std::string(s) + padding;
  return true;
}
bool lpad(std::string &out, std::string_view s, int32_t n, std::string_view fill) { return padTo(out, s, n, fill, true); }
bool rpad(std::string &out, std::string_view s, int32_t n, std::string_view fill) { return padTo(out, s, n, fill, false); }

bool repeat(std::string &out, std::string_view s, int32_t n) {
  out.clear();
  if (n > 0 && s.size() * uint64_t(n) > 1000000000) throw std::runtime_error("skep:a repeated text would have more than 1,000,000,000 bytes");
  for (int32_t i = 0; i < n; i++) out.append(s);
  return true;
}

// endsLine is whether a text ends in what Java takes for the end of a line.
bool endsLine(bool &out, std::string_view s) {
  auto has = [&](std::string_view end) { return s.size() >= end.size() && s.substr(s.size() - end.size()) == end; };
  return out = has("\n") || has("\r") || has("\u0085") || has("\u2028") || has("\u2029"), true;
}

bool ascii(int32_t &out, std::string_view s) {
  return out = s.empty() ? 0 : static_cast<signed char>(s[0]), true; // the first byte, as Java has bytes
}

// chr keeps 16 bits of a number, as Hive does, before it takes the character.
bool chr(std::string &out, int64_t n) {
  out.clear();
  if (n < 0 || int16_t(n) < 0) return true;
  int code = int(n & 0xFF);
  if (code < 0x80) {
    out += char(code);
  } else {
    out += char(0xC0 | code >> 6);
    out += char(0x80 | (code & 0x3F));
  }
  return true;
}

// conv reads as many digits as fit and prints them in the other base; overflow is the largest
// unsigned number, and a negative base prints a signed number.
bool conv(std::string &out, std::string_view s, int32_t from, int32_t to) {
  int base = std::abs(to);
  if (from < 2 || from > 36 || base < 2 || base > 36 || s.empty()) return false;
  bool negative = s[0] == '-';
  uint64_t n = 0;
  bool overflow = false;
  for (size_t i = negative; i < s.size(); i++) {
    int c = std::toupper(static_cast<unsigned char>(s[i]));
    int d = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
    if (d >= from) break;
    unsigned __int128 wide = static_cast<unsigned __int128>(n) * unsigned(from) + unsigned(d);
    overflow |= wide > UINT64_MAX;
    n = uint64_t(wide);
  }
  if (overflow) n = UINT64_MAX;
  if (negative && to > 0) n = overflow || int64_t(n) < 0 ? UINT64_MAX : 0 - n;
  bool minus = to < 0 && ((negative && n > 0) || int64_t(n) < 0);
  if (to < 0 && !negative && int64_t(n) < 0) n = 0 - n;
  out.clear();
  do {
    out += "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % unsigned(base)];
    n /= unsigned(base);
  } while (n > 0);
  if (minus) out += '-';
  std::reverse(out.begin(), out.end());
  return true;
}

bool hexBytes(std::string &out, Bytes s) {
  out.clear();
  for (unsigned char c : s.text) {
    out += "0123456789ABCDEF"[c >> 4];
    out += "0123456789ABCDEF"[c & 15];
  }
  return true;
}
bool hexText(std::string &out, std::string_view s) { return hexBytes(out, Bytes{s}); }
bool hexInteger(std::string &out, int64_t v) {
  char buffer[20];
  return out.assign(buffer, std::snprintf(buffer, sizeof buffer, "%llX", static_cast<unsigned long long>(v))), true;
}
bool bin(std::string &out, int64_t v) {
  out.clear();
  uint64_t n = uint64_t(v);
  do out += char('0' + (n & 1)); while (n >>= 1);
  std::reverse(out.begin(), out.end());
  return true;
}

bool chrOf(std::string &out, double v) {
  if (v < 0) return out.clear(), true;
  return chr(out, std::isnan(v) ? 0 : v >= 2147483647 ? 2147483647 : int64_t(v));
}

// unbase64 passes over what is no digit, and knows those for URLs too; it ends at the first =.
bool unbase64(BytesOut &out, std::string_view s) {
  out.text.clear();
  uint32_t bits = 0;
  int digits = 0;
  for (char c : s) {
    uint32_t d;
    if (c >= 'A' && c <= 'Z') d = c - 'A';
    else if (c >= 'a' && c <= 'z') d = c - 'a' + 26;
    else if (c >= '0' && c <= '9') d = c - '0' + 52;
    else if (c == '+' || c == '-') d = 62;
    else if (c == '/' || c == '_') d = 63;
    else if (c == '=') break;
    else continue;
    bits = bits << 6 | d;
    if (++digits % 4 == 0) {
      for (int shift : {16, 8, 0}) out.text += char(bits >> shift);
    }
  }
  if (digits % 4 == 2) out.text += char(bits >> 4);
  if (digits % 4 == 3) {
    out.text += char(bits >> 10);
    out.text += char(bits >> 2);
  }
  return true;
}

bool unhex(BytesOut &out, std::string_view s) {
  out.text.clear();
  std::string digits = s.size() % 2 ? "0" : "";
  digits.append(s);
  for (size_t i = 0; i < digits.size(); i += 2) {
    int byte = 0;
    bool minus = digits[i] == '-', sign = minus || digits[i] == '+';  // as Java reads -1 and +1
    for (size_t k = i + sign; k < i + 2; k++) {
      char c = digits[k];
      if (!std::isxdigit(static_cast<unsigned char>(c))) return false;
      byte = byte * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (minus) byte = -byte;
    out.text += char(byte);
  }
  return true;
}

// initcap changes the letters of ASCII only, as the case of others has been settled before.
bool initcap(std::string &out, std::string_view s) {
  out.clear();
  bool start = true;
  for (char c : s) {
    unsigned char u = static_cast<unsigned char>(c);
    out += start ? char(std::toupper(u)) : c;
    start = std::isspace(u);
  }
  return true;
}

// otherLetter is whether a text in UTF-8 begins with a letter beyond A to Z, of which soundex knows no code.
// Signs of Latin-1, punctuation, symbols and blanks are none.
bool otherLetter(std::string_view s) {
  unsigned char first = static_cast<unsigned char>(s[0]);
  if (first < 0xC3 || s.size() < 2) return false;
  unsigned char second = static_cast<unsigned char>(s[1]);
  bool times = first == 0xC3 && (second == 0x97 || second == 0xB7);
  bool symbol = first == 0xE2 && second < 0xB0;    // U+2000 to U+2BFF
  bool cjkSign = first == 0xE3 && second == 0x80;          // U+3000 to U+303F
  bool halfOrFull = first == 0xEF && second == 0xBC;       // U+FF00 to U+FF3F
  bool picture = first == 0xF0 && second == 0x9F;          // U+1F000 to U+1FFFF
  return !(times || symbol || cjkSign || halfOrFull || picture);
}

bool soundex(std::string &out, std::string_view s) {
  static const char codes[] = "01230120022455012623010202";
  out.clear();
  char last = 0;
  for (size_t i = 0; i < s.size(); i++) {
    unsigned char u = static_cast<unsigned char>(s[i]);
    if (otherLetter(s.substr(i))) return false;
    if (u > 0x7F || !std::isalpha(u)) continue;
    char upper = char(std::toupper(u)), code = codes[upper - 'A'];
    if (out.empty()) {
      out += upper;
    } else if (code != '0' && code != last) {
      out += code;
    }
    if (upper != 'H' && upper != 'W') last = code;
    if (out.size() == 4) break;
  }
  if (!out.empty()) out.append(4 - out.size(), '0');
  return true;
}

bool findInSet(int32_t &out, std::string_view s, std::string_view list) {
  out = 0;
  if (s.find(',') != s.npos) return true;
  int32_t i = 1;
  for (size_t start = 0;; i++) {
    size_t comma = list.find(',', start);
    if (list.substr(start, comma == list.npos ? list.npos : comma - start) == s) return out = i, true;
    if (comma == list.npos) return true;
    start = comma + 1;
  }
}

// formatNumber groups by thousands; halves round to the even neighbour, as Java's DecimalFormat.
bool formatNumber(std::string &out, double v, int32_t places) {
  if (places < 0 || places > 300) throw std::runtime_error("skep:format_number takes a number of places from 0 to 300");
  char buffer[700];
  int n = std::snprintf(buffer, sizeof buffer, "%.*f", places, std::fabs(v));
  std::string digits(buffer, n);
  size_t point = std::min(digits.find('.'), digits.size());
  out.clear();
  if (v < 0) out += '-';
  for (size_t i = 0; i < digits.size(); i++) {
    if (i > 0 && i < point && (point - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return true;
}

bool crc(int64_t &out, Bytes s) {
  uint32_t c = 0xFFFFFFFF;
  for (unsigned char byte : s.text) {
    c ^= byte;
    for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320 ^ c >> 1 : c >> 1;
  }
  return out = c ^ 0xFFFFFFFF, true;
}
bool crcText(int64_t &out, std::string_view s) { return crc(out, Bytes{s}); }

bool sha2(std::string &out, Bytes s, int32_t bits) {
  char digest[128];
  int32_t n = skepSha2(const_cast<char *>(s.text.data()), s.text.size(), bits, digest);
  if (n < 0) return false;
  return out.assign(digest, size_t(n)), true;
}
bool sha2Text(std::string &out, std::string_view s, int32_t bits) { return sha2(out, Bytes{s}, bits); }

// instr finds the n-th occurrence from a position on, backwards from the end for negative ones.
bool instr(int32_t &out, std::string_view s, std::string_view sub, int32_t from, int32_t n) {
  out = 0;
  if (from == 0 || n < 1) return true;
  int64_t size = characters(s), at0 = from > 0 ? from - 1 : size + from;
  for (int64_t i = at0; i >= 0 && i < size; i += from > 0 ? 1 : -1) {
    if (s.substr(at(s, i), sub.size()) == sub && --n == 0) return out = int32_t(i + 1), true;
  }
  return true;
}

// parseUrl splits scheme://user@host:port/path?query#fragment.
bool parseUrl(std::string &out, std::string_view url, std::string_view part) {
  size_t colon = url.find(':');
  if (colon == url.npos || colon == 0) return false;
  std::string_view scheme = url.substr(0, colon), rest = url.substr(colon + 1), fragment, query, authority;
  bool hasFragment = false, hasQuery = false;
  if (size_t i = rest.find('#'); i != rest.npos) fragment = rest.substr(i + 1), rest = rest.substr(0, i), hasFragment = true;
  if (size_t i = rest.find('?'); i != rest.npos) query = rest.substr(i + 1), rest = rest.substr(0, i), hasQuery = true;
  if (rest.substr(0, 2) == "//") {
    rest.remove_prefix(2);
    size_t slash = std::min(rest.find('/'), rest.size());
    authority = rest.substr(0, slash);
    rest = rest.substr(slash);
  }
  std::string_view user, host = authority;
  if (size_t i = authority.rfind('@'); i != authority.npos) user = authority.substr(0, i), host = authority.substr(i + 1);
  if (size_t i = host.rfind(':'); i != host.npos && host.find(']', i) == host.npos) host = host.substr(0, i);
  auto give = [&](bool have, std::string_view v) { return have ? (out.assign(v), true) : false; };
  if (part == "PROTOCOL") return give(true, scheme);
  if (part == "HOST") return give(true, host);
  if (part == "PATH") return give(true, rest);
  if (part == "QUERY") return give(hasQuery, query);
  if (part == "REF") return give(hasFragment, fragment);
  if (part == "AUTHORITY") return give(!authority.empty(), authority);
  if (part == "USERINFO") return give(!user.empty(), user);
  if (part == "FILE") {
    out.assign(rest);
    if (hasQuery) out.append("?").append(query);
    return true;
  }
  return false;
}

bool parseUrlKey(std::string &out, std::string_view url, std::string_view part, std::string_view key) {
  std::string query;
  if (part != "QUERY" || !parseUrl(query, url, part)) return false;
  for (size_t start = 0; start <= query.size();) {
    size_t stop = std::min(query.find('&', start), query.size());
    std::string_view pair = std::string_view(query).substr(start, stop - start);
    if (pair.size() > key.size() && pair.substr(0, key.size()) == key && pair[key.size()] == '=') {
      return out.assign(pair.substr(key.size() + 1)), true;
    }
    start = stop + 1;
  }
  return false;
}

bool factorial(int64_t &out, int32_t n) {
  if (n < 0 || n > 20) return false;
  out = 1;
  for (int32_t i = 2; i <= n; i++) out *= i;
  return true;
}

// fail is what assert_true comes to.
bool assertTrue(bool &out, bool v) {
  if (!v) throw std::runtime_error("skep:ASSERT_TRUE(): assertion failed");
  return out = true, false;
}

// enforce fails with a text of its caller's.
bool enforce(bool &out, bool v, std::string_view why) {
  if (!v) throw std::runtime_error("skep:" + std::string(why));
  return out = true;
}

}  // namespace

std::vector<Function> texts() {
  return {
      function<substrFor>("skep_substr"), function<substrFrom>("skep_substr"),
      function<substrBytesFor>("skep_substr"), function<substrBytesFrom>("skep_substr"),
      function<levenshtein>("skep_levenshtein"), function<between>("skep_between"),
      function<withoutReals>("skep_without_reals"),
      function<locate>("skep_locate"), function<locateFrom>("skep_locate"),
      function<substringIndex>("skep_substring_index"), function<lpad>("skep_lpad"),
      function<rpad>("skep_rpad"), function<repeat>("skep_repeat"), function<ascii>("skep_ascii"),
      function<endsLine>("skep_ends_line"),
      function<chr>("skep_chr"), function<chrOf>("skep_chr"), function<unbase64>("skep_unbase64"),
      function<conv>("skep_conv"), function<hexBytes>("skep_hex"), function<hexText>("skep_hex"), function<hexInteger>("skep_hex"), function<bin>("skep_bin"),
      function<unhex>("skep_unhex"), function<initcap>("skep_initcap"), function<soundex>("skep_soundex"),
      function<findInSet>("skep_find_in_set"), function<formatNumber>("skep_format_number"),
      function<crc>("skep_crc32"), function<crcText>("skep_crc32"), function<parseUrl>("skep_parse_url"),
      function<parseUrlKey>("skep_parse_url"), function<factorial>("skep_factorial"),
      function<sha2>("skep_sha2"), function<sha2Text>("skep_sha2"), function<instr>("skep_instr"),
      function<assertTrue>("skep_assert_true"), function<enforce>("skep_enforce"),
  };
}

}  // namespace skep
