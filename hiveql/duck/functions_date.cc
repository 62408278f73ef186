// Dates and times: reading, formatting by SimpleDateFormat patterns, calendar arithmetic.
#include "functions.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <ctime>
#include <stdexcept>

namespace skep {

// The calendar arithmetic counts years from March, so that the leap day comes last.
int64_t daysOf(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t ofEra = year - era * 400;
  int64_t ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719468;
}

void dateOf(int64_t days, int64_t &year, int &month, int &day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t ofEra = days - era * 146097;
  int64_t yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146096) / 365;
  int64_t ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  int64_t shifted = (5 * ofYear + 2) / 153;
  day = int(ofYear - (153 * shifted + 2) / 5 + 1);
  month = int(shifted < 10 ? shifted + 3 : shifted - 9);
  year = yearOfEra + era * 400 + (month <= 2);
}

int daysIn(int64_t year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : days[month - 1];
}

namespace {

constexpr int64_t second = 1000000, minute = 60 * second, hour = 60 * minute, dayMicros = 24 * hour;

int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }

// Scanner reads the parts of a text; once something does not fit, ok is false.
struct Scanner {
  std::string_view text;
  bool ok = true;

  bool accept(char c) {
    if (text.empty() || text[0] != c) return false;
    text.remove_prefix(1);
    return true;
  }
  void expect(char c) { ok = accept(c) && ok; }
  int64_t number(int least, int most) {
    int64_t n = 0;
    int i = 0;
    for (; i < most && i < int(text.size()) && text[i] >= '0' && text[i] <= '9'; i++) n = n * 10 + (text[i] - '0');
    text.remove_prefix(i);
    ok = ok && i >= least;
    return n;
  }
  int64_t date() {
    bool negative = accept('-');
    int64_t year = number(1, 4);
    if (negative) year = -year;
    expect('-');
    int month = int(number(1, 2));
    expect('-');
    int day = int(number(1, 2));
    ok = ok && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
    return ok ? daysOf(year, month, day) : 0;
  }
};

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && static_cast<unsigned char>(s.front()) <= ' ') s.remove_prefix(1);
  while (!s.empty() && static_cast<unsigned char>(s.back()) <= ' ') s.remove_suffix(1);
  return s;
}

// offset accepts +01:00, +1:00 and +01:00:00.
bool offset(std::string_view s) {
  Scanner r{s};
  if (!r.accept('+') && !r.accept('-')) return false;
  int64_t h = r.number(1, 2), m = 0, sec = 0;
  r.expect(':');
  m = r.number(2, 2);
  if (r.accept(':')) sec = r.number(2, 2);
  return r.ok && r.text.empty() && h <= 18 && m < 60 && sec < 60;
}

// zone accepts Z, UTC, offsets and the names of regions, as Java writes them. Which it is does not matter for a
// timestamp without zone.
bool zone(std::string_view s) {
  static const std::string_view regions[] = {"CET", "CST6CDT", "Cuba", "EET", "EST5EDT", "Egypt", "Eire", "GB", "GB-Eire", "GMT0",
      "Greenwich", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein", "Libya", "MET", "MST7MDT", "NZ", "NZ-CHAT",
      "Navajo", "PRC", "PST8PDT", "Poland", "Portugal", "ROK", "Singapore", "Turkey", "UCT", "Universal", "W-SU", "WET", "Zulu"};
  if (s == "Z") return true;
  for (std::string_view prefix : {"UTC", "GMT", "UT"}) {
    if (s.substr(0, prefix.size()) == prefix && s.size() > prefix.size()) return offset(s.substr(prefix.size()));
    if (s == prefix) return true;
  }
  if (offset(s)) return true;
  for (char c : s) {
    if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '_' || c == '+' || c == '-')) return false;
  }
  size_t slash = s.find('/');
  if (slash != s.npos) return std::isupper(static_cast<unsigned char>(s[0])) && slash + 1 < s.size();
  return std::find(std::begin(regions), std::end(regions), s) != std::end(regions);
}

}  // namespace

