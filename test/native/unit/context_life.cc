// A context lives until the environment that opened it and the last record of a region are done
// with it, in any order.
#include <doctest/doctest.h>

#include "opened.h"
#include "scripted_backend.h"

namespace emucxl {
TEST_CASE("without regions it goes with its environment") {
  Script script;
  { const Opened opened(std::make_unique<ScriptedBackend>(&script)); }
  CHECK(script.destroyed);
}

TEST_CASE("a region that outlives its environment keeps it") {
  Script script;
  Region* region = nullptr;
  {
    const Opened opened(std::make_unique<ScriptedBackend>(&script));
    region = opened.alloc(page_size());
    REQUIRE(region != nullptr);
  }
  CHECK_FALSE(script.destroyed);
  free_region(region);
  CHECK_FALSE(script.destroyed);
  table().drop(region);
  CHECK(script.destroyed);
}

TEST_CASE("a job keeps it too") {
  Script script;
  Context* context = nullptr;
  {
    const Opened opened(std::make_unique<ScriptedBackend>(&script));
    context = opened.get();
    table().hold(context);
  }
  CHECK_FALSE(script.destroyed);
  table().drop(context);
  CHECK(script.destroyed);
}

TEST_CASE("a region that is kept for good keeps it for good") {
  static Script script;  // outlives the test, as the context does
  {
    const Opened opened(std::make_unique<ScriptedBackend>(&script));
    Region* region = opened.alloc(page_size());
    table().keep(region);
    table().drop(region);
  }
  CHECK_FALSE(script.destroyed);
}

}  // namespace emucxl
