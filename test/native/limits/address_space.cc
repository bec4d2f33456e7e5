// Out of address space (RLIMIT_AS, ulimit -v): errors, nothing left behind, and no damage to what
// is mapped already.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "child.h"
#include "contents.h"
#include "opened.h"

namespace emucxl {
namespace {

constexpr uint64_t kRoom = 64 * kMiB;
constexpr uint64_t kMore = 1024 * kMiB;

// Leaves room for what the C library needs, and for no block of these tests.
void use_up_addresses() {
  const uint64_t limit = mapped_bytes() + kRoom;
  const rlimit at{limit, limit};
  EXPECT_IN_CHILD(setrlimit(RLIMIT_AS, &at) == 0);
}

}  // namespace

TEST_CASE("a range that has no place is an error that names the limit") {
  check_in_child([] {
    use_up_addresses();
    for (const HugePages huge : {HugePages::off, HugePages::prefer}) {
      Range range;
      const Failure failure = map_anonymous(kMore, huge, &range);
      EXPECT_IN_CHILD(failure);
      EXPECT_IN_CHILD(strcmp(failure.code, "ERR_EMUCXL_NO_MEMORY") == 0);
      EXPECT_IN_CHILD(failure.error == ENOMEM);
      EXPECT_IN_CHILD(failure.message.find("ulimit -v") != std::string::npos);
      EXPECT_IN_CHILD(range.start == nullptr);
    }
  });
}

TEST_CASE("alloc and resize fail with the account and the old block as they were") {
  check_in_child([] {
    const Opened opened;
    table().set_capacity(opened.get(), 0, uint64_t{1} << 50);
    Region* region = opened.alloc(kMiB);
    EXPECT_IN_CHILD(region != nullptr);
    write_all(region->range, 1);
    use_up_addresses();
    EXPECT_IN_CHILD(opened.alloc(kMore) == nullptr);
    Region* fresh = nullptr;
    EXPECT_IN_CHILD(obtain(like(*region, kMore), region, &fresh));
    EXPECT_IN_CHILD(fresh == nullptr);
    EXPECT_IN_CHILD(opened.account(0).mapped == kMiB);
    EXPECT_IN_CHILD(opened.account(0).regions == 1);
    EXPECT_IN_CHILD(all_bytes(region->range, 1));
  });
}

TEST_CASE("what is freed makes room again, and its range is zeros meanwhile") {
  check_in_child([] {
    const Opened opened;
    table().set_capacity(opened.get(), 0, kMore);
    Region* region = opened.alloc(2 * kRoom);
    EXPECT_IN_CHILD(region != nullptr);
    write_all(region->range, 1);
    use_up_addresses();
    EXPECT_IN_CHILD(opened.alloc(2 * kRoom) == nullptr);
    free_region(region);
    EXPECT_IN_CHILD(all_bytes(region->range, 0));
    EXPECT_IN_CHILD(opened.alloc(2 * kRoom) == nullptr);  // the addresses are still reserved
    table().drop(region);
    EXPECT_IN_CHILD(opened.alloc(2 * kRoom) != nullptr);
  });
}

TEST_CASE("idle ranges make room for a block of another length") {
  check_in_child([] {
    const Opened opened;
    table().set_capacity(opened.get(), 0, kMore);
    table().set_capacity(opened.get(), 1, kMore);
    std::vector<Region*> regions;
    for (size_t i = 0; i < 2 * kRoom / kMiB; ++i) regions.push_back(opened.alloc(kMiB, 1));
    use_up_addresses();
    for (Region* region : regions) {
      EXPECT_IN_CHILD(region != nullptr);
      free_region(region);
      table().drop(region);
    }
    EXPECT_IN_CHILD(opened.account(1).idle.bytes == 2 * kRoom);
    EXPECT_IN_CHILD(opened.alloc(2 * kRoom) != nullptr);
    EXPECT_IN_CHILD(is_empty(opened.account(1).idle));
    EXPECT_IN_CHILD(opened.alloc(kMore / 2) == nullptr);
  });
}

TEST_CASE("pages can be moved with no address to spare") {
  check_in_child([] {
    Range from;
    Range to;
    EXPECT_IN_CHILD(!map_anonymous(2 * kRoom, HugePages::off, &from));
    EXPECT_IN_CHILD(!map_anonymous(2 * kRoom, HugePages::off, &to));
    write_all(from, 1);
    use_up_addresses();
    const bool moved = relocate(from, to, 0, from.length);
    EXPECT_IN_CHILD(all_bytes(to, moved ? 1 : 0));
    EXPECT_IN_CHILD(all_bytes(from, moved ? 0 : 1));
  });
}

}  // namespace emucxl
