// How regions are found, freed and let go: what the table answers at each step of their life.
#include <doctest/doctest.h>

#include "contents.h"
#include "opened.h"

namespace emucxl {
TEST_CASE("a region is found by its start and size, and by nothing else") {
  const Opened opened;
  Region* region = opened.alloc(5000);
  REQUIRE(region != nullptr);
  char* const start = region->range.start;
  Region* found = table().find(start, 5000);
  CHECK(found == region);
  table().drop(found);
  CHECK(table().find(start, 5001) == nullptr);
  CHECK(table().find(start, region->range.length) == nullptr);
  CHECK(table().find(start + 1, 4999) == nullptr);
  CHECK(table().find(nullptr, 5000) == nullptr);
  table().drop(region);
  CHECK(table().find(start, 5000) == nullptr);
}

TEST_CASE("a freed region is found as long as somebody holds it, and reads as zeros") {
  const Opened opened;
  Region* region = opened.alloc(page_size());
  REQUIRE(region != nullptr);
  write_all(region->range, 1);
  CHECK(table().retire(region));
  CHECK_FALSE(table().retire(region));
  table().wipe(region);
  CHECK(region->freed);
  CHECK(all_bytes(region->range, 0));
  Region* found = table().find(region->range.start, page_size());
  CHECK(found == region);
  table().drop(found);
  table().drop(region);
}

TEST_CASE("a kept region is zeros for good, found and told as freed") {
  const Opened opened;
  Region* region = opened.alloc(page_size());
  REQUIRE(region != nullptr);
  char* const start = region->range.start;
  write_all(region->range, 1);
  table().keep(region);
  table().drop(region);
  CHECK(all_bytes(start, page_size(), 0));
  for (int i = 0; i < 3; ++i) {
    Region* found = table().find(start, page_size());
    REQUIRE(found == region);
    CHECK(found->freed);
    table().drop(found);
  }
}

TEST_CASE("a shared region has a handle until its last hold has gone") {
  const Opened opened;
  Region* region = opened.alloc(page_size(), 0, true);
  REQUIRE(region != nullptr);
  const uint64_t handle = region->handle;
  CHECK(handle != 0);
  Region* found = table().find_shared(handle);
  CHECK(found == region);
  CHECK(table().find_shared(handle + 1000) == nullptr);
  CHECK(table().find_shared(0) == nullptr);
  free_region(region);
  table().drop(region);
  table().drop(found);
  CHECK(table().find_shared(handle) == nullptr);
}

TEST_CASE("one move at a time, and none of a freed region") {
  const Opened opened;
  Region* region = opened.alloc(page_size());
  REQUIRE(region != nullptr);
  CHECK(table().begin_move(region));
  CHECK_FALSE(table().begin_move(region));
  table().end_move(region);
  CHECK(table().begin_move(region));
  table().end_move(region);
  free_region(region);
  CHECK_FALSE(table().begin_move(region));
  table().drop(region);
}

TEST_CASE("live regions are those that were not freed, each held once more") {
  const Opened opened;
  Region* a = opened.alloc(page_size());
  Region* b = opened.alloc(page_size(), 1);
  Region* c = opened.alloc(page_size());
  free_region(b);
  const std::vector<Region*> live = table().live(opened.get());
  REQUIRE(live.size() == 2);
  for (Region* region : live) {
    CHECK((region == a || region == c));
    CHECK(region->holds == 2);
    table().drop(region);
  }
  for (Region* region : {a, b, c}) table().drop(region);
  CHECK(table().live(opened.get()).empty());
}

}  // namespace emucxl
