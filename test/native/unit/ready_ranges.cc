// Ranges mapped ahead and used again: how they are cut, kept, taken and given up.
#include <doctest/doctest.h>

#include <set>

#include "contents.h"
#include "opened.h"

namespace emucxl {
namespace {

Range mapped(size_t length) {
  Range range;
  REQUIRE_FALSE(map_anonymous(length, HugePages::off, &range));
  return range;
}

}  // namespace

TEST_CASE("ranges are cut off a span side by side, until it is used up") {
  ReadyRanges ready;
  Range out;
  CHECK_FALSE(ready.take(page_size(), &out));
  const Range span = mapped(4 * page_size());
  Range rest;
  ready.add_span(span, &rest);
  CHECK(rest.length == 0);
  REQUIRE(ready.take(page_size(), &out));
  CHECK(out.start == span.start);
  CHECK(out.length == page_size());
  REQUIRE(ready.take(2 * page_size(), &out));
  CHECK(out.start == span.start + page_size());
  CHECK_FALSE(ready.take(2 * page_size(), &out));
  ready.add_span(mapped(2 * page_size()), &rest);
  CHECK(rest.start == span.start + 3 * page_size());
  CHECK(rest.length == page_size());
  CHECK(unmap(span));
}

TEST_CASE("a range that was put back is taken before the span, by its own length alone") {
  ReadyRanges ready;
  Range rest;
  ready.add_span(mapped(4 * page_size()), &rest);
  Range out;
  REQUIRE(ready.take(page_size(), &out));
  std::vector<Range> surplus;
  ready.put(out, &surplus);
  CHECK(surplus.empty());
  CHECK(ready.tally().ranges == 1);
  CHECK(ready.tally().bytes == page_size());
  Range other;
  REQUIRE(ready.take(2 * page_size(), &other));
  CHECK(other.start == out.start + page_size());
  Range again;
  REQUIRE(ready.take(page_size(), &again));
  CHECK(again.start == out.start);
  CHECK(is_empty(ready.tally()));
  CHECK(unmap(again));
  CHECK(unmap(other));
}

TEST_CASE(
    "more ranges than are of use are given up, many at a time, those of other lengths first") {
  constexpr size_t kMost = 16384;
  const Range small = mapped(kMost * page_size());
  ReadyRanges ready;
  std::vector<Range> surplus;
  for (size_t i = 0; i < kMost; ++i) {
    Range range = small;
    range.start += i * page_size();
    range.length = page_size();
    ready.put(range, &surplus);
  }
  CHECK(surplus.empty());
  CHECK(ready.tally().ranges == kMost);
  for (int i = 0; i < 512; ++i) ready.put(mapped(2 * page_size()), &surplus);
  CHECK(ready.tally().ranges == kMost);
  REQUIRE(surplus.size() == 512);
  for (const Range& range : surplus) CHECK(range.length == page_size());
  unmap_all(&surplus);
  CHECK(surplus.empty());
}

TEST_CASE("long ranges drive out as many short ones as it takes") {
  constexpr size_t kMost = size_t{4} << 30;
  constexpr size_t kLong = ReadyRanges::kLongest;
  const Range all = mapped(2 * kMost);
  ReadyRanges ready;
  std::vector<Range> surplus;
  const auto put = [&](size_t at, size_t length) {
    Range range = all;
    range.start += at;
    range.length = length;
    ready.put(range, &surplus);
    unmap_all(&surplus);
  };
  for (size_t i = 0; i < 8192; ++i) put(i * page_size(), page_size());
  for (size_t at = kLong * 8; at < all.length; at += kLong) put(at, kLong);
  // The bound, and what waits to be unmapped together.
  CHECK(ready.tally().bytes <= kMost + (size_t{256} << 20));
  CHECK(ready.tally().bytes > kMost / 2);
}

TEST_CASE("neighbours are unmapped together, in whatever order they come") {
  const uint64_t before = mapped_bytes();
  const Range all = mapped(size_t{1} << 30);
  std::vector<Range> parts;
  const size_t eighth = all.length / 8;
  for (const size_t i : {3, 1, 7, 0, 2, 6}) {
    parts.push_back(all);
    parts.back().start += i * eighth;
    parts.back().length = eighth;
  }
  unmap_all(&parts);
  CHECK(parts.empty());
  CHECK(mapped_bytes() - before < 3 * eighth);
  CHECK(unmap({all.start + 4 * eighth, 2 * eighth}));
}

TEST_CASE("a region gets the addresses of one that nobody knows any more, as zeros") {
  const Opened opened;
  Region* first = opened.alloc(page_size());
  char* const start = first->range.start;
  write_all(first->range, 1);
  free_region(first);
  Region* meanwhile = opened.alloc(page_size());
  CHECK(meanwhile->range.start != start);  // the first is still held
  write_all(first->range, 2);              // as a late job does
  table().drop(first);
  CHECK(opened.account(0).idle.ranges == 1);
  CHECK(opened.account(0).idle.bytes == page_size());
  Region* second = opened.alloc(page_size());
  CHECK(second->range.start == start);
  CHECK(all_bytes(second->range, 0));
  CHECK(is_empty(opened.account(0).idle));
  table().drop(meanwhile);
  table().drop(second);
}

TEST_CASE("a node does not get the ranges of another") {
  const Opened opened;
  Region* region = opened.alloc(page_size(), 0);
  char* const start = region->range.start;
  table().drop(region);
  region = opened.alloc(page_size(), 1);
  CHECK(region->range.start != start);
  const std::atomic<bool> never{false};
  MoveResult result;
  REQUIRE_FALSE(migrate(region, 0, never, &result));
  table().drop(region);
  CHECK(opened.account(0).idle.ranges == 2);
  CHECK(is_empty(opened.account(1).idle));
}

TEST_CASE("addresses that somebody unknown may hold are never used again") {
  const Opened opened;
  Region* kept = opened.alloc(page_size());
  char* const start = kept->range.start;
  table().keep(kept);
  table().drop(kept);
  std::vector<Region*> regions;
  for (int i = 0; i < 8192; ++i) {
    regions.push_back(opened.alloc(page_size()));
    REQUIRE(regions.back()->range.start != start);
  }
  for (Region* region : regions) table().drop(region);
}

TEST_CASE("what was locked, long or in huge pages is mapped by itself and unmapped") {
  const Opened opened;
  Wanted huge = opened.wanted(4 * kMiB);
  huge.huge = HugePages::prefer;
  for (const Wanted& wanted : {huge, opened.wanted(ReadyRanges::kLongest + 1)}) {
    Region* region = nullptr;
    REQUIRE_FALSE(obtain(wanted, nullptr, &region));
    CHECK_FALSE(region->reusable);
    table().enter(region, 1);
    table().drop(region);
    CHECK(is_empty(opened.account(0).idle));
  }
}

TEST_CASE("close gives up what was ready, and what comes later is unmapped") {
  const Opened opened;
  table().drop(opened.alloc(page_size()));
  Region* late = opened.alloc(2 * page_size());
  CHECK(opened.account(0).idle.ranges == 1);
  CHECK(table().close(opened.get()));
  CHECK(is_empty(opened.account(0).idle));
  table().drop(late);
  CHECK(is_empty(opened.account(0).idle));
  CHECK(is_empty(opened.account(0).reserved));
  Range out;
  CHECK(table().take_ready(opened.get(), 0, page_size(), &out));
}

}  // namespace emucxl
