// A kernel over blocks, pass by pass, each of which all threads begin together.
#pragma once

#include "operation.h"

namespace emucxl {

constexpr uint64_t kMostPasses = 1000000;

struct SweepResult {
  std::vector<uint64_t> ns_of_pass;  // from the first thread's start to the last one's end
  bool pinned = true;                // every thread, to the CPU that was named for it
  bool valid = false;                // the operands hold what they must
};

// Makes `passes` passes after one that does not count; overwrites the operands. What other threads
// do to them meanwhile makes the result invalid, and does no other harm.
// Error: ERR_EMUCXL_NO_MEMORY where there are not so many threads.
Failure sweep(const Operation& operation, uint64_t passes, SweepResult* out);

}  // namespace emucxl
