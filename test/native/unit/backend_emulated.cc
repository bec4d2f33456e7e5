// The emulated backend: ordinary memory whatever the node, which counts as moved.
#include <doctest/doctest.h>

#include "backend.h"
#include "contents.h"

namespace emucxl {
TEST_CASE("the emulated backend always opens, maps on any node and moves nothing") {
  Failure failure;
  const auto backend = open_emulated(&failure);
  REQUIRE(backend != nullptr);
  CHECK_FALSE(failure);
  CHECK(std::string(backend->name()) == "emulated");
  CHECK_FALSE(backend->can().places);

  Range range;
  REQUIRE_FALSE(backend->map({3 * page_size() - 1, 12345, HugePages::off}, &range));
  CHECK(range.length == 3 * page_size());
  write_all(range, 1);
  const std::atomic<bool> never{false};
  MoveResult result;
  CHECK_FALSE(backend->move(range, 0, 1, never, &result));
  CHECK(result.moved == 3);
  CHECK(all_bytes(range, 1));
  CHECK(unmap(range));
}

}  // namespace emucxl
