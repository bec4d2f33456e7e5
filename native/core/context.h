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
};

// What an access to a node costs in the latency model of the emulated backend.
struct Latency {
  double ns = 0;             // one access
  double bytes_per_ns = 0;   // GB/s; 0: the model is off
};

// Ranges of one node that were freed, are known to nobody, hold no memory and read as zeros: the next
// region of the same length takes one, and needs no mmap(2), no mbind(2) and no munmap(2).
class IdleRanges {
 public:
  IdleRanges() = default;
  ~IdleRanges();
  IdleRanges(IdleRanges&&) = default;
  IdleRanges& operator=(IdleRanges&&) = default;

  // Keeps a range. What there is no room for then comes back in `out`, to be unmapped: true.
  bool put(const Range& range, Range* out);
  bool take(size_t length, Range* out);
  Tally tally() const { return tally_; }

 private:
  std::unordered_map<size_t, std::vector<Range>> by_length_;
  Tally tally_;
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

// Everything but `backend` is guarded by the mutex of the region table (region.h).
struct Context {
  std::unique_ptr<Backend> backend;
  std::vector<NodeAccount> nodes;
  std::vector<IdleRanges> idle;  // by node
  Region* first = nullptr;  // live regions, in no order
  bool closed = false;
  // The environment that opened it, and every record of a region, hold one each.
  uint64_t holds = 1;
};

}  // namespace emucxl
