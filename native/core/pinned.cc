#include "pinned.h"

namespace emucxl {

bool pin_this_thread(int cpu) {
  const int wanted = cpu < 0 ? sched_getcpu() : cpu;
  if (wanted < 0 || wanted >= kMostCpus) return false;
  cpu_set_t one[kMostCpus / CPU_SETSIZE] = {};
  CPU_SET_S(static_cast<size_t>(wanted), sizeof one, one);
  return sched_setaffinity(0, sizeof one, one) == 0;
}

Pinned::Pinned(int cpu)
    : ok_(sched_getaffinity(0, sizeof before_, before_) == 0 && pin_this_thread(cpu)) {}

Pinned::~Pinned() {
  if (ok_) sched_setaffinity(0, sizeof before_, before_);
}

}  // namespace emucxl
