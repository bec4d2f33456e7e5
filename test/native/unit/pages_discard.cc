// discard and overlay: the memory goes back and the range reads as zeros, under threads that go on
// reading and writing. A run that ends well does not show that no moment exists in which an access
// would fault; 2,000 rounds under a writer make it unlikely.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "contents.h"

namespace emucxl {
namespace {

// Not looked at by the thread sanitizer: to write while the range is replaced is the point, and it
// takes the mmap for a write of ours.
__attribute__((no_sanitize("thread"))) void write_until(const std::atomic<bool>& stop,
                                                        const Range& range) {
  while (!stop.load(std::memory_order_relaxed)) {
    for (size_t i = 0; i < range.length; i += range.unit) {
      auto* word = reinterpret_cast<volatile uint64_t*>(range.start + i);
      *word = *word + 1;
    }
  }
}

void check_zeros_after(bool (*give_back)(const Range&), const Range& range) {
  write_all(range, 1);
  REQUIRE(give_back(range));
  Residency found;
  REQUIRE_FALSE(residency(range, &found));
  CHECK(found.untouched == range.length / range.unit);
  CHECK(all_bytes(range, 0));
  write_all(range, 2);  // the addresses still are memory
  CHECK(all_bytes(range, 2));
}

void check_under_a_writer(bool (*give_back)(const Range&)) {
  Range range;
  REQUIRE_FALSE(map_anonymous(16 * page_size(), HugePages::off, &range));
  std::atomic<bool> stop{false};
  std::thread writer([&] { write_until(stop, range); });
  bool all = true;
  for (int i = 0; i < 2000; ++i) all = give_back(range) && all;
  stop = true;
  writer.join();
  CHECK(all);
  CHECK(give_back(range));
  CHECK(all_bytes(range, 0));
  CHECK(unmap(range));
}

}  // namespace

TEST_CASE("a discarded range reads as zeros and holds no memory") {
  Range range;
  REQUIRE_FALSE(map_anonymous(8 * page_size(), HugePages::off, &range));
  check_zeros_after(discard, range);
  CHECK(unmap(range));
}

TEST_CASE("an overlaid range reads as zeros and holds no memory") {
  Range range;
  REQUIRE_FALSE(map_anonymous(8 * page_size(), HugePages::off, &range));
  check_zeros_after(overlay, range);
  CHECK(unmap(range));
}

TEST_CASE("a part of a larger mapping can be given back, and the rest keeps its contents") {
  Range range;
  REQUIRE_FALSE(map_anonymous(3 * page_size(), HugePages::off, &range));
  write_all(range, 5);
  const Range middle{range.start + page_size(), page_size()};
  CHECK(overlay(middle));
  CHECK(all_bytes(range.start, page_size(), 5));
  CHECK(all_bytes(middle, 0));
  CHECK(all_bytes(middle.start + page_size(), page_size(), 5));
  CHECK(unmap(range));
}

TEST_CASE("discard under a thread that writes") { check_under_a_writer(discard); }

TEST_CASE("overlay under a thread that writes") { check_under_a_writer(overlay); }

}  // namespace emucxl