namespace {

// today is the current date of this machine, as days since 1970.
int64_t today() {
  std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return daysOf(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

// clockOnly is whether a trimmed text begins as a time without a date does.
bool clockOnly(std::string_view text) { return text.size() >= 5 && text[2] == ':' && text[0] != '-'; }

// parseClock reads a time without a date, 12:58 or 12:58:59.25, which Hive takes for one of today. One that is as long
// as a date is none to Hive.
bool parseClock(int64_t &micros, int32_t &rest, std::string_view text) {
  Scanner s{text};
  int64_t h = s.number(2, 2), sec = 0, fraction = 0;
  s.expect(':');
  int64_t m = s.number(2, 2);
  if (s.accept(':')) {
    sec = s.number(2, 2);
    if (s.accept('.')) {
      size_t before = s.text.size();
      fraction = s.number(1, 9);
      for (size_t i = before - s.text.size(); i < 9; i++) fraction *= 10;
    }
  }
  if (!s.ok || !s.text.empty() || text.size() == 10 || h > 23 || m > 59 || sec > 59) return false;
  micros = today() * dayMicros + h * hour + m * minute + sec * second + fraction / 1000;
  rest = int32_t(fraction % 1000);
  return true;
}

// readDate reads the date with which a text begins, whatever comes behind it but digits.
bool readDate(int64_t &days, Scanner &s) {
  days = s.date();
  return s.ok && (s.text.empty() || s.text[0] < '0' || s.text[0] > '9');
}

// readTime reads 12:58:59.5, and after a T also 12:58; exact is that there are two digits everywhere. Behind a blank
// a zone may follow.
bool readTime(int64_t &micros, int32_t &rest, std::string_view text, bool exact, bool &zoned) {
  Scanner s{text};
  zoned = false;
  bool iso = s.accept('T');
  if (!iso && !s.accept(' ')) return false;
  const char *begin = s.text.data();
  int least = iso ? 2 : 1;
  int64_t h = s.number(least, 2), sec = 0, fraction = 0;
  s.expect(':');
  int64_t m = s.number(least, 2);
  if (!iso || !s.text.empty()) {
    s.expect(':');
    sec = s.number(least, 2);
  }
  exact = exact && s.text.data() - begin == 8;
  if (s.accept('.')) {
    size_t before = s.text.size();
    fraction = s.number(iso ? 0 : 1, 9);
    for (size_t i = before - s.text.size(); i < 9; i++) fraction *= 10;
    if (!s.text.empty() && s.text[0] >= '0' && s.text[0] <= '9') s.text = {};  // and all that follows
  }
  if (!s.text.empty()) {
    zoned = true;
    s.accept(' ');
    if (iso || !exact || !zone(s.text)) return false;
  }
  if (!s.ok || h > 23 || m > 59 || sec > 59) return false;
  micros = h * hour + m * minute + sec * second + fraction / 1000;
  rest = int32_t(fraction % 1000);
  return true;
}

}  // namespace

bool parseDate(int64_t &days, std::string_view text) {
  Scanner s{trimmed(text)};
  int64_t micros;
  int32_t rest;
  if (clockOnly(s.text)) return parseClock(micros, rest, s.text) && (days = micros / dayMicros, true);
  return readDate(days, s);
}

bool parseTime(int64_t &micros, std::string_view text) {
  int32_t rest;
  return parseStamp(micros, rest, text);
}

// parseStamp takes the date alone where what follows is no time.
bool parseStamp(int64_t &micros, int32_t &rest, std::string_view text) {
  rest = 0;
  Scanner s{trimmed(text)};
  if (clockOnly(s.text)) return parseClock(micros, rest, s.text);
  const char *begin = s.text.data();
  int64_t days, clock = 0;
  bool zoned;
  if (!readDate(days, s)) return false;
  if (!readTime(clock, rest, s.text, s.text.data() - begin == 10, zoned)) clock = rest = 0;
  micros = days * dayMicros + clock;
  return true;
}

// parseWhole wants a date and a time, and nothing else.
bool parseWhole(int64_t &micros, std::string_view text) {
  Scanner s{trimmed(text)};
  const char *begin = s.text.data();
  int64_t days, clock;
  int32_t rest;
  bool zoned;
  if (!readDate(days, s) || !readTime(clock, rest, s.text, s.text.data() - begin == 10, zoned) || zoned) return false;
  return micros = days * dayMicros + clock, true;
}

namespace {

// weekdayOf is 0 for Sunday.
int weekdayOf(int64_t days) { return int(((days % 7) + 11) % 7); }

// Fields are the parts of a time.
struct Fields {
  int64_t year = 1970;
  int month = 1, day = 1;
  int64_t days = 0, clock = 0;  // microseconds of the day

  explicit Fields(int64_t micros) {
    days = floorDivide(micros, dayMicros);
    clock = micros - days * dayMicros;
    dateOf(days, year, month, day);
  }
  int weekday() const { return weekdayOf(days); }
  // Weeks begin on Sunday, and the first is the one with January 1st.
  int week() const {
    if (inNextYear()) return 1;
    return (ofYear() - 1 + weekdayOf(daysOf(year, 1, 1))) / 7 + 1;
  }
  int64_t weekYear() const { return inNextYear() ? year + 1 : year; }
  // inNextYear says whether the week is the first one of the next year.
  bool inNextYear() const { return daysOf(year + 1, 1, 1) - (days - weekday()) < 7; }
  int ofYear() const { return int(days - daysOf(year, 1, 1)) + 1; }
};

const char *const monthNames[] = {"January", "February", "March", "April", "May", "June", "July",
                                  "August", "September", "October", "November", "December"};
const char *const dayNames[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

void padded(std::string &out, int64_t n, size_t width) {
  std::string digits = std::to_string(n < 0 ? -n : n);
  if (n < 0) out += '-';
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void formatField(std::string &out, char letter, size_t count, const Fields &f) {
  switch (letter) {
    case 'y': case 'u': case 'Y': {
      // u is the day of the week to SimpleDateFormat, and the year to DateTimeFormatter: in patterns, uuuu is meant so.
      if (letter == 'u' && count < 3) return padded(out, f.weekday() == 0 ? 7 : f.weekday(), count);
      int64_t year = letter == 'Y' ? f.weekYear() : f.year;
      return count == 2 ? padded(out, year % 100, 2) : padded(out, year, count);
    }
    case 'M': case 'L':
      if (count >= 4) { out += monthNames[f.month - 1]; return; }
      if (count == 3) { out.append(monthNames[f.month - 1], 3); return; }
      return padded(out, f.month, count);
    case 'd': return padded(out, f.day, count);
    case 'D': return padded(out, f.ofYear(), count);
    case 'E':
      if (count >= 4) out += dayNames[f.weekday()];
      else out.append(dayNames[f.weekday()], 3);
      return;
    case 'a': out += f.clock < 12 * hour ? "AM" : "PM"; return;
    case 'H': return padded(out, f.clock / hour, count);
    case 'k': return padded(out, f.clock < hour ? 24 : f.clock / hour, count);
    case 'K': return padded(out, f.clock / hour % 12, count);
    case 'h': return padded(out, (f.clock / hour + 11) % 12 + 1, count);
    case 'm': return padded(out, f.clock / minute % 60, count);
    case 's': return padded(out, f.clock / second % 60, count);
    case 'S': return padded(out, f.clock / 1000 % 1000, count);
    case 'G': out += f.year > 0 ? "AD" : "BC"; return;
    case 'w': return padded(out, f.week(), count);
    case 'W': return padded(out, (f.day - 1 + weekdayOf(f.days - f.day + 1)) / 7 + 1, count);
    case 'F': return padded(out, (f.day - 1) / 7 + 1, count);
    case 'z': out += count < 4 ? "UTC" : "Coordinated Universal Time"; return;
    case 'Z': out += "+0000"; return;
    case 'X': out += 'Z'; return;
  }
  throw std::runtime_error(std::string("skep:the letter ") + letter + " of a date pattern is not supported yet");
}

// eachPart calls text(literal) or field(letter, count) for the parts of a pattern, and reports
// whether its quotes end.
template <typename Text, typename Field> bool eachPart(std::string_view pattern, Text text, Field field) {
  for (size_t i = 0; i < pattern.size();) {
    char c = pattern[i];
    if (c == '\'') {
      std::string literal;
      if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
        literal = "'";
        i += 2;
      } else {
        for (i++; i < pattern.size(); i++) {
          if (pattern[i] != '\'') {
            literal += pattern[i];
          } else if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
            literal += pattern[i++];
          } else {
            break;
          }
        }
        if (i == pattern.size()) return false;
        i++;
      }
      text(literal);
    } else if (std::isalpha(static_cast<unsigned char>(c))) {
      size_t count = 1;
      while (i + count < pattern.size() && pattern[i + count] == c) count++;
      field(c, count);
      i += count;
    } else {
      text(std::string(1, c));
      i++;
    }
  }
  return true;
}

bool format(std::string &out, Time t, std::string_view pattern) {
  Fields f(t.micros);
  out.clear();
  bool known = true;
  bool closed = eachPart(pattern, [&](const std::string &s) { out += s; },
                         [&](char letter, size_t count) {
                           if (!std::strchr("GyYMLwWDdFEuaHkKhmsSzZX", letter) || (letter == 'X' && count > 3)) known = false;
                           else formatField(out, letter, count, f);
                         });
  return known && closed;
}

bool formatSeconds(std::string &out, int64_t seconds, std::string_view pattern) {
  return format(out, Time{seconds * second}, pattern);
}

// name matches the longest of the names at the start of the text, or its first three letters.
int name(Scanner &s, const char *const *names, int count) {
  auto same = [&](const char *word, size_t n) {
    if (s.text.size() < n) return false;
    for (size_t i = 0; i < n; i++) {
      if ((s.text[i] | 0x20) != (word[i] | 0x20)) return false;
    }
    return true;
  };
  for (size_t shortest : {size_t(0), size_t(3)}) {
    for (int i = 0; i < count; i++) {
      size_t n = shortest ? shortest : std::strlen(names[i]);
      if (same(names[i], n)) {
        s.text.remove_prefix(n);
        return i;
      }
    }
  }
  s.ok = false;
  return 0;
}

// parse reads a text by a pattern. As with SimpleDateFormat, numbers may have any length unless
// the next field follows at once, and text after the end is ignored.
bool parse(int64_t &seconds, std::string_view text, std::string_view pattern) {
  Scanner s{text};
  int64_t year = 1970, month = 1, day = 1, h = 0, m = 0, sec = 0, offset = 0, ofYear = 0;
  bool pm = false, twelve = false;
  std::vector<std::pair<char, size_t>> parts;
  std::vector<std::string> literals;
  bool closed = eachPart(pattern,
                         [&](const std::string &l) { parts.push_back({0, literals.size()}); literals.push_back(l); },
                         [&](char letter, size_t count) { parts.push_back({letter, count}); });
  if (!closed) return false;
  for (size_t i = 0; i < parts.size() && s.ok; i++) {
    auto [letter, count] = parts[i];
    if (!letter) {
      const std::string &l = literals[count];
      if (s.text.substr(0, l.size()) != l) return false;
      s.text.remove_prefix(l.size());
      continue;
    }
    bool adjacent = i + 1 < parts.size() && parts[i + 1].first && std::strchr("yMdHhmsSkKDu", parts[i + 1].first);
    int most = adjacent ? int(count) : 18;
    switch (letter) {
      case 'y': {
        size_t before = s.text.size();
        year = s.number(1, most);
        if (count == 2 && before - s.text.size() == 2) year += year < 70 ? 2000 : 1900;
        break;
      }
      case 'M': month = count >= 3 ? name(s, monthNames, 12) + 1 : s.number(1, most); break;
      case 'd': day = s.number(1, most); break;
      case 'D': ofYear = s.number(1, most); break;
      case 'H': case 'k': h = s.number(1, most) % 24; break;
      case 'h': case 'K': h = s.number(1, most) % 12; twelve = true; break;
      case 'm': m = s.number(1, most); break;
      case 's': sec = s.number(1, most); break;
      case 'S': s.number(1, most); break;
      case 'E': name(s, dayNames, 7); break;
      case 'a':
        pm = !s.text.empty() && (s.text[0] | 0x20) == 'p';
        s.ok = s.text.size() >= 2;
        s.text.remove_prefix(s.ok ? 2 : 0);
        break;
      case 'z': case 'Z': case 'X': {
        if (s.accept('Z')) break;
        if (s.text.substr(0, 3) == "UTC" || s.text.substr(0, 3) == "GMT") s.text.remove_prefix(3);
        bool minus = s.accept('-');
        if (!minus && !s.accept('+')) break;
        offset = s.number(2, 2) * 3600;
        s.accept(':');
        offset += s.number(2, 2) * 60;
        if (minus) offset = -offset;
        break;
      }
      default:
        throw std::runtime_error(std::string("skep:the letter ") + letter + " of a date pattern is not supported yet");
    }
  }
  if (!s.ok || year > 290000 || month > 1000000 || day > 10000000 || h > 10000000 || m > 100000000 || sec > 10000000000) return false;
  // Java's calendar is lenient: month 13 is January of the next year.
  month--;
  year += floorDivide(month, 12);
  month -= floorDivide(month, 12) * 12;
  if (twelve && pm) h += 12;
  int64_t days = ofYear ? daysOf(year, 1, 1) + ofYear - 1 : daysOf(year, int(month) + 1, 1) + day - 1;
  seconds = days * 86400 + h * 3600 + m * 60 + sec - offset;
  return true;
}

bool addMonths(Date &out, Date in, int32_t n) {
  int64_t year;
  int month, day;
  dateOf(in.days, year, month, day);
  bool last = day == daysIn(year, month);
  int64_t months = year * 12 + month - 1 + n;
  year = floorDivide(months, 12);
  month = int(months - year * 12) + 1;
  if (year < -9999 || year > 9999) return false;
  int length = daysIn(year, month);
  out.days = int32_t(daysOf(year, month, last || day > length ? length : day));
  return true;
}

bool addDays(Date &out, Date in, int32_t n) {
  return out.days = int32_t(uint32_t(in.days) + uint32_t(n)), true;
}

bool upper(std::string_view s, std::string &word) {
  word.clear();
  for (char c : s) word += char(std::toupper(static_cast<unsigned char>(c)));
  return true;
}

bool truncDate(Date &out, Date in, std::string_view unit) {
  int64_t year;
  int month, day;
  std::string u;
  upper(unit, u);
  dateOf(in.days, year, month, day);
  if (u == "MONTH" || u == "MON" || u == "MM") return out.days = int32_t(daysOf(year, month, 1)), true;
  if (u == "YEAR" || u == "YYYY" || u == "YY") return out.days = int32_t(daysOf(year, 1, 1)), true;
  if (u == "QUARTER" || u == "Q") return out.days = int32_t(daysOf(year, (month - 1) / 3 * 3 + 1, 1)), true;
  return false;
}

bool nextDay(Date &out, Date in, std::string_view day) {
  std::string d;
  upper(day, d);
  for (int i = 0; i < 7 && d.size() >= 2; i++) {
    std::string full;
    upper(dayNames[i], full);
    if (d == full || (d.size() <= 3 && full.substr(0, d.size()) == d)) {
      int ahead = (i - Fields(int64_t(in.days) * dayMicros).weekday() + 7) % 7;
      out.days = in.days + (ahead ? ahead : 7);
      return true;
    }
  }
  return false;
}

// monthsBetween counts whole months where both are the same day or both the last; otherwise
// the rest in days of 1/31 month.
bool monthsBetween(double &out, Time a, Time b, bool roundOff) {
  Fields x(a.micros), y(b.micros);
  int64_t months = (x.year - y.year) * 12 + x.month - y.month;
  bool lastX = x.day == daysIn(x.year, x.month), lastY = y.day == daysIn(y.year, y.month);
  if (x.day == y.day || (lastX && lastY)) return out = double(months), true;
  int64_t seconds = (x.day - y.day) * 86400 + (x.clock - y.clock) / second;
  out = double(months) + double(seconds) / (31 * 86400);
  if (roundOff) out = std::round(out * 1e8) / 1e8;
  return true;
}

bool week(int32_t &out, Date in) {
  int64_t thursday = int64_t(in.days) + 3 - (((int64_t(in.days) + 3) % 7 + 7) % 7);
  int64_t year;
  int month, day;
  dateOf(thursday, year, month, day);
  out = int32_t((thursday - daysOf(year, 1, 1)) / 7 + 1);
  return true;
}

}  // namespace

std::vector<Function> dates() {
  return {
      function<format>("skep_date_format"), function<formatSeconds>("skep_date_format"),
      function<parse>("skep_parse_seconds"), function<addMonths>("skep_add_months"),
      function<addDays>("skep_add_days"), function<truncDate>("skep_trunc"),
      function<nextDay>("skep_next_day"), function<monthsBetween>("skep_months_between"),
      function<week>("skep_week"),
  };
}

}  // namespace skep
