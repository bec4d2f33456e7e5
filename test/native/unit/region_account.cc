// What a region costs its node: booked before it is mapped, and given back to the byte.
#include <doctest/doctest.h>

#include "opened.h"

namespace emucxl {
TEST_CASE("charge and uncharge are exact") {
  const Opened opened;
  REQUIRE_FALSE(table().charge(opened.get(), 0, {100, 4096, 1}));
  REQUIRE_FALSE(table().charge(opened.get(), 0, {5000, 8192, 1}));
  CHECK(opened.account(0).allocated == 5100);
  CHECK(opened.account(0).mapped == 12288);
  CHECK(opened.account(0).regions == 2);
  CHECK(is_empty(opened.account(1)));
  table().uncharge(opened.get(), 0, {100, 4096, 1});
  CHECK(opened.account(0).allocated == 5000);
  table().uncharge(opened.get(), 0, {5000, 8192, 1});
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("a node takes what its capacity allows, and not a byte more") {
  const Opened opened;
  table().set_capacity(opened.get(), 0, 8192);
  REQUIRE_FALSE(table().charge(opened.get(), 0, {8000, 8192, 1}));
  const Failure failure = table().charge(opened.get(), 0, {1, 1, 1});
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_NO_MEMORY");
  CHECK(failure.message.find("0 of 8192 bytes available") != std::string::npos);
  CHECK(opened.account(0).mapped == 8192);
  table().uncharge(opened.get(), 0, {8000, 8192, 1});
}

TEST_CASE("a region that replaces another books what it takes more, and is booked whole after it") {
  const Opened opened(open_emulated(nullptr), 12288);
  Region* old = opened.alloc(5000);
  REQUIRE(old != nullptr);
  Region* fresh = nullptr;
  CHECK(obtain(like(*old, 12289), old, &fresh));
  REQUIRE_FALSE(obtain(like(*old, 12288), old, &fresh));
  CHECK(opened.account(0).mapped == 12288);
  CHECK(opened.account(0).allocated == 5000);
  CHECK(opened.account(0).regions == 1);
  CHECK(table().replace(old, fresh));
  CHECK(opened.account(0).mapped == 12288);
  CHECK(opened.account(0).allocated == 12288);
  CHECK(opened.account(0).regions == 1);
  table().drop(old);
  table().enter(fresh, 1);
  table().drop(fresh);
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("of a replacement that comes too late, nothing stays booked") {
  const Opened opened;
  for (const size_t size : {size_t{1}, size_t{4096}, size_t{100000}}) {
    CAPTURE(size);
    Region* old = opened.alloc(4096);
    REQUIRE(old != nullptr);
    Region* fresh = nullptr;
    REQUIRE_FALSE(obtain(like(*old, size), old, &fresh));
    free_region(old);
    CHECK_FALSE(table().replace(old, fresh));
    give_back(fresh);
    CHECK(is_empty(opened.account(0)));
    table().drop(old);
  }
}

TEST_CASE("while a block is replaced, its node has room for others") {
  const Opened opened(open_emulated(nullptr), 8192);
  Region* old = opened.alloc(4096);
  REQUIRE(old != nullptr);
  Region* fresh = nullptr;
  REQUIRE_FALSE(obtain(like(*old, 4000), old, &fresh));
  Region* other = opened.alloc(4096);
  CHECK(other != nullptr);
  give_back(fresh);
  if (other != nullptr) table().drop(other);
  table().drop(old);
  CHECK(is_empty(opened.account(0)));
}

TEST_CASE("a capacity below what is in use refuses more, and takes nothing away") {
  const Opened opened;
  REQUIRE_FALSE(table().charge(opened.get(), 0, {8192, 8192, 1}));
  table().set_capacity(opened.get(), 0, 4096);
  CHECK(table().charge(opened.get(), 0, {1, 4096, 1}));
  CHECK(opened.account(0).mapped == 8192);
  table().set_capacity(opened.get(), 0, 12288);
  CHECK_FALSE(table().charge(opened.get(), 0, {1, 4096, 1}));
  table().uncharge(opened.get(), 0, {1, 4096, 1});
  table().uncharge(opened.get(), 0, {8192, 8192, 1});
}

TEST_CASE("a closed context takes no region") {
  const Opened opened;
  CHECK(table().close(opened.get()));
  CHECK_FALSE(table().close(opened.get()));
  CHECK(table().is_closed(opened.get()));
  const Failure failure = table().charge(opened.get(), 0, {1, 4096, 1});
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_CLOSED");
  CHECK(is_empty(opened.account(0)));
}

}  // namespace emucxl
