// Ready ranges taken and put back by many threads: no range is ever in two hands, and each comes as
// zeros. Meant for the thread sanitizer, with the limits that unit/region_threads.cc names.
#include <doctest/doctest.h>

#include <random>
#include <thread>

#include "contents.h"
#include "opened.h"

namespace emucxl {
TEST_CASE("a range is one thread's alone from alloc to the last hold") {
  const Opened opened;
  std::atomic<uint64_t> dirty{0};
  std::atomic<uint64_t> stolen{0};
  const auto churn = [&](char mark) {
    std::mt19937 random(static_cast<unsigned>(mark));
    std::vector<Region*> mine;
    for (int i = 0; i < 2000; ++i) {
      if (mine.size() < 16) {
        Region* region = opened.alloc((1 + random() % 3) * page_size(), random() % 2);
        if (region == nullptr) continue;
        if (!all_bytes(region->range, 0)) ++dirty;
        write_all(region->range, mark);
        mine.push_back(region);
        continue;
      }
      std::swap(mine[random() % mine.size()], mine.back());
      Region* region = mine.back();
      mine.pop_back();
      if (!all_bytes(region->range, mark)) ++stolen;
      if (random() % 2 == 0) free_region(region);
      table().drop(region);
    }
    for (Region* region : mine) table().drop(region);
  };
  std::vector<std::thread> threads;
  for (const char mark : {'a', 'b', 'c', 'd'}) threads.emplace_back(churn, mark);
  for (std::thread& thread : threads) thread.join();
  CHECK(dirty == 0);
  CHECK(stolen == 0);
  for (const uint32_t node : {0U, 1U}) {
    CHECK(is_empty(opened.account(node)));
    CHECK(is_empty(opened.account(node).pending));
    CHECK(is_empty(opened.account(node).reserved));
  }
}

TEST_CASE("close while others allocate: what they get is theirs, the rest is refused") {
  for (int round = 0; round < 50; ++round) {
    const Opened opened;
    const auto allocate = [&] {
      for (;;) {
        Region* region = opened.alloc(page_size());
        if (region == nullptr) return;  // closed
        *region->range.start = 1;
        table().drop(region);
      }
    };
    std::thread a(allocate);
    std::thread b(allocate);
    CHECK(table().close(opened.get()));
    a.join();
    b.join();
    CHECK(is_empty(opened.account(0)));
    CHECK(is_empty(opened.account(0).reserved));
  }
}

}  // namespace emucxl
