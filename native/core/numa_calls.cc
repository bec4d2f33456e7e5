#include "numa_calls.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "pages.h"

namespace emucxl {
namespace {

int error_of(long result) { return result < 0 ? errno : 0; }

}  // namespace

std::array<NumaCall, 4> try_numa_calls() {
  std::array<NumaCall, 4> calls{{
      {"get_mempolicy", error_of(syscall(SYS_get_mempolicy, nullptr, nullptr, 0, nullptr, 0))},
      // A policy of the thread's own may be set, so none is set here: a mode that does not exist is
      // refused with EINVAL by a kernel that the call has reached.
      {"set_mempolicy", error_of(syscall(SYS_set_mempolicy, -1, nullptr, 0))},
      {"mbind", ENOMEM},
      {"move_pages", ENOMEM},
  }};
  if (calls[1].error == EINVAL) calls[1].error = 0;
  void* page =
      mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return calls;
  *static_cast<char*>(page) = 1;
  int status = 0;
  calls[2].error = error_of(syscall(SYS_mbind, page, page_size(), MPOL_DEFAULT, nullptr, 0, 0));
  calls[3].error = error_of(syscall(SYS_move_pages, 0, 1, &page, nullptr, &status, 0));
  munmap(page, page_size());
  return calls;
}

}  // namespace emucxl
