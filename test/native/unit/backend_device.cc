// The device backend, over /dev/zero, which maps zeros as the kernel module does. That the offset
// names the node is not shown here: /dev/zero has memory at offset 0 alone.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>

#include "backend.h"
#include "child.h"
#include "contents.h"

namespace emucxl {
namespace {

constexpr uid_t kNobody = 65534;

Failure why_not(const char* path) {
  Failure failure;
  CHECK(open_device(path, &failure) == nullptr);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_BACKEND_UNAVAILABLE");
  return failure;
}

}  // namespace

TEST_CASE("a device is mapped, wiped and unmapped") {
  Failure failure;
  const auto backend = open_device("/dev/zero", &failure);
  REQUIRE_MESSAGE(backend != nullptr, failure.message);
  CHECK(std::string(backend->name()) == "device");
  Range range;
  REQUIRE_FALSE(backend->map({5000, 0, HugePages::off}, &range));
  CHECK(range.length == round_up(5000, page_size()));
  CHECK_FALSE(range.anonymous);
  CHECK_FALSE(range.plain);
  write_all(range, 1);
  CHECK(discard(range));
  CHECK(all_bytes(range, 0));
  CHECK(unmap(range));
}

TEST_CASE("a mapping outlives the descriptor") {
  Failure failure;
  auto backend = open_device("/dev/zero", &failure);
  REQUIRE(backend != nullptr);
  Range range;
  REQUIRE_FALSE(backend->map({1, 0, HugePages::off}, &range));
  backend.reset();
  write_all(range, 1);
  CHECK(all_bytes(range, 1));
  CHECK(unmap(range));
}

TEST_CASE("a device without the module's calls migrates by copying") {
  Failure failure;
  const auto backend = open_device("/dev/zero", &failure);
  REQUIRE(backend != nullptr);
  Range range;
  REQUIRE_FALSE(backend->map({5 * page_size(), 0, HugePages::off}, &range));
  write_all(range, 7);
  const std::atomic<bool> never{false};
  const std::atomic<bool> at_once{true};
  // Offset 4096 of /dev/zero maps, and has no memory: only what the copy does not reach is tried.
  MoveResult result;
  const Failure aborted = backend->move(range, 0, 1, at_once, &result);
  CHECK(std::string(aborted.code) == "ERR_EMUCXL_ABORTED");
  CHECK(result.moved == 0);
  REQUIRE_FALSE(backend->move(range, 1, 0, never, &result));
  CHECK(result.moved == 5);
  CHECK(all_bytes(range, 7));
  CHECK(unmap(range));
}

TEST_CASE("more than the device can map is an error with its errno") {
  Failure failure;
  const auto backend = open_device("/dev/zero", &failure);
  REQUIRE(backend != nullptr);
  Range range;
  const Failure mapped = backend->map({size_t{1} << 47, 0, HugePages::off}, &range);
  REQUIRE(mapped);
  CHECK(std::string(mapped.code) == "ERR_EMUCXL_NO_MEMORY");
  CHECK(std::string(mapped.syscall) == "mmap");
  CHECK(mapped.error == ENOMEM);
}

TEST_CASE("what keeps the device from opening is said") {
  CHECK(why_not("/dev/emucxl-of-no-machine").error == ENOENT);
  // A file that any user may open for writing.
  CHECK(why_not("/proc/self/comm").message == "/proc/self/comm is not a character device");
  CHECK(why_not("/dev").error == EISDIR);
}

TEST_CASE("a device that this user may not open") {
  check_in_child([] {
    EXPECT_IN_CHILD(geteuid() != 0 || seteuid(kNobody) == 0);
    Failure failure;
    EXPECT_IN_CHILD(open_device("/dev/mem", &failure) == nullptr);
    EXPECT_IN_CHILD(failure.error == EACCES || failure.error == ENOENT);
  });
}

}  // namespace emucxl
