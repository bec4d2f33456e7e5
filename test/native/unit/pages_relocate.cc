// relocate: pages change their address without a copy, and the addresses they leave stay ours.
// That nothing was copied is not shown, only that the contents came along.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include "contents.h"

using namespace emucxl;

namespace {

Range mapped(size_t pages) {
  Range range;
  REQUIRE_FALSE(map_anonymous(pages * page_size(), HugePages::off, &range));
  return range;
}

}  // namespace

TEST_CASE("the pages are at the new place, and the old place is empty and reserved") {
  Range from = mapped(4);
  Range to = mapped(8);
  write_all(from, 3);
  if (!relocate(from, &to, from.length)) {
    MESSAGE("skipped: mremap(MREMAP_DONTUNMAP) needs Linux 5.7");
    return;
  }
  CHECK(all_bytes(to.start, from.length, 3));
  CHECK(all_bytes(to.start + from.length, to.length - from.length, 0));
  CHECK(all_bytes(from, 0));
  write_all(from, 9);
  CHECK(all_bytes(to.start, from.length, 3));
  CHECK(unmap(from));
  CHECK(unmap(to));
}

// Until Linux 6.17, mremap unmapped the target before it found that it cannot move two mappings.
TEST_CASE("what was put together from two mappings is not moved, and its target stays mapped") {
  Range first = mapped(4);
  Range second = mapped(8);
  Range third = mapped(16);
  write_all(first, 1);
  if (relocate(first, &second, first.length)) {
    write_all(second, 2);
    CHECK_FALSE(relocate(second, &third, second.length));
  }
  CHECK(all_bytes(third, 0));
  CHECK(unmap(first));
  CHECK(unmap(second));
  CHECK(unmap(third));
}

TEST_CASE("pages of another kind are not moved") {
  Range ordinary = mapped(1);
  Range device = ordinary;
  device.anonymous = false;
  Range huge = ordinary;
  huge.unit = kHugePage;
  CHECK_FALSE(relocate(device, &ordinary, page_size()));
  CHECK_FALSE(relocate(ordinary, &device, page_size()));
  CHECK_FALSE(relocate(huge, &ordinary, page_size()));
  CHECK_FALSE(relocate(ordinary, &huge, page_size()));
  CHECK(unmap(ordinary));
}

TEST_CASE("a target that cannot be had leaves both ranges whole") {
  Range from = mapped(4);
  write_all(from, 1);
  Range same = from;  // they overlap: refused
  CHECK_FALSE(relocate(from, &same, from.length));
  CHECK(all_bytes(from, 1));
  CHECK(unmap(from));
}
