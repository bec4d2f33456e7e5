// Freed ranges are counted until they can go: as pending while somebody holds them, as reserved
// when they never can.
#include <doctest/doctest.h>

#include "opened.h"

namespace emucxl {
TEST_CASE("pending counts what was freed, until its last hold") {
  const Opened opened;
  Region* a = opened.alloc(1);
  Region* b = opened.alloc(3 * page_size());
  CHECK(is_empty(opened.account(0).pending));
  free_region(a);
  free_region(b);
  CHECK(is_empty(opened.account(0)));
  CHECK(opened.account(0).pending.ranges == 2);
  CHECK(opened.account(0).pending.bytes == 4 * page_size());
  table().hold(a);
  table().drop(a);
  CHECK(opened.account(0).pending.ranges == 2);
  table().drop(a);
  CHECK(opened.account(0).pending.bytes == 3 * page_size());
  table().drop(b);
  CHECK(is_empty(opened.account(0).pending));
  CHECK(is_empty(opened.account(0).reserved));
}

TEST_CASE("what was dropped without a free goes at once") {
  const Opened opened;
  table().drop(opened.alloc(page_size()));
  CHECK(is_empty(opened.account(0)));
  CHECK(is_empty(opened.account(0).pending));
  CHECK(is_empty(opened.account(0).reserved));
}

TEST_CASE("reserved counts what is kept, once, whether it was freed or dropped") {
  const Opened opened;
  Region* freed = opened.alloc(page_size());
  Region* dropped = opened.alloc(2 * page_size(), 1);
  table().keep(freed);
  table().keep(dropped);
  free_region(freed);
  CHECK(opened.account(0).pending.ranges == 1);
  CHECK(is_empty(opened.account(0).reserved));
  table().drop(freed);
  table().drop(dropped);
  for (const uint32_t node : {0U, 1U}) {
    CHECK(is_empty(opened.account(node)));
    CHECK(is_empty(opened.account(node).pending));
    CHECK(opened.account(node).reserved.ranges == 1);
    CHECK(opened.account(node).reserved.bytes == (node + 1) * page_size());
  }
  Region* again = table().find(freed->range.start, freed->size);
  table().drop(again);
  CHECK(opened.account(0).reserved.ranges == 1);
}

}  // namespace emucxl
