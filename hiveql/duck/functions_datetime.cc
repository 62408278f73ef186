// Dates and times by the patterns of Java's DateTimeFormatter, in its smart mode, which Hive 4 uses
// unless hive.datetime.formatter is SIMPLE.
#include "functions.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <stdexcept>

namespace skep {

namespace {

constexpr int64_t second = 1000000, daySeconds = 86400;

const char *const months[] = {"January", "February", "March", "April", "May", "June", "July",
                              "August", "September", "October", "November", "December"};
const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }
int weekdayOf(int64_t days) { return int(((days % 7) + 11) % 7); }  // 0 is Sunday

// Part of a pattern: letters, or the letter 0 for text that stands for itself, or [ and ].
struct Part {
  char letter;
  int count;
  std::string text;
};

// Pattern is what a text means; wrong where it means nothing.
struct Pattern {
  std::string source;
  std::vector<Part> parts;
  bool wrong = false;
};

// most is how many of a letter may follow each other; 0 is of letters that mean nothing.
int most(char letter) {
  switch (letter) {
    case 'd': case 'h': case 'H': case 'k': case 'K': case 'm': case 's': case 'w': return 2;
    case 'W': case 'F': case 'a': return 1;
    case 'D': return 3;
    case 'G': case 'M': case 'L': case 'E': case 'e': case 'c': case 'Q': case 'q': case 'Z': case 'X': case 'x': return 5;
    case 'S': return 9;
    case 'u': case 'y': case 'Y': case 'A': case 'n': case 'N': return 18;
    case 'z': case 'O': return 4;
    case 'V': return 2;
  }
  return 0;
}

void compile(Pattern &p, std::string_view source) {
  p.source = source;
  p.parts.clear();
  p.wrong = false;
  int depth = 0;
  for (size_t i = 0; i < source.size() && !p.wrong;) {
    char c = source[i];
    if (c == '\'') {
      std::string text;
      bool ends = false;
      for (i++; i < source.size() && !ends; i++) {
        if (source[i] != '\'') text += source[i];
        else if (i + 1 < source.size() && source[i + 1] == '\'') text += source[i++];
        else ends = true;
      }
      p.wrong = !ends;
      p.parts.push_back({0, 0, text.empty() ? "'" : text});
    } else if (std::isalpha(static_cast<unsigned char>(c))) {
      int n = 1;
      while (i + n < source.size() && source[i + n] == c) n++;
      i += n;
      p.wrong = n > most(c) || (c == 'V' && n != 2) || (c == 'c' && n == 2) || (c == 'O' && n != 1 && n != 4);
      p.parts.push_back({c, n, ""});
    } else {
      i++;
      depth += (c == '[') - (c == ']');
      p.wrong = c == '{' || c == '}' || c == '#' || depth < 0;
      p.parts.push_back({c == '[' || c == ']' ? c : char(0), 0, std::string(1, c)});
    }
  }
}

// compiled keeps the pattern that a thread has used last.
const Pattern &compiled(std::string_view source) {
  thread_local Pattern last;
  if (last.source != source || last.parts.empty()) compile(last, source);
  return last;
}

void padded(std::string &out, int64_t n, int width) {
  std::string digits = std::to_string(n < 0 ? -n : n);
  if (n < 0) out += '-';
  if (int(digits.size()) < width) out.append(width - digits.size(), '0');
  out += digits;
}

// Moment is a time of which a pattern prints parts.
struct Moment {
  int64_t year = 0, days = 0, nanos = 0;  // nanoseconds of the day
  int month = 0, day = 0;

