// What a region costs its node: booked before it is mapped, and given back to the byte.
#include <doctest/doctest.h>

#include "opened.h"

namespace emucxl {
TEST_CASE("charge and uncharge are exact") {
  const Opened opened;
  REQUIRE_FALSE(table().charge(opened.get(), 0, 100, 4096));
  REQUIRE_FALSE(table().charge(opened.get(), 0, 5000, 8192));
  CHECK(opened.account(0).allocated == 5100);
  CHECK(opened.account(0).mapped == 12288);
  CHECK(opened.account(0).regions == 2);
  CHECK(is_empty(opened.account(1)));
  table().uncharge(opened.get(), 0, 100, 4096);
  CHECK(opened.account(0).allocated == 5000);
  table().uncharge(opened.get(), 0, 5000, 8192);
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("a node takes what its capacity allows, and not a byte more") {
  const Opened opened;
  table().set_capacity(opened.get(), 0, 8192);
  REQUIRE_FALSE(table().charge(opened.get(), 0, 8000, 8192));
  const Failure failure = table().charge(opened.get(), 0, 1, 1);
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_NO_MEMORY");
  CHECK(failure.message.find("0 of 8192 bytes available") != std::string::npos);
  CHECK(opened.account(0).mapped == 8192);
  table().uncharge(opened.get(), 0, 8000, 8192);
}

TEST_CASE("credit counts as room, for a region that will be given back") {
  const Opened opened;
  table().set_capacity(opened.get(), 0, 8192);
  REQUIRE_FALSE(table().charge(opened.get(), 0, 8192, 8192));
  CHECK(table().charge(opened.get(), 0, 12288, 12288, 8192));
  CHECK_FALSE(table().charge(opened.get(), 0, 4096, 4096, 8192));
  table().uncharge(opened.get(), 0, 4096, 4096);
  table().uncharge(opened.get(), 0, 8192, 8192);
}

TEST_CASE("a capacity below what is in use refuses more, and takes nothing away") {
  const Opened opened;
  REQUIRE_FALSE(table().charge(opened.get(), 0, 8192, 8192));
  table().set_capacity(opened.get(), 0, 4096);
  CHECK(table().charge(opened.get(), 0, 1, 4096));
  CHECK(opened.account(0).mapped == 8192);
  table().set_capacity(opened.get(), 0, 12288);
  CHECK_FALSE(table().charge(opened.get(), 0, 1, 4096));
  table().uncharge(opened.get(), 0, 1, 4096);
  table().uncharge(opened.get(), 0, 8192, 8192);
}

TEST_CASE("a closed context takes no region") {
  const Opened opened;
  CHECK(table().close(opened.get()));
  CHECK_FALSE(table().close(opened.get()));
  CHECK(table().is_closed(opened.get()));
  const Failure failure = table().charge(opened.get(), 0, 1, 4096);
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_CLOSED");
  CHECK(is_empty(opened.account(0)));
}

}  // namespace emucxl
