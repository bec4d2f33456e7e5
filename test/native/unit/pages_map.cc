// map_anonymous: what comes back for each kind of page. That the pages are of the size asked for
// is not shown for `prefer`: the kernel may have no huge page at hand.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cerrno>

#include "contents.h"

namespace emucxl {
TEST_CASE("a mapping is whole pages of zeros that can be written") {
  for (const size_t bytes : {size_t{1}, page_size(), page_size() + 1, size_t{5} << 20}) {
    CAPTURE(bytes);
    Range range;
    REQUIRE_FALSE(map_anonymous(bytes, HugePages::off, &range));
    CHECK(range.length == round_up(bytes, page_size()));
    CHECK(range.unit == page_size());
    CHECK(range.anonymous);
    CHECK(reinterpret_cast<uintptr_t>(range.start) % page_size() == 0);
    CHECK(all_bytes(range, 0));
    write_all(range, 1);
    CHECK(all_bytes(range, 1));
    CHECK(unmap(range));
  }
}

TEST_CASE("prefer: a range of 2 MiB or more is aligned to 2 MiB, and nothing is left beside it") {
  const uint64_t before = mapped_bytes();
  Range range;
  REQUIRE_FALSE(map_anonymous((size_t{1} << 30) + 1, HugePages::prefer, &range));
  CHECK(range.length == (size_t{1} << 30) + page_size());
  CHECK(reinterpret_cast<uintptr_t>(range.start) % kHugePage == 0);
  CHECK_FALSE(range.plain);
  CHECK(mapped_bytes() - before < range.length + kHugePage);
  *range.start = 1;
  range.start[range.length - 1] = 1;
  CHECK(unmap(range));
}

TEST_CASE("prefer: a range below 2 MiB is ordinary pages") {
  Range range;
  REQUIRE_FALSE(map_anonymous(page_size(), HugePages::prefer, &range));
  CHECK(range.length == page_size());
  CHECK(unmap(range));
}

TEST_CASE("require: pages of 2 MiB, or an error that says how to get some") {
  Range range;
  Failure failure = map_anonymous(1, HugePages::require, &range);
  if (failure) {
    CHECK(std::string(failure.code) == "ERR_EMUCXL_NO_HUGE_PAGES");
    CHECK(failure.error == ENOMEM);
    CHECK(failure.message.find("nr_hugepages") != std::string::npos);
    CHECK(range.start == nullptr);
  } else {
    CHECK(range.length == kHugePage);
    CHECK(range.unit == kHugePage);
    CHECK_FALSE(populate(range));
    CHECK(unmap(range));
  }
}

TEST_CASE("more than the address space is an error that names the call") {
  for (const HugePages huge : {HugePages::off, HugePages::prefer, HugePages::require}) {
    Range range;
    const Failure failure = map_anonymous(size_t{1} << 48, huge, &range);
    REQUIRE(failure);
    CHECK(std::string(failure.syscall) == "mmap");
    CHECK(failure.error == ENOMEM);
    CHECK(range.start == nullptr);
  }
}

}  // namespace emucxl
