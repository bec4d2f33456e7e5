// What the calls of memory_calls.cc and their twins of memory_jobs.cc ask before they begin.
#pragma once

#include "../core/lifecycle.h"
#include "arguments.h"

namespace emucxl {

// Arguments from `first` on: context, size, node, flags. False with an exception thrown.
bool wanted_region(const Call& call, size_t first, Wanted* out);

// Marks a region as moving. Errors: ERR_EMUCXL_FREED, ERR_EMUCXL_BUSY.
Failure begin_move(Region* region);
// As begin_move, for a resize. Also ERR_EMUCXL_SHARED.
Failure begin_resize(Region* region, size_t size);

// Takes the buffer away from JavaScript, as free and resize do. False with an exception thrown.
bool let_go(Environment& e, const Memory& memory);

}  // namespace emucxl
