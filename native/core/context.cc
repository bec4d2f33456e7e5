#include "context.h"

#include <algorithm>
#include <utility>

namespace emucxl {
namespace {

// What the garbage collector lets go of at once, in a program that frees as it allocates. The page
// tables of ranges that were touched stay: 8 MiB for the most bytes.
constexpr uint64_t kMostRanges = 16384;
constexpr uint64_t kMostBytes = uint64_t{4} << 30;
// Unmapped together; the more, the fewer calls where they are neighbours.
constexpr size_t kManySurplus = 512;
constexpr uint64_t kManySurplusBytes = uint64_t{256} << 20;

}  // namespace

ReadyRanges::~ReadyRanges() {
  if (span_.length != 0) unmap(span_);
  for (auto& [length, ranges] : idle_) {
    surplus_.insert(surplus_.end(), ranges.begin(), ranges.end());
  }
  unmap_all(&surplus_);
}

bool ReadyRanges::take(size_t length, Range* out) {
  const auto found = idle_.find(length);
  if (found != idle_.end()) {
    *out = found->second.back();
    found->second.pop_back();
    if (found->second.empty()) idle_.erase(found);
    tally_.subtract(length);
    return true;
  }
  if (span_.length < length) return false;
  *out = span_;
  out->length = length;
  span_.start += length;
  span_.length -= length;
  return true;
}

void ReadyRanges::add_span(const Range& span, Range* rest) {
  *rest = span_;
  span_ = span;
}

void ReadyRanges::put(const Range& range, std::vector<Range>* surplus) {
  idle_[range.length].push_back(range);
  tally_.add(range.length);
  while (tally_.ranges > kMostRanges || tally_.bytes > kMostBytes) {
    // A range of another length goes: what is freed now is what is asked for next.
    auto victim = std::find_if(idle_.begin(), idle_.end(),
                               [&](const auto& entry) { return entry.first != range.length; });
    if (victim == idle_.end()) victim = idle_.begin();
    Range out;
    take(victim->first, &out);
    surplus_.push_back(out);
    surplus_bytes_ += out.length;
  }
  if (surplus_.size() < kManySurplus && surplus_bytes_ < kManySurplusBytes) return;
  surplus->swap(surplus_);
  surplus_bytes_ = 0;
}

Tally ReadyRanges::tally() const {
  return {tally_.ranges + surplus_.size(), tally_.bytes + surplus_bytes_};
}

void ReadyRanges::swap(ReadyRanges& other) {
  idle_.swap(other.idle_);
  std::swap(tally_, other.tally_);
  surplus_.swap(other.surplus_);
  std::swap(surplus_bytes_, other.surplus_bytes_);
  std::swap(span_, other.span_);
}

}  // namespace emucxl
