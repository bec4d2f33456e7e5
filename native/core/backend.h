// The contract of a backend: what maps pages on a NUMA node. One object of a backend belongs to one
// context; its functions may be called from any thread, also at the same time.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "failure.h"
#include "pages.h"

namespace emucxl {

// What a backend can do. The code above asks these, never which backend it is.
struct Capabilities {
  bool places;      // the pages really are on the node that was asked for
  bool huge_pages;  // HugePages other than `off` are honoured
  bool divisible;   // a part of a mapping can be given back, or get another policy, by itself
};

struct MapRequest {
  size_t length;   // bytes, more than 0; rounded up by the backend
  int numa_node;   // the kernel's number; the backend checks that it can be used
  HugePages huge;  // `off` unless Capabilities::huge_pages
};

struct MoveResult {
  uint64_t moved = 0;      // pages that are on the target node now
  uint64_t failed = 0;     // pages that stayed where they were: pinned, or shared with a process
  uint64_t untouched = 0;  // pages that were never written: they will be placed on the target
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const char* name() const = 0;
  virtual Capabilities can() const = 0;

  // Maps zeroed, page-aligned memory on `numa_node`. On failure nothing stays mapped.
  // Errors: ERR_EMUCXL_NO_MEMORY, ERR_EMUCXL_NO_HUGE_PAGES, ERR_EMUCXL_BAD_NODE,
  // ERR_EMUCXL_NOT_PERMITTED. The range is given back with unmap() or overlay() of pages.h.
  virtual Failure map(const MapRequest& request, Range* out) = 0;

  // Gives every page of a range that map() returned, and that nobody else knows yet, its memory on
  // `numa_node`. A node that is full is an error here, where a first access to the page would end
  // the process. Errors: ERR_EMUCXL_NO_MEMORY, ERR_EMUCXL_NO_HUGE_PAGES; the range stays mapped.
  virtual Failure populate(const Range& range, int /*numa_node*/) {
    return emucxl::populate(range);
  }

  // Moves the range's pages from one NUMA node to another, in place; other threads may read and
  // write meanwhile (but see backend_device.cc for the one that copies). When the target is full,
  // or `cancelled` turns true, the pages are moved back and the call fails: ERR_EMUCXL_NO_MEMORY,
  // ERR_EMUCXL_ABORTED, ERR_EMUCXL_BAD_NODE, ERR_EMUCXL_NOT_PERMITTED. The range must stay mapped.
  virtual Failure move(const Range& range, int from, int to, const std::atomic<bool>& cancelled,
                       MoveResult* out) = 0;

  // Where the pages of a range that map() returned are now.
  // Errors: ERR_EMUCXL_NOT_PERMITTED where a container forbids to ask, ERR_EMUCXL_ABORTED.
  virtual Failure where(const Range& range, Residency* out, Cancelled cancelled) {
    return residency(range, out, cancelled);
  }

  // The most that all users together can have of a NUMA node, in bytes: what the backend says
  // beyond the node's own size.
  virtual uint64_t capacity(int /*numa_node*/) const { return UINT64_MAX; }
};

// Each opens its backend by trying what it needs, not by asking for it. Null with a failure, whose
// message says why it cannot run here and what the user can do: ERR_EMUCXL_BACKEND_UNAVAILABLE.
std::unique_ptr<Backend> open_emulated(Failure* failure);
std::unique_ptr<Backend> open_numa(Failure* failure);
std::unique_ptr<Backend> open_device(const std::string& path, Failure* failure);

}  // namespace emucxl
