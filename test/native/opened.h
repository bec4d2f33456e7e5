// An open context with two nodes, and the steps by which the binding makes and frees regions.
#pragma once

#include <utility>

#include "lifecycle.h"

namespace emucxl {

constexpr size_t kMiB = size_t{1} << 20;

inline RegionTable& table() { return RegionTable::instance(); }

class Opened {
 public:
  // Both nodes lie on the same NUMA node: of more than one, few machines that run this have.
  explicit Opened(std::unique_ptr<Backend> backend, uint64_t capacity = 64 * kMiB,
                  int numa_node = 0)
      : context_(new Context) {
    context_->backend = std::move(backend);
    context_->nodes.resize(2);
    context_->ready.resize(2);
    for (NodeAccount& node : context_->nodes) {
      node.capacity = capacity;
      node.numa_node = numa_node;
    }
  }
  Opened() : Opened(emulated()) {}
  ~Opened() { table().drop(context_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  Context* get() const { return context_; }
  NodeAccount account(uint32_t node) const { return table().account(context_, node); }

  Wanted wanted(size_t size, uint32_t node = 0) const {
    Wanted wanted;
    wanted.context = context_;
    wanted.node = node;
    wanted.size = size;
    return wanted;
  }

  // As alloc() of the binding, but that the one hold is the caller's. Null when it failed.
  Region* alloc(size_t size, uint32_t node = 0, bool shared = false) const {
    Wanted request = wanted(size, node);
    request.shared = shared;
    Region* region = nullptr;
    if (obtain(request, nullptr, &region)) return nullptr;
    table().enter(region, 1);
    return region;
  }

 private:
  static std::unique_ptr<Backend> emulated() {
    Failure none;
    return open_emulated(&none);
  }

  Context* const context_;
};

// As free() of the binding; the caller's hold remains.
inline void free_region(Region* region) {
  if (table().retire(region)) table().wipe(region);
}

inline bool is_empty(const NodeAccount& account) {
  return account.allocated == 0 && account.mapped == 0 && account.regions == 0;
}

inline bool is_empty(const Tally& tally) { return tally.ranges == 0 && tally.bytes == 0; }

}  // namespace emucxl
