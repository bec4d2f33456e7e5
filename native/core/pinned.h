// Keeps the calling thread on one CPU for as long as this lives.
#pragma once

#include <sched.h>

namespace emucxl {

class Pinned {
 public:
  // On `cpu`; -1: on the CPU where the thread is.
  explicit Pinned(int cpu);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  // False: there is no such CPU, or the process may not use it. The thread is as free as it was.
  bool ok() const { return ok_; }

 private:
  static constexpr int kMostCpus = 8192;  // what Linux can be built for

  cpu_set_t before_[kMostCpus / CPU_SETSIZE] = {};
  bool ok_ = false;
};

}  // namespace emucxl
