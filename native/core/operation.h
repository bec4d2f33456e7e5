// A kernel over blocks of emucxl memory, divided among threads: what a sweep does pass by pass, and
// traffic until it is stopped.
#pragma once

#include <vector>

#include "held.h"
#include "kernels.h"
#include "shares.h"

namespace emucxl {

// A block, or the front of one, held.
struct Block {
  char* start = nullptr;
  size_t length = 0;  // bytes
  Held region;
};

struct Operation {
  Kernel kernel = Kernel::read;
  std::vector<std::vector<Block>> operands;  // for each operand a block of each part
  Shares shares;
  std::vector<int> cpus;  // of each thread; -1: none in particular

  // Bytes of all operands that one pass goes over: STREAM's count.
  size_t bytes() const { return shares.bytes() * operands.size(); }
  // Whether a block was freed, by whomever.
  bool any_freed() const;
  // Whether the latency model makes it slower.
  bool is_modelled() const;

  // Runs the kernel over one run; as run_kernel.
  uint64_t work(const Run& run, uint64_t value) const;
  // Waits until a thread that has gone over so many bytes of each part (of one operand) since
  // `began` has taken as long as the latency model says. Threads share the bandwidth of a node;
  // different nodes serve at the same time.
  void pace(const std::vector<size_t>& bytes_of_part, uint64_t began,
            Cancelled cancelled = nullptr) const;
};

}  // namespace emucxl
