// The arguments that a sweep and traffic have in common, checked.
#pragma once

#include <memory>

#include "../core/operation.h"
#include "arguments.h"

namespace emucxl {

// Arguments 0 to 3: kernel, blocks, weights, cpus. Null with an exception. Elements of the arrays
// may be getters, which run code; the blocks are looked at when none is left to run.
std::unique_ptr<Operation> to_operation(const Call& call);

}  // namespace emucxl
