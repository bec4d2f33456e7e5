// populate: every page has its memory, and what was in it stays. A node without room is not shown:
// the kernel ends a process then, rather than fail the call.
#include <doctest/doctest.h>

#include "contents.h"

namespace emucxl {
TEST_CASE("populate gives every page its memory") {
  Range range;
  REQUIRE_FALSE(map_anonymous(64 * page_size(), HugePages::off, &range));
  Residency before;
  REQUIRE_FALSE(residency(range, &before));
  CHECK(before.untouched == 64);
  REQUIRE_FALSE(populate(range));
  Residency after;
  REQUIRE_FALSE(residency(range, &after));
  CHECK(after.untouched == 0);
  CHECK(all_bytes(range, 0));
  CHECK(unmap(range));
}

TEST_CASE("populate leaves what is there") {
  Range range;
  REQUIRE_FALSE(map_anonymous(16 * page_size(), HugePages::off, &range));
  const Range half{range.start, 8 * page_size()};
  write_all(half, 7);
  REQUIRE_FALSE(populate(range));
  CHECK(all_bytes(half, 7));
  CHECK(all_bytes(half.start + half.length, half.length, 0));
  CHECK(unmap(range));
}

}  // namespace emucxl
