// Whether the kernel lets this process make its NUMA calls. A container's seccomp profile can
// forbid each of them by itself, so each is tried by itself, by number and without libnuma.
#pragma once

#include <array>

namespace emucxl {

struct NumaCall {
  const char* name;
  int error;  // errno; 0 where it works
};

// Changes nothing: what is asked for is what is there, or is refused after the call was let in.
std::array<NumaCall, 4> try_numa_calls();

}  // namespace emucxl
