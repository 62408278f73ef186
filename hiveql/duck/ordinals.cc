// Numbers for the distinct keys of partitions, given out in the order in which they turn up; and for
// the files that their rows go to, of which a partition gets another one when one is large enough.
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

// File is one that rows of a partition go to.
struct File {
  int64_t number;
  int64_t ordinal;
  std::atomic<int64_t> bytes{0};  // that were written into it
  File(int64_t number, int64_t ordinal) : number(number), ordinal(ordinal) {}
};

struct Ordinals {
  const uint64_t life = ++lives;  // tells it from others that had its address
  const int64_t large;            // bytes of a file that gets no more rows
  std::mutex mutex;
  std::unordered_map<std::string, int64_t> numbers;
  std::deque<std::string> keys;
  std::deque<File> files;
  std::vector<File *> current;  // of each partition

  explicit Ordinals(int64_t large) : large(large) {}

  File *file(int64_t ordinal) {
    std::lock_guard<std::mutex> lock(mutex);
    if (current.size() <= size_t(ordinal)) current.resize(size_t(ordinal) + 1);
    File *&at = current[size_t(ordinal)];
    if (!at || at->bytes >= large) at = &files.emplace_back(int64_t(files.size()), ordinal);
    return at;
  }

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

// Latest is the file that a thread has looked up last. Rows come in the order of their partitions.
struct Latest {
  uint64_t life = 0;
  File *file = nullptr;
};

thread_local Latest latest;

// file is the number of the file for a row of a partition.
bool file(int64_t &out, int64_t address, int64_t ordinal) {
  auto *of = reinterpret_cast<Ordinals *>(address);
  if (latest.life != of->life || latest.file->ordinal != ordinal || latest.file->bytes >= of->large) {
    latest = {of->life, of->file(ordinal)};
  }
  return out = latest.file->number, true;
}

// ordinal takes the address of the Ordinals, which outlives the statement.
bool ordinal(int64_t &out, int64_t address, std::string_view key) {
  return out = known.number(reinterpret_cast<Ordinals *>(address), key), true;
}

}  // namespace

std::vector<Function> ordinals() {
  Function files = function<file>("skep_file");
  files.changing = true;
  return {function<ordinal>("skep_ordinal"), files};
}

}  // namespace skep

extern "C" void *skep_ordinals_new(int64_t large) { return new skep::Ordinals(large); }
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

// skep_ordinals_grew is told of bytes that were written into a file, from any thread.
extern "C" void skep_ordinals_grew(void *o, int64_t file, int64_t bytes) {
  auto *ordinals = static_cast<skep::Ordinals *>(o);
  std::lock_guard<std::mutex> lock(ordinals->mutex);
  if (file >= 0 && size_t(file) < ordinals->files.size()) ordinals->files[size_t(file)].bytes += bytes;
}
// skep_ordinals_of is the number of the partition of a file, or -1.
extern "C" int64_t skep_ordinals_of(void *o, int64_t file) {
  auto *ordinals = static_cast<skep::Ordinals *>(o);
  std::lock_guard<std::mutex> lock(ordinals->mutex);
  return file >= 0 && size_t(file) < ordinals->files.size() ? ordinals->files[size_t(file)].ordinal : -1;
}
