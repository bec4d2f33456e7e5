// A kernel over blocks of an open context.
#pragma once

#include <utility>

#include "opened.h"
#include "operation.h"

namespace emucxl {

// Over blocks of so many bytes, one for each part, on node 0 and 1 in turn. Their regions live as
// long as the operation.
inline Operation operation_over(const Opened& opened, Kernel kernel,
                                const std::vector<size_t>& bytes,
                                const std::vector<uint64_t>& weights, std::vector<int> cpus) {
  Operation operation;
  operation.kernel = kernel;
  operation.cpus = std::move(cpus);
  operation.shares = Shares(bytes, weights, operation.cpus.size());
  for (size_t i = 0; i < operand_count(kernel); ++i) {
    operation.operands.emplace_back();
    for (size_t part = 0; part < bytes.size(); ++part) {
      Region* region = opened.alloc(bytes[part], part % 2);
      operation.operands.back().push_back({region->range.start, bytes[part], Held(region)});
    }
  }
  return operation;
}

}  // namespace emucxl