  Moment(int64_t micros, int64_t rest) {
    days = floorDivide(micros, daySeconds * second);
    nanos = (micros - days * daySeconds * second) * 1000 + rest;
    dateOf(days, year, month, day);
  }
  int64_t seconds() const { return nanos / 1000000000; }
  int weekday() const { return weekdayOf(days); }
  int ofYear() const { return int(days - daysOf(year, 1, 1)) + 1; }
  // Weeks begin on Sunday, and the first is the one with January 1st.
  bool inNextYear() const { return daysOf(year + 1, 1, 1) - (days - weekday()) < 7; }
  int week() const { return inNextYear() ? 1 : (ofYear() - 1 + weekdayOf(daysOf(year, 1, 1))) / 7 + 1; }
  int64_t weekYear() const { return year + inNextYear(); }
};

void yearText(std::string &out, int64_t year, int count) {
  if (count == 2) return padded(out, (year % 100 + 100) % 100, 2);
  std::string digits = std::to_string(year < 0 ? -year : year);
  if (count >= 4 && year > 0 && int(digits.size()) > count) out += '+';
  padded(out, year, count);
}

// named prints the name of a month or day: short, whole or one letter.
void named(std::string &out, const char *name, int count) { out.append(name, count == 4 ? std::strlen(name) : count == 5 ? 1 : 3); }

void print(std::string &out, const Part &p, const Moment &m) {
  int64_t of = m.seconds();
  switch (p.letter) {
    case 'G': out += p.count == 4 ? (m.year > 0 ? "Anno Domini" : "Before Christ") : p.count == 5 ? (m.year > 0 ? "A" : "B") : m.year > 0 ? "AD" : "BC"; return;
    case 'u': return yearText(out, m.year, p.count);
    case 'y': return yearText(out, m.year > 0 ? m.year : 1 - m.year, p.count);
    case 'Y': return yearText(out, m.weekYear(), p.count);
    case 'M': case 'L': return p.count > 2 ? named(out, months[m.month - 1], p.count) : padded(out, m.month, p.count);
    case 'Q': case 'q': {
      int quarter = (m.month - 1) / 3 + 1;
      static const char *const names[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
      if (p.count == 3) out += 'Q';
      if (p.count == 4) { out += names[quarter - 1]; return; }
      return padded(out, quarter, p.count == 2 ? 2 : 1);
    }
    case 'E': return named(out, weekdays[m.weekday()], p.count);
    case 'e': case 'c': return p.count > 2 ? named(out, weekdays[m.weekday()], p.count) : padded(out, m.weekday() + 1, p.count);
    case 'w': return padded(out, m.week(), p.count);
    case 'W': return padded(out, (m.day - 1 + weekdayOf(m.days - m.day + 1)) / 7 + 1, p.count);
    case 'F': return padded(out, (m.day - 1) % 7 + 1, p.count);
    case 'D': return padded(out, m.ofYear(), p.count);
    case 'd': return padded(out, m.day, p.count);
    case 'a': out += of < 43200 ? "AM" : "PM"; return;
    case 'H': return padded(out, of / 3600, p.count);
    case 'k': return padded(out, of < 3600 ? 24 : of / 3600, p.count);
    case 'K': return padded(out, of / 3600 % 12, p.count);
    case 'h': return padded(out, (of / 3600 + 11) % 12 + 1, p.count);
    case 'm': return padded(out, of / 60 % 60, p.count);
    case 's': return padded(out, of % 60, p.count);
    case 'A': return padded(out, m.nanos / 1000000, p.count);
    case 'n': return padded(out, m.nanos % 1000000000, p.count);
    case 'N': return padded(out, m.nanos, p.count);
    case 'S': {
      std::string digits;
      padded(digits, m.nanos % 1000000000, 9);
      out.append(digits, 0, p.count);
      return;
    }
    case 'z': out += p.count < 4 ? "UTC" : "Coordinated Universal Time"; return;
    case 'V': out += "UTC"; return;
    case 'O': out += "GMT"; return;
    case 'Z': out += p.count < 4 ? "+0000" : p.count == 4 ? "GMT" : "Z"; return;
    case 'X': out += 'Z'; return;
    case 'x': out += p.count == 1 ? "+00" : p.count % 2 == 0 ? "+0000" : "+00:00"; return;
    case 0: out += p.text; return;
  }
}

bool printed(std::string &out, int64_t micros, int64_t rest, std::string_view source) {
  const Pattern &p = compiled(source);
  out.clear();
  if (p.wrong) return false;
  Moment m(micros, rest);
  for (const Part &part : p.parts) print(out, part, m);
  return true;
}

bool format(std::string &out, Time t, std::string_view pattern) { return printed(out, t.micros, 0, pattern); }

bool formatStamp(std::string &out, Huge s, std::string_view pattern) {
  return printed(out, static_cast<int64_t>(s.value >> 64), static_cast<int64_t>(static_cast<uint64_t>(s.value)), pattern);
}

bool formatSeconds(std::string &out, int64_t seconds, std::string_view pattern) {
  return printed(out, seconds * second, 0, pattern);
}

// Reading is what has been read of a text.
struct Reading {
  std::string_view text;
  std::optional<int64_t> year, yearOfEra, month, day, ofYear, hour, half, minute, sec;
  std::optional<int> weekday, era, afternoon;
  int64_t offset = 0;

  bool eat(std::string_view word) {
    if (text.size() < word.size()) return false;
    for (size_t i = 0; i < word.size(); i++) {
      if (std::tolower(static_cast<unsigned char>(text[i])) != std::tolower(static_cast<unsigned char>(word[i]))) return false;
    }
    text.remove_prefix(word.size());
    return true;
  }
};

// Width is how many digits a number has; EXCEEDS is Java's sign style EXCEEDS_PAD.
struct Width {
  int least, most;
  bool exceeds = false;
  bool fixed() const { return least == most; }
};

std::optional<Width> widthOf(const Part &p) {
  switch (p.letter) {
    case 'u': case 'y':
      if (p.count == 2) return Width{2, 2};
      return Width{p.count, 18, p.count >= 4};
    case 'M': case 'L':
      if (p.count > 2) return std::nullopt;
      [[fallthrough]];
    case 'd': case 'H': case 'k': case 'K': case 'h': case 'm': case 's':
      return p.count == 1 ? Width{1, 18} : Width{2, 2};
    case 'D': return p.count == 1 ? Width{1, 18} : Width{p.count, 3};
    case 'S': return Width{p.count, p.count};
  }
  return std::nullopt;
}

// number reads digits, of which those of the fixed numbers behind it are left.
bool number(Reading &r, Width w, int behind, int64_t &n) {
  bool plus = !r.text.empty() && r.text[0] == '+', minus = !r.text.empty() && r.text[0] == '-';
  if ((plus && !w.exceeds) || (minus && w.fixed())) return false;
  if (plus || minus) r.text.remove_prefix(1);
  int digits = 0;
  while (digits < w.most + behind && digits < int(r.text.size()) && std::isdigit(static_cast<unsigned char>(r.text[digits]))) digits++;
  if (behind > 0) digits = std::max(w.least, digits - behind);
  digits = std::min({digits, w.most, 18});
  if (digits < w.least || digits > int(r.text.size())) return false;
  n = 0;
  for (int i = 0; i < digits; i++) {
    if (!std::isdigit(static_cast<unsigned char>(r.text[i]))) return false;
    n = n * 10 + (r.text[i] - '0');
  }
  r.text.remove_prefix(digits);
  if (w.exceeds && !minus && (plus ? digits <= w.least : digits > w.least)) return false;
  if (minus) n = -n;
  return !(minus && n == 0);
}

bool word(Reading &r, const char *const *names, int count, int style, int64_t &n) {
  for (int i = 0; i < count; i++) {
    std::string_view name = names[i];
    if (r.eat(style == 4 ? name : name.substr(0, style == 5 ? 1 : 3))) return n = i, true;
  }
  return false;
}

// offset reads +01:00 and the like: hours, and minutes where they are there.
bool offset(Reading &r) {
  bool minus = !r.text.empty() && r.text[0] == '-';
  if (!minus && (r.text.empty() || r.text[0] != '+')) return false;
  r.text.remove_prefix(1);
  int64_t hours, minutes = 0;
  if (!number(r, {2, 2}, 0, hours)) return false;
  bool colon = r.eat(":");
  if ((colon || (!r.text.empty() && std::isdigit(static_cast<unsigned char>(r.text[0])))) && !number(r, {2, 2}, 0, minutes)) return false;
  r.offset = (hours * 3600 + minutes * 60) * (minus ? -1 : 1);
  return hours <= 18 && minutes < 60;
}

bool zone(Reading &r, const Part &p) {
  if (p.letter == 'X' || p.letter == 'x' || (p.letter == 'Z' && p.count != 4)) return (p.letter != 'x' && r.eat("Z")) || offset(r);
  if (r.eat("UTC") || r.eat("GMT") || r.eat("UT") || (p.letter == 'V' && r.eat("Z"))) {
    if (!r.text.empty() && (r.text[0] == '+' || r.text[0] == '-')) return offset(r);
    return true;
  }
  return p.letter == 'V' && offset(r);
}

bool field(Reading &r, const Part &p, int behind) {
  int64_t n = 0;
  if (auto w = widthOf(p)) {
    if (!number(r, *w, behind, n)) return false;
    switch (p.letter) {
      case 'u': r.year = p.count == 2 ? 2000 + n : n; break;
      case 'y': r.yearOfEra = p.count == 2 ? 2000 + n : n; break;
      case 'M': case 'L': r.month = n; break;
      case 'd': r.day = n; break;
      case 'D': r.ofYear = n; break;
      case 'H': r.hour = n; break;
      case 'k': r.hour = n == 24 ? 0 : n; break;
      case 'K': r.half = n; break;
      case 'h': r.half = n == 12 ? 0 : n; break;
      case 'm': r.minute = n; break;
      case 's': r.sec = n; break;
    }
    return true;
  }
  switch (p.letter) {
    case 'M': case 'L':
      if (!word(r, months, 12, p.count, n)) return false;
      r.month = n + 1;
      return true;
    case 'E':
      if (!word(r, weekdays, 7, p.count, n)) return false;
      r.weekday = int(n);
      return true;
    case 'G': {
      bool ad = r.eat(p.count == 4 ? "Anno Domini" : p.count == 5 ? "A" : "AD");
      r.era = ad;
      return ad || r.eat(p.count == 4 ? "Before Christ" : p.count == 5 ? "B" : "BC");
    }
    case 'a':
      r.afternoon = r.eat("PM");
      return *r.afternoon || r.eat("AM");
    case 'z': case 'Z': case 'X': case 'x': case 'V': case 'O': return zone(r, p);
    case 0: return r.eat(p.text);
  }
  throw std::runtime_error(std::string("skep:the letter ") + p.letter + " of the pattern of a date that is read is not supported yet");
}

// read reads the parts from one place to another. What is in brackets may be missing.
bool read(Reading &r, const std::vector<Part> &parts, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (parts[i].letter == ']') continue;
    if (parts[i].letter == '[') {
      int depth = 1;
      size_t end = i + 1;
      for (; end < to; end++) {
        depth += (parts[end].letter == '[') - (parts[end].letter == ']');
        if (!depth) break;
      }
      Reading attempt = r;
      if (read(attempt, parts, i + 1, end)) r = attempt;
      i = end;
      continue;
    }
    int behind = 0;
    auto w = widthOf(parts[i]);
    for (size_t k = i + 1; w && !w->fixed() && k < to; k++) {
      auto next = widthOf(parts[k]);
      if (!next || !next->fixed()) break;
      behind += next->most;
    }
    if (!field(r, parts[i], behind)) return false;
  }
  return true;
}

bool within(std::optional<int64_t> n, int64_t least, int64_t most) { return !n || (*n >= least && *n <= most); }

// dayOf is the date that was read: of day 31 of a shorter month, its last one.
bool dayOf(const Reading &r, int64_t &days) {
  if (!within(r.month, 1, 12) || !within(r.day, 1, 31) || !within(r.ofYear, 1, 366) || !within(r.yearOfEra, 1, 999999999)) return false;
  if (!r.year && !r.yearOfEra) return false;
  int64_t year = r.year ? *r.year : r.era && !*r.era ? 1 - *r.yearOfEra : *r.yearOfEra;
  if (year > 290000 || year < -290000) return false;
  if (r.month && r.day) {
    days = daysOf(year, int(*r.month), std::min(int(*r.day), daysIn(year, int(*r.month))));
  } else if (r.ofYear) {
    days = daysOf(year, 1, 1) + *r.ofYear - 1;
    if (*r.ofYear == 366 && daysIn(year, 2) < 29) return false;
  } else {
    return false;
  }
  return !r.weekday || weekdayOf(days) == *r.weekday;
}

// parse gives the seconds since 1970 of a time that is taken for UTC if the text names no zone. Without
// an hour, or with one of twelve and no half of the day, it is midnight.
bool parse(int64_t &seconds, std::string_view text, std::string_view source) {
  const Pattern &p = compiled(source);
  if (p.wrong) return false;
  Reading r;
  r.text = text;
  int64_t days, clock = 0;
  if (!read(r, p.parts, 0, p.parts.size()) || !r.text.empty() || !dayOf(r, days)) return false;
  if (!within(r.half, 0, 11) || !within(r.minute, 0, 59) || !within(r.sec, 0, 59) || !within(r.hour, 0, 24)) return false;
  if (!r.hour && r.half && r.afternoon) r.hour = *r.half + 12 * *r.afternoon;
  if (r.hour && (r.minute || !r.sec)) {
    clock = *r.hour * 3600 + r.minute.value_or(0) * 60 + r.sec.value_or(0);
    if (clock > daySeconds || (*r.hour == 24 && clock != daySeconds)) return false;
  }
  seconds = days * daySeconds + clock - r.offset;
  return true;
}

}  // namespace

std::vector<Function> dateTimes() {
  return {
      function<format>("skep_format"), function<formatStamp>("skep_format"), function<formatSeconds>("skep_format"),
      function<parse>("skep_parse"),
  };
}

}  // namespace skep
