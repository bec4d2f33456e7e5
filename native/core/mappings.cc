#include "mappings.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace emucxl {
namespace {

constexpr int64_t kDefaultLimit = 65530;
constexpr int64_t kEach = 4;        // mappings that one call may make, or split others into
constexpr int64_t kBelieved = 100;  // ms that a refusal holds

int64_t limit() {
  int64_t value = kDefaultLimit;
  FILE* file = fopen("/proc/sys/vm/max_map_count", "re");
  if (file == nullptr) return value;
  char text[32] = {};
  if (fgets(text, sizeof text, file) != nullptr) value = strtoll(text, nullptr, 10);
  fclose(file);
  return value > 0 ? value : kDefaultLimit;
}

// Of this process; 0 where the kernel does not tell.
int64_t in_use() {
  FILE* file = fopen("/proc/self/maps", "re");
  if (file == nullptr) return 0;
  int64_t lines = 0;
  char text[4096];
  for (size_t n = 0; (n = fread(text, 1, sizeof text, file)) > 0;) {
    for (size_t i = 0; i < n; ++i) lines += text[i] == '\n' ? 1 : 0;
  }
  fclose(file);
  return lines;
}

// Counting takes time, the more the nearer the limit is: only after as many calls as could have
// come to it, and after a refusal not before something was unmapped, or others may have. Threads
// that count at the same time only do so in vain.
struct Count {
  std::atomic<int64_t> calls{0};        // until the next count
  std::atomic<int64_t> found{0};        // at the last one
  std::atomic<uint64_t> unmapped{1};    // calls of note_unmapped()
  std::atomic<uint64_t> refused_at{0};  // value of `unmapped` at the last refusal
  std::atomic<int64_t> refused_ms{0};
};

Count& count() {
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one for the process
  static Count one;
  return one;
}

int64_t now_ms() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1000000;
}

}  // namespace

bool mappings_left() {
  Count& c = count();
  if (c.calls.fetch_sub(1, std::memory_order_relaxed) > 0) return true;
  const uint64_t unmapped = c.unmapped;
  const int64_t now = now_ms();
  if (c.refused_at == unmapped && now - c.refused_ms < kBelieved) return false;
  const int64_t most = limit();
  c.found = in_use();
  const int64_t room = most - most / 8 - c.found;
  c.calls.store(room / kEach, std::memory_order_relaxed);
  if (room > 0) return true;
  c.refused_ms = now;
  c.refused_at = unmapped;
  return false;
}

void note_unmapped() { count().unmapped.fetch_add(1, std::memory_order_relaxed); }

Failure too_many_mappings() {
  return fail("ERR_EMUCXL_NO_MEMORY",
              "this process has " + std::to_string(count().found.load()) +
                  " memory mappings, near the limit of " + std::to_string(limit()) +
                  ": free blocks, allocate fewer and larger ones, or raise the limit (as root: "
                  "sysctl vm.max_map_count=1000000)");
}

}  // namespace emucxl
