// The numa backend on the node that every machine has. With that one node, that pages change place
// is not shown; the appliance has two.
#include <doctest/doctest.h>

#include <cerrno>
#include <thread>

#include "backend.h"
#include "contents.h"

namespace emucxl {
namespace {

const std::atomic<bool> never{false};

// Null with a printed reason: no libnuma here, or a container that forbids mbind.
std::unique_ptr<Backend> opened() {
  Failure failure;
  auto backend = open_numa(&failure);
  if (backend == nullptr) {
    CHECK(std::string(failure.code) == "ERR_EMUCXL_BACKEND_UNAVAILABLE");
    MESSAGE("skipped: " << failure.message);
  }
  return backend;
}

// A node that has memory: the one on which a fresh page comes to lie.
int node_with_memory() {
  Range page;
  REQUIRE_FALSE(map_anonymous(page_size(), HugePages::off, &page));
  *page.start = 1;
  Residency found;
  REQUIRE_FALSE(residency(page, &found));
  unmap(page);
  return found.by_node.begin()->first;
}

}  // namespace

TEST_CASE("memory is mapped on the node, and stays there when it is moved to it") {
  const auto backend = opened();
  if (backend == nullptr) return;
  CHECK(std::string(backend->name()) == "numa");
  const int node = node_with_memory();
  Range range;
  REQUIRE_FALSE(backend->map({100 * page_size(), node, HugePages::off}, &range));
  CHECK_FALSE(range.plain);
  const Range half{range.start, range.length / 2};
  write_all(half, 4);
  Residency found;
  REQUIRE_FALSE(residency(range, &found));
  CHECK(found.by_node.size() == 1);
  CHECK(found.by_node[node] == 50);

  MoveResult result;
  REQUIRE_FALSE(backend->move(range, node, node, never, &result));
  CHECK(result.moved == 50);
  CHECK(result.untouched == 50);
  CHECK(result.failed == 0);
  CHECK(all_bytes(half, 4));
  CHECK(unmap(range));
}

TEST_CASE("a wiped range of the node is zeros, and bound to it no more") {
  const auto backend = opened();
  if (backend == nullptr) return;
  Range range;
  REQUIRE_FALSE(backend->map({page_size(), node_with_memory(), HugePages::off}, &range));
  write_all(range, 1);
  CHECK(discard(range));
  CHECK(all_bytes(range, 0));
  CHECK(unmap(range));
}

TEST_CASE("a node that is not there is refused, and nothing stays mapped") {
  const auto backend = opened();
  if (backend == nullptr) return;
  for (const int node : {-1, 1000, 1024, 65536}) {
    CAPTURE(node);
    const uint64_t before = mapped_bytes();
    Range range;
    const Failure failure = backend->map({size_t{1} << 30, node, HugePages::off}, &range);
    REQUIRE(failure);
    CHECK(std::string(failure.code) == "ERR_EMUCXL_BAD_NODE");
    CHECK(std::string(failure.syscall) == "mbind");
    CHECK(failure.error == EINVAL);
    CHECK(mapped_bytes() - before < size_t{1} << 29);
  }
}

TEST_CASE("a move to a node that is not there leaves the range as it was") {
  const auto backend = opened();
  if (backend == nullptr) return;
  const int node = node_with_memory();
  Range range;
  REQUIRE_FALSE(backend->map({4 * page_size(), node, HugePages::off}, &range));
  write_all(range, 6);
  MoveResult result;
  const Failure failure = backend->move(range, node, 1000, never, &result);
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_BAD_NODE");
  CHECK(result.moved == 0);
  CHECK(all_bytes(range, 6));
  CHECK(unmap(range));
}

TEST_CASE("a move that is cancelled moves back what it has moved") {
  const auto backend = opened();
  if (backend == nullptr) return;
  const int node = node_with_memory();
  Range range;
  REQUIRE_FALSE(backend->map({100 * page_size(), node, HugePages::off}, &range));
  write_all(range, 2);
  const std::atomic<bool> cancelled{true};
  MoveResult result;
  const Failure failure = backend->move(range, node, node, cancelled, &result);
  REQUIRE(failure);
  CHECK(std::string(failure.code) == "ERR_EMUCXL_ABORTED");
  CHECK(result.moved == 0);
  Residency found;
  REQUIRE_FALSE(residency(range, &found));
  CHECK(found.by_node[node] == 100);
  CHECK(all_bytes(range, 2));
  CHECK(unmap(range));
}

TEST_CASE("a move may be cancelled while it runs, from another thread") {
  const auto backend = opened();
  if (backend == nullptr) return;
  const int node = node_with_memory();
  Range range;
  REQUIRE_FALSE(backend->map({size_t{96} << 20, node, HugePages::off}, &range));
  write_all(range, 2);
  std::atomic<bool> cancelled{false};
  std::thread other([&] { cancelled = true; });
  MoveResult result;
  const Failure failure = backend->move(range, node, node, cancelled, &result);
  other.join();
  // Either came first.
  if (failure) CHECK(std::string(failure.code) == "ERR_EMUCXL_ABORTED");
  CHECK(result.moved <= range.length / range.unit);
  CHECK(all_bytes(range, 2));
  CHECK(unmap(range));
}

}  // namespace emucxl
