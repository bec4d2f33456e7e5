// Anonymous memory bound to a NUMA node with mbind(2), moved in place with move_pages(2).
#include <linux/mempolicy.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "backend.h"
#include "libnuma.h"

namespace emucxl {
namespace {

constexpr int kMaxNode = 1024;   // MAX_NUMNODES of the largest kernels
constexpr size_t kBatch = 8192;  // pages in one call: about 10 ms, then a look
                                 // at whether to stop
constexpr int kTries = 3;        // for pages that are busy for a moment
constexpr unsigned kWordBits = 8 * sizeof(unsigned long);

Failure bind_failed(int numa_node, int error) {
  if (error == EPERM || error == ENOSYS || error == EACCES) {
    return fail("ERR_EMUCXL_NOT_PERMITTED",
                "mbind is forbidden here; in a container, start it with --cap-add SYS_NICE or a "
                "seccomp profile that allows mbind and move_pages",
                "mbind", error);
  }
  if (error == EINVAL) {
    return fail("ERR_EMUCXL_BAD_NODE",
                "NUMA node " + std::to_string(numa_node) +
                    " is not there, has no memory, or is not allowed for this process (cpuset)",
                "mbind", error);
  }
  return fail("ERR_EMUCXL_NO_MEMORY",
              "cannot bind memory to NUMA node " + std::to_string(numa_node), "mbind", error);
}

class Numa final : public Backend {
 public:
  explicit Numa(const Libnuma* calls) : calls_(*calls) {}

  const char* name() const override { return "numa"; }
  Capabilities can() const override { return {true, true, true, true}; }

  Failure map(const MapRequest& request, Range* out) override {
    if (Failure failure = map_anonymous(request.length, request.huge, out)) return failure;
    out->plain = false;
    Failure failure = bind(*out, request.numa_node);
    if (failure) unmap(*out);
    return failure;
  }

  Failure move(const Range& range, int from, int to, const std::atomic<bool>& cancelled,
               MoveResult* out) override {
    // First the policy, so that a page touched meanwhile comes to the target; then what is there.
    if (Failure failure = bind(range, to)) return failure;
    const size_t pages = range.length / range.unit;
    for (size_t done = 0; done < pages;) {
      const size_t n = std::min(kBatch, pages - done);
      Failure failure = cancelled.load(std::memory_order_relaxed)
                            ? fail("ERR_EMUCXL_ABORTED", "the migration was aborted")
                            : move_batch(range, done, n, to, out);
      if (failure) {
        move_back(range, done + n, from);
        return failure;
      }
      done += n;
    }
    return success();
  }

 private:
  Failure bind(const Range& range, int numa_node) {
    if (numa_node < 0 || numa_node >= kMaxNode) return bind_failed(numa_node, EINVAL);
    unsigned long nodes[kMaxNode / kWordBits] = {};
    nodes[static_cast<unsigned>(numa_node) / kWordBits] =
        1UL << (static_cast<unsigned>(numa_node) % kWordBits);
    if (calls_.mbind(range.start, range.length, MPOL_BIND, nodes, kMaxNode + 1, 0) != 0) {
      return bind_failed(numa_node, errno);
    }
    return success();
  }

  Failure move_batch(const Range& range, size_t first, size_t count, int to, MoveResult* out) {
    std::vector<void*> address(count);
    std::vector<int> node(count, to);
    std::vector<int> status(count);
    for (size_t i = 0; i < count; ++i) address[i] = range.start + (first + i) * range.unit;
    for (int attempt = 1;; ++attempt) {
      const size_t n = address.size();
      std::fill(status.begin(), status.end(), -EAGAIN);  // what the kernel leaves out stays so
      // A positive result is the number of pages that did not move, each with its status.
      if (calls_.move_pages(0, n, address.data(), node.data(), status.data(), MPOL_MF_MOVE) < 0) {
        return move_failed(to, errno);
      }
      std::vector<void*> busy;
      for (size_t i = 0; i < n; ++i) {
        if (status[i] == to) {
          ++out->moved;
        } else if (status[i] == -ENOENT || status[i] == -EFAULT) {
          ++out->untouched;
        } else if (status[i] == -ENOMEM) {
          return move_failed(to, ENOMEM);
        } else {
          busy.push_back(address[i]);
        }
      }
      if (busy.empty()) return success();
      if (attempt == kTries) {
        // A status that was never written, again and again, is how a full node shows itself.
        out->failed += busy.size();
        return success();
      }
      address.swap(busy);
      node.assign(address.size(), to);
      status.assign(address.size(), 0);
      usleep(1000U << attempt);
    }
  }

  Failure move_failed(int to, int error) {
    if (error == EPERM || error == ENOSYS) {
      return fail("ERR_EMUCXL_NOT_PERMITTED",
                  "move_pages is forbidden here; in a container, start it with --cap-add SYS_NICE "
                  "or a seccomp profile that allows it",
                  "move_pages", error);
    }
    if (error == ENODEV || error == EACCES) {
      return fail("ERR_EMUCXL_BAD_NODE",
                  "NUMA node " + std::to_string(to) +
                      " is offline, or not allowed for this process (cpuset)",
                  "move_pages", error);
    }
    return fail("ERR_EMUCXL_NO_MEMORY",
                "NUMA node " + std::to_string(to) + " has no room for the pages: free memory there",
                "move_pages", error);
  }

  // Best effort: what cannot go back stays readable where it is, and the policy is the old one.
  void move_back(const Range& range, size_t pages, int from) {
    if (bind(range, from)) return;
    MoveResult ignored;
    for (size_t done = 0; done < pages; done += kBatch) {
      if (move_batch(range, done, std::min(kBatch, pages - done), from, &ignored)) return;
    }
  }

  const Libnuma calls_;
};

}  // namespace

std::unique_ptr<Backend> open_numa(Failure* failure) {
  const Libnuma* calls = libnuma(failure);
  if (calls == nullptr) return nullptr;
  auto backend = std::make_unique<Numa>(calls);
  // In a container, mbind may be forbidden while libnuma says that all is well: try it. The node
  // is the one where the page is already, so the only thing that can go wrong is permission.
  Range page;
  Residency where;
  if (Failure f = map_anonymous(page_size(), HugePages::off, &page)) {
    *failure = std::move(f);
    return nullptr;
  }
  *page.start = 1;
  Failure f = residency(page, &where);
  if (!f && !where.by_node.empty()) {
    const std::atomic<bool> never{false};
    MoveResult result;
    const int node = where.by_node.begin()->first;
    f = backend->move(page, node, node, never, &result);
  }
  unmap(page);
  if (f) {
    *failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE", f.message, f.syscall, f.error);
    return nullptr;
  }
  return backend;
}

}  // namespace emucxl
