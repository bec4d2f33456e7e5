#include "shares.h"

#include <algorithm>

namespace emucxl {
namespace {

size_t begin_of(size_t thread, size_t threads, size_t units) {
  return units / threads * thread + std::min(thread, units % threads);
}

}  // namespace

Shares::Shares(const std::vector<size_t>& bytes, const std::vector<uint64_t>& weights,
               size_t threads)
    : threads_(threads), unit_(bytes.size() == 1 ? kShareWord : kSharePage) {
  if (bytes.size() == 1) {
    weights_ = {bytes[0] / kShareWord};  // one round, of all words
  } else {
    weights_.assign(weights.begin(), weights.end());
  }
  size_t rounds = SIZE_MAX;
  for (size_t part = 0; part < weights_.size(); ++part) {
    if (weights_[part] == 0) continue;
    rounds = std::min(rounds, bytes[part] / unit_ / weights_[part]);
  }
  // None where a weight is more than its part has, so that the sums stay small.
  if (rounds == 0 || rounds == SIZE_MAX) return;
  for (const size_t weight : weights_) round_ += weight;
  units_ = rounds * round_;
}

size_t Shares::used(size_t part) const {
  return units_ == 0 ? 0 : units_ / round_ * weights_[part] * unit_;
}

Shares::Walk::Walk(const Shares& shares, size_t thread)
    : shares_(shares),
      at_(begin_of(thread, shares.threads_, shares.units_)),
      end_(begin_of(thread + 1, shares.threads_, shares.units_)) {}

bool Shares::Walk::next(size_t most, Run* out) {
  if (at_ == end_) return false;
  const size_t round = at_ / shares_.round_;
  size_t within = at_ % shares_.round_;
  size_t part = 0;
  for (; within >= shares_.weights_[part]; ++part) within -= shares_.weights_[part];
  const size_t weight = shares_.weights_[part];
  const size_t n = std::min({weight - within, end_ - at_, most / shares_.unit_});
  *out = {part, (round * weight + within) * shares_.unit_, n * shares_.unit_};
  at_ += n;
  return true;
}

}  // namespace emucxl
