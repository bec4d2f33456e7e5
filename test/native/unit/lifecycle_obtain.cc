// obtain: a region with all that was asked for, or a failure that leaves nothing behind.
#include <doctest/doctest.h>

#include "contents.h"
#include "opened.h"
#include "scripted_backend.h"

namespace emucxl {
TEST_CASE("a region is mapped and booked, and give_back undoes both") {
  const Opened opened;
  Region* region = nullptr;
  REQUIRE_FALSE(obtain(opened.wanted(5000, 1), nullptr, &region));
  CHECK(region->size == 5000);
  CHECK(region->node == 1);
  CHECK(region->range.length == round_up(5000, page_size()));
  CHECK(all_bytes(region->range, 0));
  CHECK(opened.account(1).allocated == 5000);
  CHECK(opened.account(1).mapped == region->range.length);
  give_back(region);
  CHECK(is_empty(opened.account(1)));
}

TEST_CASE("prefault gives every page its memory") {
  const Opened opened;
  Wanted wanted = opened.wanted(32 * page_size());
  wanted.prefault = true;
  Region* region = nullptr;
  REQUIRE_FALSE(obtain(wanted, nullptr, &region));
  Residency found;
  REQUIRE_FALSE(residency(region->range, &found));
  CHECK(found.untouched == 0);
  give_back(region);
}

TEST_CASE("over capacity nothing is mapped") {
  Script script;
  const Opened opened(std::make_unique<ScriptedBackend>(&script), kMiB);
  Region* region = nullptr;
  const Failure failure = obtain(opened.wanted(kMiB + 1), nullptr, &region);
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_NO_MEMORY");
  CHECK(script.maps == 0);
  CHECK(region == nullptr);
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("where the backend cannot map, the charge is given back") {
  Script script;
  script.map_failure = fail("ERR_EMUCXL_BAD_NODE", "no such node");
  const Opened opened(std::make_unique<ScriptedBackend>(&script));
  Region* region = nullptr;
  const Failure failure = obtain(opened.wanted(page_size()), nullptr, &region);
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_BAD_NODE");
  CHECK(region == nullptr);
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("what no address space can hold is refused, and the charge given back") {
  const Opened opened;
  table().set_capacity(opened.get(), 0, uint64_t{1} << 50);
  Region* region = nullptr;
  REQUIRE(obtain(opened.wanted(size_t{1} << 47), nullptr, &region));
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("a cancelled request takes nothing, also when it is cancelled while pages are touched") {
  Script script;
  const Opened opened(std::make_unique<ScriptedBackend>(&script), 1024 * kMiB);
  Wanted wanted = opened.wanted(512 * kMiB);
  wanted.prefault = true;
  Region* region = nullptr;
  const std::atomic<bool> at_once{true};
  CHECK(std::string(obtain(wanted, nullptr, &region, &at_once).code) == "ERR_EMUCXL_ABORTED");
  CHECK(script.maps == 0);
  std::atomic<bool> soon{false};
  script.during_populate = [&] { soon = true; };
  CHECK(std::string(obtain(wanted, nullptr, &region, &soon).code) == "ERR_EMUCXL_ABORTED");
  CHECK(script.populated == 64 * kMiB);
  CHECK(region == nullptr);
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("like: a block of another size keeps what it was allocated with") {
  const Opened opened;
  Wanted wanted = opened.wanted(page_size(), 1);
  wanted.shared = true;
  wanted.hidden = false;
  wanted.prefault = true;
  Region* region = nullptr;
  REQUIRE_FALSE(obtain(wanted, nullptr, &region));
  const Wanted again = like(*region, 9000);
  CHECK(again.context == opened.get());
  CHECK(again.node == 1);
  CHECK(again.size == 9000);
  CHECK(again.shared);
  CHECK_FALSE(again.hidden);
  CHECK_FALSE(again.prefault);
  give_back(region);
}

}  // namespace emucxl
