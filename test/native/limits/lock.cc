// lock: memory that is never paged out, or the error that names the limit. Among the limits because
// the sanitizers make mlock(2) do nothing.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

#include "child.h"
#include "contents.h"
#include "opened.h"

namespace emucxl {
namespace {

constexpr uid_t kNobody = 65534;

// The limit does not bind root, so root becomes somebody else. The child has one thread.
void forbid_locking() {
  const rlimit none{0, 0};
  EXPECT_IN_CHILD(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
  EXPECT_IN_CHILD(geteuid() != 0 || seteuid(kNobody) == 0);
}

}  // namespace

TEST_CASE("locked memory is all there, and not like its neighbours any more") {
  Range range;
  REQUIRE_FALSE(map_anonymous(4 * page_size(), HugePages::off, &range));
  if (const Failure failure = lock(&range)) {
    MESSAGE("skipped, this user may lock nothing: " << failure.message);
  } else {
    CHECK_FALSE(range.plain);
    Residency found;
    REQUIRE_FALSE(residency(range, &found));
    CHECK(found.untouched == 0);
    write_all(range, 1);
    CHECK(discard(range));
    CHECK(all_bytes(range, 0));
  }
  CHECK(unmap(range));
}

TEST_CASE("over the limit, lock says so and the range stays as it was") {
  check_in_child([] {
    forbid_locking();
    Range range;
    EXPECT_IN_CHILD(!map_anonymous(page_size(), HugePages::off, &range));
    write_all(range, 1);
    const Failure failure = lock(&range);
    EXPECT_IN_CHILD(failure);
    EXPECT_IN_CHILD(strcmp(failure.code, "ERR_EMUCXL_LOCK_LIMIT") == 0);
    EXPECT_IN_CHILD(strcmp(failure.syscall, "mlock") == 0 && failure.error != 0);
    EXPECT_IN_CHILD(range.plain && all_bytes(range, 1));
  });
}

TEST_CASE("where locking is refused, the mapping and the charge are given back") {
  check_in_child([] {
    const Opened opened;
    table().set_capacity(opened.get(), 0, uint64_t{1} << 40);
    forbid_locking();
    const uint64_t before = mapped_bytes();
    Wanted wanted = opened.wanted(size_t{1} << 30);
    wanted.lock = true;
    Region* region = nullptr;
    const Failure failure = obtain(wanted, nullptr, &region);
    EXPECT_IN_CHILD(failure && strcmp(failure.code, "ERR_EMUCXL_LOCK_LIMIT") == 0);
    EXPECT_IN_CHILD(mapped_bytes() - before < size_t{1} << 29);
    EXPECT_IN_CHILD(is_empty(opened.account(0)));
  });
}

}  // namespace emucxl
