// Numbers for the distinct keys of partitions, given out in the order in which they turn up.
#include "functions.h"

#include <deque>
#include <mutex>
#include <unordered_map>

namespace skep {
namespace {

struct Ordinals {
  std::mutex mutex;
  std::unordered_map<std::string, int64_t> numbers;
  std::deque<std::string> keys;

  int64_t number(std::string_view key) {
    std::lock_guard<std::mutex> lock(mutex);
    auto [entry, fresh] = numbers.try_emplace(std::string(key), int64_t(keys.size()));
    if (fresh) keys.push_back(entry->first);
    return entry->second;
  }
};

// ordinal takes the address of the Ordinals, which outlives the statement.
bool ordinal(int64_t &out, int64_t address, std::string_view key) {
  return out = reinterpret_cast<Ordinals *>(address)->number(key), true;
}

}  // namespace

std::vector<Function> ordinals() { return {function<ordinal>("skep_ordinal")}; }

}  // namespace skep

extern "C" void *skep_ordinals_new(void) { return new skep::Ordinals; }
extern "C" void skep_ordinals_free(void *o) { delete static_cast<skep::Ordinals *>(o); }
extern "C" int64_t skep_ordinals_count(void *o) {
  auto *ordinals = static_cast<skep::Ordinals *>(o);
  std::lock_guard<std::mutex> lock(ordinals->mutex);
  return int64_t(ordinals->keys.size());
}
extern "C" const char *skep_ordinals_key(void *o, int64_t index, uint64_t *length) {
  auto *ordinals = static_cast<skep::Ordinals *>(o);
  std::lock_guard<std::mutex> lock(ordinals->mutex);
  const std::string &key = ordinals->keys[size_t(index)];
  *length = key.size();
  return key.data();
}
