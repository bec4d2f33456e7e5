#include "node_memory.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace emucxl {
namespace {

// A file of /proc or /sys; empty where it cannot be read.
std::string read(const std::string& path) {
  char text[16384] = {};
  FILE* file = fopen(path.c_str(), "re");
  if (file == nullptr) return {};
  const size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  return {text, n};
}

uint64_t number_at(const std::string& text, size_t at) { return strtoull(&text[at], nullptr, 10); }

using Fields = std::array<const char*, 4>;

// The sum of the fields that are there.
uint64_t sum(const std::string& text, const Fields& fields) {
  uint64_t total = 0;
  for (const char* field : fields) {
    const size_t at = field == nullptr ? std::string::npos : text.find(field);
    if (at != std::string::npos) total += number_at(text, at + strlen(field));
  }
  return total;
}

// What the two versions of cgroups(7) call their files for memory.
struct CgroupFiles {
  const char* line;  // of /proc/self/cgroup, up to the path
  const char* mount;
  const char* limit;
  const char* used;
  Fields cache;  // of memory.stat: what the kernel can take back
};

constexpr CgroupFiles kCgroups[] = {
    {"\n0::",
     "/sys/fs/cgroup",
     "/memory.max",
     "/memory.current",
     {"\ninactive_file ", "\nactive_file ", "\nslab_reclaimable "}},
    {":memory:",
     "/sys/fs/cgroup/memory",
     "/memory.limit_in_bytes",
     "/memory.usage_in_bytes",
     {"\ntotal_inactive_file ", "\ntotal_active_file "}},
};

// What a cgroup may still take.
uint64_t left_in(const std::string& folder, const CgroupFiles& files) {
  const std::string limit = read(folder + files.limit);
  if (limit.empty() || limit[0] == 'm') return UINT64_MAX;  // "max": none
  const uint64_t used = number_at(read(folder + files.used), 0);
  const uint64_t cache = sum(read(folder + "/memory.stat"), files.cache);
  const uint64_t kept = used - std::min(used, cache);
  const uint64_t most = number_at(limit, 0);
  return most - std::min(most, kept);
}

// Of the process's own cgroup and those above it. In a container the path may be one of the host's:
// what is mounted there is then the container's own.
uint64_t left_in_cgroups(const std::string& root) {
  const std::string groups = "\n" + read(root + "/proc/self/cgroup");
  uint64_t left = UINT64_MAX;
  for (const CgroupFiles& files : kCgroups) {
    const size_t line = groups.find(files.line);
    if (line == std::string::npos) continue;
    const size_t from = line + strlen(files.line);
    std::string group = groups.substr(from, groups.find('\n', from) - from);
    const std::string mount = root + files.mount;
    for (;;) {
      left = std::min(left, left_in(mount + group, files));
      if (group.empty()) break;
      group.resize(std::min(group.size() - 1, group.find_last_of('/')));
    }
  }
  return left;
}

bool one_node(const std::string& root) {
  const std::string online = read(root + "/sys/devices/system/node/online");
  return online.find_first_of(",-") == std::string::npos;
}

uint64_t left_on(int numa_node, const std::string& root) {
  // Memory that was plugged in later is missing in the node's meminfo of some virtual machines.
  const bool machine = numa_node < 0 || one_node(root);
  const std::string node = "/sys/devices/system/node/node" + std::to_string(numa_node);
  const std::string text = read(root + (machine ? "/proc" : node) + "/meminfo");
  constexpr Fields kMachine = {"MemAvailable:"};
  constexpr Fields kNode = {"MemFree:", "Active(file):", "Inactive(file):", "SReclaimable:"};
  if (text.find(machine ? kMachine[0] : kNode[0]) == std::string::npos) return UINT64_MAX;
  return sum(text, machine ? kMachine : kNode) * 1024;
}

}  // namespace

uint64_t available_memory(int numa_node, const std::string& root) {
  return std::min(left_on(numa_node, root), left_in_cgroups(root));
}

}  // namespace emucxl
