// The latency model: an access takes as long as it says, or as long as it takes where there is
// none. Upper bounds are generous: the machine may be busy.
#include <doctest/doctest.h>

#include <cmath>

#include "opened.h"

namespace emucxl {
namespace {

constexpr uint64_t kMillisecond = 1000000;

}  // namespace

TEST_CASE("an access lasts its latency and its transfer") {
  const Opened opened;
  opened.get()->nodes[0].latency = {kMillisecond, 0.001};
  Region* region = opened.alloc(page_size());
  uint64_t began = now_ns();
  pace(*region, began, 1000);  // 1 ms, and 1000 bytes at 1 MB/s: 1 ms more
  uint64_t took = now_ns() - began;
  CHECK(took >= 2 * kMillisecond);
  CHECK(took < 1000 * kMillisecond);
  began = now_ns();
  pace_loads(*region, began, 3);
  took = now_ns() - began;
  CHECK(took >= 3 * kMillisecond);
  CHECK(took < 1000 * kMillisecond);
  table().drop(region);
}

TEST_CASE("time that has passed already counts") {
  const Opened opened;
  opened.get()->nodes[0].latency = {1000.0 * kMillisecond, 1};
  Region* region = opened.alloc(page_size());
  const uint64_t began = now_ns();
  pace(*region, began - 2000 * kMillisecond, 1);
  CHECK(now_ns() - began < 900 * kMillisecond);
  table().drop(region);
}

TEST_CASE("without a model nothing waits") {
  const Opened opened;
  opened.get()->nodes[0].latency = {1e18, 0};
  Region* region = opened.alloc(page_size());
  pace(*region, now_ns(), SIZE_MAX);
  pace_loads(*region, now_ns(), UINT64_MAX);
  table().drop(region);
}

}  // namespace emucxl
