// Threads that stay on one CPU.
#pragma once

#include <sched.h>

namespace emucxl {

constexpr int kMostCpus = 8192;  // what Linux can be built for

// Keeps the calling thread on `cpu` from now on; -1: on the CPU where it is. False: there is no
// such CPU, or the process may not use it. The thread is as free as it was.
bool pin_this_thread(int cpu);

// Keeps the calling thread on one CPU for as long as this lives.
class Pinned {
 public:
  // As pin_this_thread.
  explicit Pinned(int cpu);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  bool ok() const { return ok_; }

 private:
  cpu_set_t before_[kMostCpus / CPU_SETSIZE] = {};
  bool ok_;  // after `before_`, which it is found out with
};

}  // namespace emucxl
