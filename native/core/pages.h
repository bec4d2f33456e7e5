// Ranges of pages: the system calls on them, and nothing about who owns them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "failure.h"

namespace emucxl {

enum class HugePages : uint8_t {
  off,      // 4 KiB pages, also where the system's default is transparent huge pages
  prefer,   // transparent huge pages where the kernel has some: may be 4 KiB silently
  require,  // 2 MiB pages of the hugetlb pool, all of them there before the call returns
};

struct Range {
  char* start = nullptr;
  size_t length = 0;      // a multiple of `unit`
  size_t unit = 4096;     // page size in bytes
  bool anonymous = true;  // private anonymous memory; false: a mapping of a device
  bool plain = true;      // no policy, lock or advice of its own: neighbours merge with it
};

// Where the pages of a range are now, as the kernel says.
struct Residency {
  std::map<int, uint64_t> by_node;  // NUMA node -> pages of `unit` bytes
  uint64_t untouched = 0;           // no page yet: it will be placed at the first write
};

constexpr size_t kHugePage = size_t{2} << 20;

size_t page_size();
size_t round_up(size_t bytes, size_t unit);

// Maps zeroed private memory; `bytes` is rounded up to the page size that `huge` asks for.
// Errors: ERR_EMUCXL_NO_MEMORY, ERR_EMUCXL_NO_HUGE_PAGES.
Failure map_anonymous(size_t bytes, HugePages huge, Range* out);

// Gives every page of the range its memory now. Errors as map_anonymous; the range stays mapped.
Failure populate(const Range& range);

// mlock(2). Error: ERR_EMUCXL_LOCK_LIMIT.
Failure lock(Range* range);

// Physical memory goes back at once, and the range reads as zeros from then on, under any thread
// that reads or writes it meanwhile. False: the kernel refused; zeros all the same, but the memory
// goes back only when the range is unmapped.
bool discard(const Range& range);

// Only the memory goes back: policy and advice stay. False where that is not possible.
bool discard_contents(const Range& range);

// As `discard`, and the range loses what set it apart from its neighbours (policy, lock, advice).
bool overlay(const Range& range);

// False when the kernel refuses, as it may at the limit of vm.max_map_count.
bool unmap(const Range& range);

// Unmaps a range that nobody knows yet; where the kernel refuses, its memory goes back at least.
void dispose(const Range& range);

// Unmaps many, neighbours in one call, and leaves those that the kernel refuses to unmap.
void unmap_all(std::vector<Range>* ranges);

// Moves the pages of `length` bytes, from `offset` on, from one range to the same place in the
// other without copying. What they leave stays reserved, for the caller to discard. They must lie
// in one mapping of the kernel's. False: not possible here, copy instead.
bool relocate(const Range& from, const Range& to, size_t offset, size_t length);

// Asks the kernel where each page is.
// Errors: ERR_EMUCXL_NOT_PERMITTED where a container forbids it, ERR_EMUCXL_ABORTED.
Failure residency(const Range& range, Residency* out, Cancelled cancelled = nullptr);

}  // namespace emucxl
