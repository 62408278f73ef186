// Numbers for the distinct keys of partitions, given out in the order in which they turn up.
#include "functions.h"

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace skep {
namespace {

std::atomic<uint64_t> lives;

struct Ordinals {
  const uint64_t life = ++lives;  // tells it from others that had its address
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

// Known are the numbers that a thread has looked up lately, one for each slot of hash values, so
// that threads rarely meet at the mutex.
struct Known {
  struct Slot {
    uint64_t life = 0;
    int64_t number = 0;
    std::string key;
  };
  std::array<Slot, 2048> slots;

  int64_t number(Ordinals *of, std::string_view key) {
    Slot &slot = slots[std::hash<std::string_view>()(key) % slots.size()];
    if (slot.life != of->life || slot.key != key) {
      slot.number = of->number(key);
      slot.key = key;
      slot.life = of->life;
    }
    return slot.number;
  }
};

thread_local Known known;

// ordinal takes the address of the Ordinals, which outlives the statement.
bool ordinal(int64_t &out, int64_t address, std::string_view key) {
  return out = known.number(reinterpret_cast<Ordinals *>(address), key), true;
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
