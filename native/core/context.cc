#include "context.h"

#include <algorithm>

namespace emucxl {
namespace {

// Enough for what a turn of the event loop gives back. The page tables of ranges that were touched
// stay, 8 KiB for each of the longest; what is longer costs more to free than to map.
constexpr uint64_t kMostRanges = 1024;
constexpr size_t kLongest = size_t{4} << 20;

}  // namespace

IdleRanges::~IdleRanges() {
  for (const auto& [length, ranges] : by_length_) {
    for (const Range& range : ranges) unmap(range);
  }
}

bool IdleRanges::put(const Range& range, Range* out) {
  const bool full = tally_.ranges >= kMostRanges;
  if (range.length > kLongest) {
    *out = range;
    return true;
  }
  if (full) {
    // Room is made by a range of another length: what is freed now is what is asked for next.
    const auto other = std::find_if(by_length_.begin(), by_length_.end(), [&](const auto& entry) {
      return entry.first != range.length;
    });
    if (other == by_length_.end()) {
      *out = range;
      return true;
    }
    take(other->first, out);
  }
  by_length_[range.length].push_back(range);
  ++tally_.ranges;
  tally_.bytes += range.length;
  return full;
}

bool IdleRanges::take(size_t length, Range* out) {
  const auto found = by_length_.find(length);
  if (found == by_length_.end()) return false;
  *out = found->second.back();
  found->second.pop_back();
  if (found->second.empty()) by_length_.erase(found);
  --tally_.ranges;
  tally_.bytes -= length;
  return true;
}

}  // namespace emucxl
