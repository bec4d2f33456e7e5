// relocate: pages change their address without a copy, and the addresses they leave stay ours.
// That nothing was copied is not shown, only that the contents came along.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include "contents.h"

namespace emucxl {
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
  if (!relocate(from, to, 0, from.length)) {
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
TEST_CASE("two mappings are not moved at once, or moved whole; their target stays mapped") {
  Range first = mapped(4);
  Range second = mapped(8);
  Range third = mapped(16);
  write_all(first, 1);
  if (relocate(first, second, 0, first.length)) {
    write_all(second, 2);
    const bool moved = relocate(second, third, 0, second.length);
    CHECK(all_bytes(third.start, second.length, moved ? 2 : 0));
  }
  CHECK(all_bytes(third.start + second.length, third.length - second.length, 0));
  CHECK(unmap(first));
  CHECK(unmap(second));
  CHECK(unmap(third));
}

TEST_CASE("two mappings are moved one after the other") {
  Range first = mapped(4);
  Range second = mapped(8);
  Range third = mapped(16);
  write_all(first, 1);
  if (!relocate(first, second, 0, first.length)) {
    MESSAGE("skipped: mremap(MREMAP_DONTUNMAP) needs Linux 5.7");
    return;
  }
  write_all(second, 2);
  CHECK(relocate(second, third, 0, first.length));
  CHECK(relocate(second, third, first.length, second.length - first.length));
  CHECK(all_bytes(third.start, second.length, 2));
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
  CHECK_FALSE(relocate(device, ordinary, 0, page_size()));
  CHECK_FALSE(relocate(ordinary, device, 0, page_size()));
  CHECK_FALSE(relocate(huge, ordinary, 0, page_size()));
  CHECK_FALSE(relocate(ordinary, huge, 0, page_size()));
  CHECK(unmap(ordinary));
}

TEST_CASE("a target that cannot be had leaves both ranges whole") {
  Range from = mapped(4);
  write_all(from, 1);
  Range same = from;  // they overlap: refused
  CHECK_FALSE(relocate(from, same, 0, from.length));
  CHECK(all_bytes(from, 1));
  CHECK(unmap(from));
}

}  // namespace emucxl
