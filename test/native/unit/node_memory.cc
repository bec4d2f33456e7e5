// How much memory a node has to give, on machines laid out in a folder, and on this one.
#include "node_memory.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "pages.h"

namespace emucxl {
namespace {

constexpr uint64_t kKiB = 1024;

class Machine {
 public:
  Machine() {
    char name[] = "/tmp/emucxl-machine-XXXXXX";
    root_ = mkdtemp(name);
    made_.push_back(root_);
  }
  ~Machine() {
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) remove(path->c_str());
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void put(const std::string& path, const std::string& text) {
    for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
      const std::string folder = root_ + path.substr(0, at);
      if (mkdir(folder.c_str(), 0700) == 0) made_.push_back(folder);
    }
    const std::string whole = root_ + path;
    FILE* file = fopen(whole.c_str(), "we");
    REQUIRE(file != nullptr);
    fputs(text.c_str(), file);
    fclose(file);
    made_.push_back(whole);
  }
  void put_cgroup(const std::string& path, const std::string& most, const std::string& used) {
    const std::string folder = "/sys/fs/cgroup" + path;
    put(folder + "/memory.max", most + "\n");
    put(folder + "/memory.current", used + "\n");
    put(folder + "/memory.stat", "anon 50\ninactive_file 30\nactive_file 20\nslab_reclaimable 7\n");
  }

  uint64_t available(int node) const { return available_memory(node, root_); }

 private:
  std::string root_;
  std::vector<std::string> made_;
};

}  // namespace

TEST_CASE("a machine of one node gives what the kernel calls available") {
  Machine machine;
  machine.put("/proc/meminfo", "MemTotal: 900 kB\nMemFree: 100 kB\nMemAvailable:     300 kB\n");
  machine.put("/sys/devices/system/node/online", "0\n");
  CHECK(machine.available(0) == 300 * kKiB);
  CHECK(machine.available(-1) == 300 * kKiB);
}

TEST_CASE("a node of several gives its free memory and its file cache") {
  Machine machine;
  machine.put("/proc/meminfo", "MemAvailable: 300 kB\n");
  machine.put("/sys/devices/system/node/online", "0,3\n");
  machine.put("/sys/devices/system/node/node3/meminfo",
              "Node 3 MemTotal: 99 kB\nNode 3 MemFree: 10 kB\nNode 3 Active(file): 3 kB\n"
              "Node 3 Inactive(file): 2 kB\nNode 3 SReclaimable: 1 kB\n");
  CHECK(machine.available(3) == 16 * kKiB);
  CHECK(machine.available(-1) == 300 * kKiB);
  CHECK(machine.available(7) == UINT64_MAX);
}

TEST_CASE("nobody knows where the kernel does not tell") {
  const Machine machine;
  CHECK(machine.available(0) == UINT64_MAX);
}

TEST_CASE("a cgroup gives what is below its limit, and its file cache") {
  Machine machine;
  machine.put("/proc/meminfo", "MemAvailable: 300 kB\n");
  machine.put("/proc/self/cgroup", "1:name=systemd:/elsewhere\n0::/a/b\n");
  machine.put_cgroup("/a/b", "max", "200");
  CHECK(machine.available(0) == 300 * kKiB);
  SUBCASE("its own") { machine.put_cgroup("/a/b", "1000", "900"); }
  SUBCASE("one above it") { machine.put_cgroup("/a", "1000", "900"); }
  SUBCASE("the one of a container, whose path is the host's") {
    machine.put_cgroup("", "1000", "900");
  }
  CHECK(machine.available(0) == 157);
}

TEST_CASE("a cgroup that is full has nothing to give") {
  Machine machine;
  machine.put("/proc/self/cgroup", "0::/a\n");
  machine.put_cgroup("/a", "1000", "2000");
  CHECK(machine.available(0) == 0);
}

TEST_CASE("a cgroup of version 1 likewise") {
  Machine machine;
  machine.put("/proc/self/cgroup", "5:cpuset:/\n4:memory:/a/b\n0::/\n");
  machine.put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000\n");
  machine.put("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "900\n");
  machine.put("/sys/fs/cgroup/memory/a/memory.stat",
              "cache 9\ninactive_file 1\ntotal_inactive_file 30\ntotal_active_file 20\n");
  CHECK(machine.available(0) == 150);
}

TEST_CASE("this machine has some memory to give, and not more than it has") {
  const uint64_t installed = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page_size();
  CHECK(available_memory(-1) > 0);
  CHECK(available_memory(-1) <= installed);
}

}  // namespace emucxl
