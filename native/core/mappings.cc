#include "mappings.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace emucxl {
namespace {

constexpr int64_t kDefaultLimit = 65530;
constexpr int64_t kEach = 4;  // mappings that one call may make, or split others into

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

}  // namespace

bool mappings_left() {
  // Counting takes time, the more the nearer the limit is: only after as many calls as could have
  // come to it. Threads that count at the same time only do so in vain.
  static std::atomic<int64_t> calls{0};
  if (calls.fetch_sub(1, std::memory_order_relaxed) > 0) return true;
  const int64_t most = limit();
  const int64_t room = most - most / 8 - in_use();
  calls.store(room / kEach, std::memory_order_relaxed);
  return room > 0;
}

Failure too_many_mappings() {
  return fail("ERR_EMUCXL_NO_MEMORY",
              "this process has " + std::to_string(in_use()) +
                  " memory mappings, near the limit of " + std::to_string(limit()) +
                  ": free blocks, allocate fewer and larger ones, or raise the limit (as root: "
                  "sysctl vm.max_map_count=1000000)");
}

}  // namespace emucxl
