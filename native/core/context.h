// An open context: a backend, a map from emucxl nodes to NUMA nodes, and the account of each node.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "backend.h"

namespace emucxl {

struct Region;

struct Tally {
  uint64_t ranges = 0;
  uint64_t bytes = 0;

  void add(uint64_t length) {
    ++ranges;
    bytes += length;
  }
  void subtract(uint64_t length) {
    --ranges;
    bytes -= length;
  }
};

// What an access to a node costs in the latency model of the emulated backend.
struct Latency {
  double ns = 0;            // one access
  double bytes_per_ns = 0;  // GB/s; 0: the model is off
};

// Address ranges of one node that are ready for use: they hold no memory, read as zeros, and have
// the node's policy. Idle ones were regions before, and are known to nobody; others are cut off a
// span that was mapped ahead. So most regions need no mmap(2), no mbind(2) and no munmap(2), and
// those of a node lie side by side in few mappings of the kernel's.
class ReadyRanges {
 public:
  static constexpr size_t kLongest = size_t{4}
                                     << 20;  // bytes; longer regions are mapped one by one
  static constexpr size_t kSpan = size_t{16} << 20;

  ReadyRanges() = default;
  ~ReadyRanges();
  ReadyRanges(ReadyRanges&& other) noexcept { swap(other); }
  ReadyRanges& operator=(ReadyRanges&& other) noexcept {
    swap(other);
    return *this;
  }

  bool take(size_t length, Range* out);
  // Cuts from a new span from now on; what was left of the old one comes back in `rest`.
  void add_span(const Range& span, Range* rest);
  // Keeps a range that a region had. Ranges that there is no room for come back in `surplus`, many
  // at a time, so that neighbours can be unmapped in one call.
  void put(const Range& range, std::vector<Range>* surplus);
  // Of all that is mapped and that no region had, or has any more, but for the span.
  Tally tally() const;
  bool empty() const { return tally().ranges == 0 && span_.length == 0; }

 private:
  void swap(ReadyRanges& other);

  std::unordered_map<size_t, std::vector<Range>> idle_;  // by length
  Tally tally_;                                          // of the idle ones
  std::vector<Range> surplus_;                           // to be unmapped
  uint64_t surplus_bytes_ = 0;
  Range span_;  // what is left of it
};

struct NodeAccount {
  int numa_node = 0;
  uint64_t capacity = 0;   // bytes; further regions are refused beyond it
  uint64_t allocated = 0;  // bytes asked for, of live regions
  uint64_t mapped = 0;     // bytes of their pages: what counts against the capacity
  uint64_t regions = 0;
  Tally pending;   // freed: address ranges that wait for the event loop or a running job
  Tally reserved;  // address ranges that stay reserved for the life of the process
  Tally idle;      // address ranges that wait for the next region of their length
  Latency latency;
};

// Guarded by the mutex of the region table (region.h), but for `backend` and what does not change:
// each node's NUMA node and latency.
struct Context {
  std::unique_ptr<Backend> backend;
  std::vector<NodeAccount> nodes;
  std::vector<ReadyRanges> ready;  // by node
  Region* first = nullptr;         // live regions, in no order
  bool closed = false;
  // The environment that opened it, and every record of a region, hold one each.
  uint64_t holds = 1;
};

}  // namespace emucxl
