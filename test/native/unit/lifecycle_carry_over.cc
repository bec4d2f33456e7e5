// carry_over, the heart of resize: the new block has the old contents and zeros behind them, again
// and again, whatever kind of pages it has.
#include <doctest/doctest.h>

#include "contents.h"
#include "opened.h"

namespace emucxl {
namespace {

// As resize() of the binding does it.
Region* resized(const Opened& opened, Region* old, size_t size) {
  Region* fresh = nullptr;
  REQUIRE_FALSE(obtain(like(*old, size), old, &fresh));
  REQUIRE(table().replace(old, fresh));
  carry_over(old, fresh);
  table().wipe(old);
  CHECK(all_bytes(old->range, 0));
  table().drop(old);
  table().enter(fresh, 1);
  CHECK(opened.account(0).allocated == size);
  return fresh;
}

void check_sizes(const Opened& opened, const std::vector<size_t>& sizes) {
  size_t written = sizes.front();
  Region* region = opened.alloc(written);
  REQUIRE(region != nullptr);
  memset(region->range.start, 1, written);
  for (const size_t size : sizes) {
    CAPTURE(size);
    region = resized(opened, region, size);
    written = std::min(written, size);
    CHECK(all_bytes(region->range.start, written, 1));
    CHECK(all_bytes(region->range.start + written, region->range.length - written, 0));
  }
  table().drop(region);
  CHECK(is_empty(opened.account(0)));
  CHECK(is_empty(opened.account(0).pending));
}

}  // namespace

TEST_CASE("growing keeps the contents and adds zeros") {
  check_sizes(Opened(), {1, 4096, 4097, 100000, 3 * kMiB});
}

TEST_CASE("shrinking clears what lies behind the new end") {
  check_sizes(Opened(), {3 * kMiB, 100000, 99999, 4097, 4096, 5, 1});
}

TEST_CASE("up and down: what was cut off does not come back") {
  check_sizes(Opened(), {100000, 300000, 10, 200000, 5000, 5000, 400000});
}

// In a synchronous loop every old block waits for the event loop, so all of them are there at once.
TEST_CASE("a block that grows bit by bit takes mappings in proportion to its steps") {
  for (const size_t step : {page_size(), 64 * size_t{1024}}) {
    CAPTURE(step);
    constexpr size_t kSteps = 200;
    const Opened opened;
    const uint64_t before = mapping_count();
    std::vector<Region*> regions{opened.alloc(step)};
    for (size_t i = 1; i <= kSteps; ++i) {
      Region* old = regions.back();
      write_all(old->range, 1);
      Region* fresh = nullptr;
      REQUIRE_FALSE(obtain(like(*old, step * (i + 1)), old, &fresh));
      REQUIRE(table().replace(old, fresh));
      carry_over(old, fresh);
      table().wipe(old);
      table().enter(fresh, 1);
      regions.push_back(fresh);
    }
    CHECK(all_bytes(regions.back()->range.start, step * kSteps, 1));
    CHECK(mapping_count() - before < 5 * kSteps);
    for (Region* region : regions) table().drop(region);
  }
}

TEST_CASE("memory of a device is copied") {
  Failure failure;
  const Opened opened(open_device("/dev/zero", &failure));
  check_sizes(opened, {10000, 300000, 10, 200000});
}

}  // namespace emucxl
