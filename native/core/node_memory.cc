#include "node_memory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace emucxl {
namespace {

// Sums the fields of a meminfo file, in bytes. False: the file or the first field is not there.
bool sum_fields(const std::string& path, const char* const* fields, size_t count, uint64_t* out) {
  FILE* file = fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  bool first = false;
  uint64_t sum = 0;
  char line[256];
  while (fgets(line, sizeof line, file) != nullptr) {
    for (size_t i = 0; i < count; ++i) {
      const char* at = strstr(line, fields[i]);
      if (at == nullptr) continue;
      sum += strtoull(at + strlen(fields[i]), nullptr, 10) * 1024;
      first = first || i == 0;
    }
  }
  fclose(file);
  *out = sum;
  return first;
}

bool one_node() {
  char text[64] = {};
  FILE* file = fopen("/sys/devices/system/node/online", "re");
  if (file == nullptr) return true;
  const size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  return n == 0 || strpbrk(text, ",-") == nullptr;
}

}  // namespace

uint64_t available_memory(int numa_node) {
  uint64_t bytes = 0;
  if (numa_node < 0 || one_node()) {
    // Memory that was plugged in later is missing in the node's meminfo of some virtual machines.
    constexpr const char* kMachine[] = {"MemAvailable:"};
    return sum_fields("/proc/meminfo", kMachine, 1, &bytes) ? bytes : UINT64_MAX;
  }
  constexpr const char* kNode[] = {"MemFree:", "Active(file):", "Inactive(file):", "SReclaimable:"};
  const std::string path = "/sys/devices/system/node/node" + std::to_string(numa_node) + "/meminfo";
  return sum_fields(path, kNode, 4, &bytes) ? bytes : UINT64_MAX;
}

}  // namespace emucxl
