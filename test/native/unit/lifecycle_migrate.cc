// migrate: the account follows the pages, and a migration that fails has changed nothing.
#include <doctest/doctest.h>

#include "contents.h"
#include "opened.h"
#include "scripted_backend.h"

namespace emucxl {
namespace {

const std::atomic<bool> never{false};

std::string code(const Failure& failure) { return failure ? failure.code : "none"; }

}  // namespace

TEST_CASE("the region is booked on the other node, and its contents stay") {
  const Opened opened;
  Region* region = opened.alloc(5000);
  write_all(region->range, 1);
  MoveResult result;
  REQUIRE_FALSE(migrate(region, 1, never, &result));
  CHECK(region->node == 1);
  CHECK(result.moved == region->range.length / page_size());
  CHECK(is_empty(opened.account(0)));
  CHECK(opened.account(1).allocated == 5000);
  CHECK(opened.account(1).regions == 1);
  CHECK(all_bytes(region->range, 1));
  table().drop(region);
  CHECK(is_empty(opened.account(1)));
}

TEST_CASE("to a node without room for it") {
  Script script;
  const Opened opened(std::make_unique<ScriptedBackend>(&script));
  table().set_capacity(opened.get(), 1, page_size());
  Region* region = opened.alloc(2 * page_size());
  MoveResult result;
  CHECK(code(migrate(region, 1, never, &result)) == "ERR_EMUCXL_NO_MEMORY");
  CHECK(script.moves == 0);
  CHECK(region->node == 0);
  CHECK(is_empty(opened.account(1)));
  CHECK(opened.account(0).regions == 1);
  table().drop(region);
}

TEST_CASE("where the backend fails") {
  Script script;
  script.move_failure = fail("ERR_EMUCXL_ABORTED", "aborted");
  const Opened opened(std::make_unique<ScriptedBackend>(&script));
  Region* region = opened.alloc(page_size());
  MoveResult result;
  CHECK(code(migrate(region, 1, never, &result)) == "ERR_EMUCXL_ABORTED");
  CHECK(region->node == 0);
  CHECK(is_empty(opened.account(1)));
  CHECK(opened.account(0).regions == 1);
  table().drop(region);
}

TEST_CASE("to its own node, pages that stayed behind get another chance") {
  Script script;
  const Opened opened(std::make_unique<ScriptedBackend>(&script));
  Region* region = opened.alloc(page_size());
  MoveResult result;
  REQUIRE_FALSE(migrate(region, 0, never, &result));
  CHECK(script.moves == 1);
  CHECK(opened.account(0).regions == 1);
  script.can.places = false;
  REQUIRE_FALSE(migrate(region, 0, never, &result));
  CHECK(script.moves == 1);
  table().drop(region);
}

TEST_CASE("a region that is freed while it moves is booked nowhere") {
  Script script;
  const Opened opened(std::make_unique<ScriptedBackend>(&script));
  Region* region = opened.alloc(page_size());
  script.during_move = [region] { free_region(region); };
  MoveResult result;
  REQUIRE_FALSE(migrate(region, 1, never, &result));
  CHECK(is_empty(opened.account(0)));
  CHECK(is_empty(opened.account(1)));
  CHECK(opened.account(0).pending.ranges == 1);
  table().drop(region);
  CHECK(is_empty(opened.account(0).pending));
  CHECK(is_empty(opened.account(1).pending));
}

}  // namespace emucxl
