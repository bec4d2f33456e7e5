#include "operation.h"

#include <algorithm>

#include "lifecycle.h"

namespace emucxl {
namespace {

template <typename Test>
bool any_block(const std::vector<std::vector<Block>>& operands, Test test) {
  return std::any_of(operands.begin(), operands.end(), [&](const std::vector<Block>& parts) {
    return std::any_of(parts.begin(), parts.end(), test);
  });
}

}  // namespace

bool Operation::any_freed() const {
  return any_block(operands, [](const Block& block) { return block.region->freed.load(); });
}

bool Operation::is_modelled() const {
  return any_block(operands, [](const Block& block) { return modelled(*block.region.get()); });
}

uint64_t Operation::work(const Run& run, uint64_t value) const {
  char* starts[kMostOperands] = {};
  for (size_t i = 0; i < operands.size(); ++i) {
    starts[i] = operands[i][run.part].start + run.offset;
  }
  return run_kernel(kernel, starts, run.length, value);
}

void Operation::pace(const std::vector<size_t>& bytes_of_part, uint64_t began,
                     Cancelled cancelled) const {
  std::vector<Access> accesses;
  for (const std::vector<Block>& parts : operands) {
    for (size_t part = 0; part < parts.size(); ++part) {
      // The threads are alike: each has its share of what the node can do.
      const size_t bytes = bytes_of_part[part] * shares.threads();
      if (bytes != 0) accesses.push_back({parts[part].region.get(), bytes});
    }
  }
  emucxl::pace(accesses, began, cancelled);
}

}  // namespace emucxl
