#include "traffic.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lifecycle.h"
#include "pinned.h"

namespace emucxl {
namespace {

// Bytes of an operand between two looks at whether to stop. Copies of so few go through the caches,
// where those of a sweep may pass them by, as memcpy does with many.
constexpr size_t kStint = size_t{1} << 20;

}  // namespace

Traffic::Traffic(Operation operation)
    : operation_(std::move(operation)),
      modelled_(operation_.is_modelled()),
      meeting_(operation_.cpus.size() + 1) {}

Failure Traffic::start() {
  Failure failure = crew_.start(operation_.cpus.size(), [this](size_t thread) { work(thread); });
  if (failure) return failure;
  meeting_.attend([this] { began_ = now_ns(); });
  return success();
}

TrafficResult Traffic::stop() {
  stopped_ = true;
  meeting_.call_off();
  crew_.join();
  TrafficResult result;
  result.bytes = bytes_;
  result.ns = ended_ > began_ ? ended_ - began_ : 0;
  result.pinned = pinned_;
  return result;
}

void Traffic::work(size_t thread) {
  const int cpu = operation_.cpus[thread];
  const std::unique_ptr<Pinned> pin(cpu < 0 ? nullptr : new Pinned(cpu));
  if (pin == nullptr || !pin->ok()) pinned_ = false;
  touch(thread);
  if (!meeting_.attend([this] { began_ = now_ns(); })) return;
  // A thread has no slice where there are more threads than words.
  for (bool any = true; any && !is_over();) any = go_over(thread);
  const uint64_t ended = now_ns();
  uint64_t last = ended_;
  while (last < ended && !ended_.compare_exchange_weak(last, ended)) continue;
}

// With a value that loses nothing where the memory holds data.
void Traffic::touch(size_t thread) {
  Run run;
  for (Shares::Walk walk(operation_.shares, thread); walk.next(kStint, &run);) {
    for (const std::vector<Block>& parts : operation_.operands) {
      char* const start = parts[run.part].start + run.offset;
      for (size_t i = 0; i < run.length; i += kSharePage) {
        __atomic_fetch_or(start + i, 0, __ATOMIC_RELAXED);
      }
    }
    if (is_over()) return;
  }
}

// The slice of a thread, once. False: it has none.
bool Traffic::go_over(size_t thread) {
  std::vector<size_t> bytes_of_part(operation_.shares.parts());
  size_t all = 0;
  Run run;
  Shares::Walk walk(operation_.shares, thread);
  for (bool more = true; more && !is_over();) {
    const uint64_t began = now_ns();
    size_t stint = 0;
    std::fill(bytes_of_part.begin(), bytes_of_part.end(), 0);
    while (stint < kStint && (more = walk.next(kStint, &run))) {
      operation_.work(run, began);
      bytes_of_part[run.part] += run.length;
      stint += run.length;
    }
    if (modelled_) operation_.pace(bytes_of_part, began, &stopped_);
    bytes_ += stint * operation_.operands.size();
    all += stint;
  }
  return all != 0;
}

}  // namespace emucxl
