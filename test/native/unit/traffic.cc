// Traffic that is stopped, abandoned, and whose blocks are freed or moved. Also for the thread
// sanitizer.
#include "traffic.h"

#include <doctest/doctest.h>

#include <thread>

#include "contents.h"
#include "operations.h"

namespace emucxl {
namespace {

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }

bool has_gone(const Opened& opened) {
  return is_empty(opened.account(0)) && is_empty(opened.account(1)) &&
         is_empty(opened.account(0).pending) && is_empty(opened.account(1).pending);
}

}  // namespace

TEST_CASE("traffic moves bytes until it is stopped, and holds its blocks until then") {
  const Opened opened;
  for (const Kernel kernel : {Kernel::read, Kernel::write, Kernel::copy, Kernel::triad}) {
    Traffic traffic(operation_over(opened, kernel, {kMiB, kMiB}, {3, 1}, {-1, -1, -1}));
    CHECK_FALSE(traffic.start());
    pause();
    CHECK_FALSE(has_gone(opened));
    const TrafficResult result = traffic.stop();
    CHECK(result.bytes > 0);
    CHECK(result.ns > 0);
    CHECK_FALSE(result.pinned);
    CHECK(traffic.stop().bytes == result.bytes);
  }
  CHECK(has_gone(opened));
}

TEST_CASE("traffic that nobody stops ends with what holds it") {
  const Opened opened;
  for (int i = 0; i < 50; ++i) {
    Traffic traffic(operation_over(opened, Kernel::copy, {kMiB}, {1}, {-1, -1}));
    CHECK_FALSE(traffic.start());
  }
  CHECK(has_gone(opened));
}

TEST_CASE("traffic leaves the contents of what it reads alone") {
  const Opened opened;
  Operation operation = operation_over(opened, Kernel::read, {kMiB}, {1}, {-1, -1});
  Region* region = operation.operands[0][0].region.get();
  write_all(region->range, 7);
  table().hold(region);
  {
    Traffic traffic(std::move(operation));
    CHECK_FALSE(traffic.start());
    pause();
  }
  CHECK(all_bytes(region->range, 7));
  table().drop(region);
}

TEST_CASE("more threads than words") {
  const Opened opened;
  Traffic traffic(
      operation_over(opened, Kernel::write, {2 * kShareWord}, {1}, std::vector<int>(9, -1)));
  CHECK_FALSE(traffic.start());
  pause();
  CHECK(traffic.stop().bytes > 0);
}

TEST_CASE("the traffic of a freed block ends by itself, and writes nothing more") {
  const Opened opened;
  for (int i = 0; i < 20; ++i) {
    Operation operation = operation_over(opened, Kernel::write, {kMiB, kMiB}, {1, 1}, {-1, -1});
    Region* region = operation.operands[0][i % 2].region.get();
    table().hold(region);
    Traffic traffic(std::move(operation));
    CHECK_FALSE(traffic.start());
    free_region(region);
    const TrafficResult first = traffic.stop();
    CHECK(traffic.stop().bytes == first.bytes);
    table().drop(region);
  }
  CHECK(has_gone(opened));
}

TEST_CASE("blocks migrate under traffic") {
  const Opened opened;
  Operation operation = operation_over(opened, Kernel::triad, {kMiB}, {1}, {-1, -1});
  Region* region = operation.operands[0][0].region.get();
  {
    Traffic traffic(std::move(operation));
    CHECK_FALSE(traffic.start());
    const std::atomic<bool> never{false};
    for (uint32_t i = 1; i <= 100; ++i) {
      MoveResult result;
      REQUIRE(table().begin_move(region));
      CHECK_FALSE(migrate(region, i % 2, never, &result));
      table().end_move(region);
    }
  }
  CHECK(has_gone(opened));
}

TEST_CASE("the latency model slows traffic") {
  const Opened opened;
  for (const uint32_t node : {0U, 1U}) opened.get()->nodes[node].latency = {0, 0.1};
  Traffic traffic(operation_over(opened, Kernel::read, {kMiB}, {1}, {-1, -1}));
  CHECK_FALSE(traffic.start());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const TrafficResult result = traffic.stop();
  CHECK(static_cast<double>(result.bytes) <= 0.1 * static_cast<double>(result.ns) + 2 * kMiB);
}

}  // namespace emucxl
