// residency: where the kernel says that pages are. With one NUMA node, that each page is reported
// under its own node is not shown.
#include <doctest/doctest.h>

#include "contents.h"

namespace emucxl {
namespace {

uint64_t placed(const Residency& residency) {
  uint64_t pages = 0;
  for (const auto& [node, count] : residency.by_node) pages += count;
  return pages;
}

}  // namespace

TEST_CASE("pages that were written are somewhere, the others nowhere yet") {
  constexpr size_t kPages = 10000;  // more than are asked about at a time
  Range range;
  REQUIRE_FALSE(map_anonymous(kPages * page_size(), HugePages::off, &range));
  for (size_t i = 0; i < kPages; i += 2) range.start[i * page_size()] = 1;
  Residency found;
  REQUIRE_FALSE(residency(range, &found));
  CHECK(placed(found) == kPages / 2);
  CHECK(found.untouched == kPages / 2);
  for (const auto& [node, count] : found.by_node) CHECK(node >= 0);
  CHECK(unmap(range));
}

TEST_CASE("a page that was only read has no place yet") {
  Range range;
  REQUIRE_FALSE(map_anonymous(page_size(), HugePages::off, &range));
  CHECK(all_bytes(range, 0));
  Residency found;
  REQUIRE_FALSE(residency(range, &found));
  CHECK(found.untouched == 1);
  CHECK(found.by_node.empty());
  CHECK(unmap(range));
}

}  // namespace emucxl
