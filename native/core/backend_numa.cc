// Anonymous memory bound to a NUMA node with mbind(2), moved in place with move_pages(2).
#include <linux/mempolicy.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <vector>

#include "backend.h"
#include "libnuma.h"
#include "mappings.h"

namespace emucxl {
namespace {

constexpr int kMaxNode = 1024;               // MAX_NUMNODES of the largest kernels
constexpr size_t kBatch = size_t{32} << 20;  // bytes in one call: about 10 ms, then a look at
                                             // whether to stop
constexpr int kTries = 3;                    // for pages that are busy for a moment
constexpr int kUnknown = -EAGAIN;            // a status that the kernel has not written
constexpr unsigned kWordBits = 8 * sizeof(unsigned long);

Failure bind_failed(int numa_node, int error) {
  if (error == EPERM || error == ENOSYS || error == EACCES) {
    return fail("ERR_EMUCXL_NOT_PERMITTED",
                "mbind is forbidden here; " + allow_calls("mbind and move_pages"), "mbind", error);
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
  Capabilities can() const override { return {true, true, true}; }

  Failure map(const MapRequest& request, Range* out) override {
    if (Failure failure = map_anonymous(request.length, request.huge, out)) return failure;
    out->plain = false;
    Failure failure = bind(*out, request.numa_node);
    if (failure) unmap(*out);
    return failure;
  }

  // A page that is bound to a full node is a case for the OOM killer, which ends this process; also
  // where the node's free memory was enough, because some of it is kept for the kernel, or another
  // thread took it. Moving a page there fails and does no harm. So other nodes may help out first.
  Failure populate(const Range& range, int numa_node) override {
    if (range.unit != page_size()) return emucxl::populate(range);
    for (int attempt = 1;; ++attempt) {
      if (bind(range, numa_node, MPOL_PREFERRED)) return emucxl::populate(range);
      Failure failure = emucxl::populate(range);
      if (Failure unbound = bind(range, numa_node)) return unbound;
      MoveResult result;
      for (size_t done = 0; done < range.length && !failure; done += kBatch) {
        const size_t bytes = std::min(kBatch, range.length - done);
        failure = move_batch(range, done, bytes, numa_node, &result);
      }
      if (failure) return failure;
      if (result.failed == 0 && result.untouched == 0) return success();
      // Linux 6.12 drops pages of zeros from a huge page that it has to split for the move; the
      // next round gives them memory again, in small pages.
      if (result.failed != 0 || attempt == kTries) return move_failed(numa_node, ENOMEM);
    }
  }

  Failure move(const Range& range, int from, int to, const std::atomic<bool>& cancelled,
               MoveResult* out) override {
    // A policy of its own cuts the range out of a mapping that it shares with others.
    if (!mappings_left()) return too_many_mappings();
    // First the policy, so that a page touched meanwhile comes to the target; then what is there.
    if (Failure failure = bind(range, to)) return failure;
    for (size_t done = 0; done < range.length;) {
      const size_t bytes = std::min(kBatch, range.length - done);
      Failure failure = cancelled.load(std::memory_order_relaxed)
                            ? fail("ERR_EMUCXL_ABORTED", "the migration was aborted")
                            : move_batch(range, done, bytes, to, out);
      if (failure) {
        move_back(range, done + bytes, from);
        return failure;
      }
      done += bytes;
    }
    return success();
  }

 private:
  Failure bind(const Range& range, int numa_node, int mode = MPOL_BIND) const {
    if (numa_node < 0 || numa_node >= kMaxNode) return bind_failed(numa_node, EINVAL);
    unsigned long nodes[kMaxNode / kWordBits] = {};
    nodes[static_cast<unsigned>(numa_node) / kWordBits] =
        1UL << (static_cast<unsigned>(numa_node) % kWordBits);
    if (calls_.mbind(range.start, range.length, mode, nodes, kMaxNode + 1, 0) != 0) {
      return bind_failed(numa_node, errno);
    }
    return success();
  }

  // Where the pages are is asked for before and after: a call that moves them may tell of none.
  Failure move_batch(const Range& range, size_t first, size_t bytes, int to, MoveResult* out) {
    std::vector<void*> pages;
    for (size_t at = 0; at < bytes; at += range.unit) pages.push_back(range.start + first + at);
    for (int attempt = 0;; ++attempt) {
      std::vector<void*> elsewhere;
      if (Failure failure = look_for(pages, to, &elsewhere, out)) return failure;
      if (elsewhere.empty()) return success();
      if (attempt == kTries) {
        out->failed += elsewhere.size();
        return success();
      }
      if (attempt > 0) usleep(1000U << attempt);
      if (Failure failure = try_each(elsewhere, to)) return failure;
      pages.swap(elsewhere);
    }
  }

  // Counts the pages that are on the target or nowhere, and lists the others.
  Failure look_for(std::vector<void*>& pages, int to, std::vector<void*>* elsewhere,
                   MoveResult* out) {
    std::vector<int> status(pages.size(), kUnknown);
    if (calls_.move_pages(0, pages.size(), pages.data(), nullptr, status.data(), 0) < 0) {
      return move_failed(to, errno);
    }
    for (size_t i = 0; i < pages.size(); ++i) {
      if (status[i] == to) {
        ++out->moved;
      } else if (status[i] == -ENOENT || status[i] == -EFAULT) {
        ++out->untouched;
      } else {
        elsewhere->push_back(pages[i]);
      }
    }
    return success();
  }

  // Gives each page one chance. The kernel collects pages until it meets one that it can tell the
  // status of, then moves the collected ones; if one of those stays, it writes the status of none
  // of them, and leaves out all that follow (do_pages_move() in mm/migrate.c, Linux 6.1 and 6.12).
  Failure try_each(std::vector<void*>& pages, int to) {
    const std::vector<int> node(pages.size(), to);
    std::vector<int> status(pages.size());
    size_t skipped = 0;
    for (size_t first = 0; first < pages.size(); first += skipped) {
      const auto begin = status.begin() + static_cast<std::ptrdiff_t>(first);
      std::fill(begin, status.end(), kUnknown);
      const long left = calls_.move_pages(0, pages.size() - first, &pages[first], node.data(),
                                          &*begin, MPOL_MF_MOVE);
      if (left < 0) return move_failed(to, errno);
      auto end = status.end();
      while (end != begin && *(end - 1) == kUnknown) --end;
      // Nothing was left out if the pages without a status are the last that were collected.
      if (left == 0 || std::find(begin, end, kUnknown) == end) return success();
      // Of a huge page that stays, every second address would cost a call.
      skipped = end - begin > 2 ? 0 : 2 * skipped + 1;
      first = static_cast<size_t>(end - status.begin());
    }
    return success();
  }

  Failure move_failed(int to, int error) {
    if (error == EPERM || error == ENOSYS) {
      return fail("ERR_EMUCXL_NOT_PERMITTED",
                  "move_pages is forbidden here; " + allow_calls("mbind and move_pages"),
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
  void move_back(const Range& range, size_t bytes, int from) {
    if (bind(range, from)) return;
    MoveResult ignored;
    for (size_t done = 0; done < bytes; done += kBatch) {
      if (move_batch(range, done, std::min(kBatch, bytes - done), from, &ignored)) return;
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
