// Regions that many threads hold, free, move and look for at once. Meant for the thread sanitizer;
// it reports what it sees happen, so a schedule that never came about is not shown.
#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <thread>

#include "contents.h"
#include "opened.h"
#include "scripted_backend.h"

namespace emucxl {
namespace {

constexpr int kThreads = 4;

void in_threads(const std::function<void(uint32_t thread)>& body) {
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

void check_nothing_left(const Opened& opened) {
  for (const uint32_t node : {0U, 1U}) {
    CHECK(is_empty(opened.account(node)));
    CHECK(is_empty(opened.account(node).pending));
  }
}

}  // namespace

TEST_CASE("of many threads that free a region, one does") {
  const Opened opened;
  for (int round = 0; round < 200; ++round) {
    Region* region = opened.alloc(page_size());
    table().hold(region, kThreads);
    std::atomic<int> freed{0};
    in_threads([&](uint32_t) {
      if (table().retire(region)) {
        ++freed;
        table().wipe(region);
      }
      table().drop(region);
    });
    CHECK(freed == 1);
    CHECK(opened.account(0).pending.ranges == 1);
    table().drop(region);
  }
  check_nothing_left(opened);
}

TEST_CASE("the last of many holds gives the range back, in whatever thread") {
  const Opened opened;
  for (int round = 0; round < 200; ++round) {
    Region* region = opened.alloc(page_size(), 0, true);
    char* const start = region->range.start;
    const uint64_t handle = region->handle;
    table().hold(region, kThreads);
    in_threads([&](uint32_t thread) {
      if (Region* found = table().find(start, page_size())) table().drop(found);
      if (Region* found = table().find_shared(handle)) table().drop(found);
      if (thread == 0) free_region(region);
      table().drop(region);
    });
    CHECK(table().find_shared(handle) == region);
    table().drop(region);
    table().drop(region);
    CHECK(table().find_shared(handle) == nullptr);
  }
  check_nothing_left(opened);
}

TEST_CASE("migrate against free: the account comes out even, whichever was first") {
  const Opened opened;
  for (int round = 0; round < 200; ++round) {
    Region* region = opened.alloc(page_size());
    table().hold(region, kThreads);
    in_threads([&](uint32_t thread) {
      if (thread == 0) {
        free_region(region);
      } else if (table().begin_move(region)) {
        const std::atomic<bool> never{false};
        MoveResult result;
        CHECK_FALSE(migrate(region, thread % 2, never, &result));
        table().end_move(region);
      }
      table().drop(region);
    });
    table().drop(region);
  }
  check_nothing_left(opened);
}

TEST_CASE("a free in the middle of a migrate that then finds the region gone") {
  Script script;
  script.can.divisible = true;
  const Opened opened(std::make_unique<ScriptedBackend>(&script));
  for (int round = 0; round < 20; ++round) {
    Region* region = opened.alloc(page_size());
    std::atomic<bool> moving{false};
    std::atomic<bool> retired{false};
    script.during_move = [&] {
      moving = true;
      while (!retired) std::this_thread::yield();
    };
    table().hold(region);
    std::thread mover([&] {
      const std::atomic<bool> never{false};
      MoveResult result;
      CHECK_FALSE(migrate(region, 1, never, &result));
      table().drop(region);
    });
    while (!moving) std::this_thread::yield();
    CHECK(table().retire(region));
    retired = true;
    table().wipe(region);
    mover.join();
    CHECK(all_bytes(region->range, 0));
    table().drop(region);
    CHECK(is_empty(opened.account(0).idle));
  }
  check_nothing_left(opened);
}

TEST_CASE("threads that allocate, write, free, keep and list, each at its own pace") {
  const Opened opened;
  std::atomic<uint64_t> kept{0};
  in_threads([&](uint32_t thread) {
    std::mt19937 random(thread);
    std::vector<Region*> mine;
    for (int i = 0; i < 1000; ++i) {
      const uint32_t dice = random() % 16;
      if (dice < 8 || mine.empty()) {
        if (Region* region = opened.alloc(1 + random() % (4 * page_size()), dice % 2)) {
          *region->range.start = 1;
          mine.push_back(region);
        }
        continue;
      }
      if (dice == 8) {
        for (Region* region : table().live(opened.get())) table().drop(region);
        continue;
      }
      Region* region = mine.back();
      mine.pop_back();
      if (dice == 9) {
        table().keep(region);
        ++kept;
      }
      if (dice < 14) free_region(region);
      table().drop(region);
    }
    for (Region* region : mine) table().drop(region);
  });
  check_nothing_left(opened);
  CHECK(opened.account(0).reserved.ranges + opened.account(1).reserved.ranges == kept);
}

}  // namespace emucxl
