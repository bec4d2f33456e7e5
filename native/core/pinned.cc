#include "pinned.h"

namespace emucxl {

Pinned::Pinned(int cpu) {
  const int wanted = cpu < 0 ? sched_getcpu() : cpu;
  if (wanted < 0 || wanted >= kMostCpus) return;
  if (sched_getaffinity(0, sizeof before_, before_) != 0) return;
  cpu_set_t one[kMostCpus / CPU_SETSIZE] = {};
  CPU_SET_S(static_cast<size_t>(wanted), sizeof one, one);
  ok_ = sched_setaffinity(0, sizeof one, one) == 0;
}

Pinned::~Pinned() {
  if (ok_) sched_setaffinity(0, sizeof before_, before_);
}

}  // namespace emucxl
