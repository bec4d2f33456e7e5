#include "sweep.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

#include "crew.h"
#include "lifecycle.h"
#include "pinned.h"
#include "sweep_contents.h"

namespace emucxl {
namespace {

// What it takes to wake a thread, at most by a good measure, ns.
constexpr uint64_t kWaking = 20000;

// What write writes in a pass: another value in each, and no byte repeated, which memset could
// write.
uint64_t value_of(size_t pass) { return 0x0123456789abcdef + pass; }

class Sweep {
 public:
  Sweep(const Operation& operation, uint64_t passes)
      : operation_(operation),
        contents_(operation),
        modelled_(operation.is_modelled()),
        meeting_(operation.cpus.size()),
        passes_(passes + 1) {}

  Failure run(SweepResult* out) {
    Crew crew;
    Failure failure = crew.start(operation_.cpus.size(), [this](size_t thread) { work(thread); });
    if (failure) meeting_.call_off();
    crew.join();
    if (failure) return failure;
    for (size_t pass = 1; pass < passes_.size(); ++pass) {
      out->ns_of_pass.push_back(passes_[pass].last - passes_[pass].first);
    }
    out->pinned = pinned_;
    out->valid = contents_.as_they_must_be() && (has_target(operation_.kernel) || sums_agree());
    return success();
  }

 private:
  struct Pass {
    uint64_t first = UINT64_MAX;  // now_ns() when the first thread began
    uint64_t last = 0;            // and when the last one was done
    uint64_t sum = 0;
  };

  void work(size_t thread) {
    const int cpu = operation_.cpus[thread];
    const std::unique_ptr<Pinned> pin(cpu < 0 ? nullptr : new Pinned(cpu));
    if (pin == nullptr || !pin->ok()) pinned_ = false;
    contents_.fill();
    for (size_t pass = 0; pass < passes_.size(); ++pass) {
      if (!begin_together()) return;
      go_over(thread, pass);
    }
    if (!meeting_.attend() || !has_target(operation_.kernel)) return;
    contents_.check(value_of(passes_.size() - 1));
  }

  // Threads wake one after the other: the first would begin, and its time run, while others sleep.
  // False: the sweep was called off.
  bool begin_together() {
    const uint64_t waking = operation_.cpus.size() == 1 ? 0 : kWaking * operation_.cpus.size();
    if (!meeting_.attend([this, waking] { start_ = now_ns() + waking; })) return false;
    while (now_ns() < start_) continue;
    return true;
  }

  void go_over(size_t thread, size_t pass) {
    const uint64_t began = now_ns();
    std::vector<size_t> bytes_of_part(modelled_ ? operation_.shares.parts() : 0);
    uint64_t sum = 0;
    Run run;
    for (Shares::Walk walk(operation_.shares, thread); walk.next(SIZE_MAX, &run);) {
      sum += operation_.work(run, value_of(pass));
      if (modelled_) bytes_of_part[run.part] += run.length;
    }
    if (modelled_) operation_.pace(bytes_of_part, began);
    const uint64_t ended = now_ns();
    const std::lock_guard<std::mutex> guard(mutex_);
    Pass& all = passes_[pass];
    all.first = std::min(all.first, began);
    all.last = std::max(all.last, ended);
    all.sum += sum;
  }

  bool sums_agree() const {
    return std::all_of(passes_.begin(), passes_.end(),
                       [this](const Pass& pass) { return pass.sum == contents_.sum(); });
  }

  const Operation& operation_;
  SweepContents contents_;
  const bool modelled_;
  Meeting meeting_;
  uint64_t start_ = 0;  // when a pass begins, by now_ns(); set while all are at the meeting
  std::atomic<bool> pinned_{true};
  std::mutex mutex_;
  std::vector<Pass> passes_;  // the first does not count
};

}  // namespace

Failure sweep(const Operation& operation, uint64_t passes, SweepResult* out) {
  return Sweep(operation, passes).run(out);
}

}  // namespace emucxl
