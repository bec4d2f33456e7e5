// A Failure says what it was told, and success is none.
#include "failure.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace emucxl {
TEST_CASE("success is no failure, and a failure carries all its parts") {
  CHECK_FALSE(success());
  const Failure failure = fail("ERR_EMUCXL_NO_MEMORY", "none left", "mmap", ENOMEM);
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_NO_MEMORY");
  CHECK(failure.message == "none left");
  CHECK(std::string(failure.syscall) == "mmap");
  CHECK(failure.error == ENOMEM);
}

}  // namespace emucxl
